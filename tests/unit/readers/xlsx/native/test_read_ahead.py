"""Inflating in a thread."""

from __future__ import annotations

import threading
import zipfile
from io import BytesIO

import pytest

from pgdatahub.errors import CorruptError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.xlsx.native.read_ahead import read_ahead

LIMITS = Limits(part_bytes=2**30)


def archive(**parts: bytes) -> BytesIO:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in parts.items():
            written.writestr(name, data)
    return file


def inflating_threads() -> int:
    return sum(thread.name == "pgdatahub-inflate" for thread in threading.enumerate())


def test_pieces_are_the_part() -> None:
    data = bytes(range(256)) * 5000
    part = Package(archive(a=data), LIMITS).open("a", limit=2**30)
    pieces = list(read_ahead(part, 10_000))
    assert b"".join(pieces) == data
    assert {len(piece) for piece in pieces[:-1]} == {10_000}
    assert not inflating_threads()


def test_other_parts_can_be_read_meanwhile() -> None:
    data, other = bytes(range(256)) * 20_000, bytes(range(255, -1, -1)) * 2000
    package = Package(archive(a=data, b=other), LIMITS)
    pieces = []
    for piece in read_ahead(package.open("a", limit=2**30), 5000):
        pieces.append(piece)
        if len(pieces) % 10 == 0:
            assert package.open("b", limit=2**30).read(2**20) == other
    assert b"".join(pieces) == data


def test_closing_ends_the_thread() -> None:
    pieces = read_ahead(Package(archive(a=bytes(10**7)), LIMITS).open("a", limit=2**30), 1000)
    next(pieces)
    assert inflating_threads() == 1
    pieces.close()
    assert not inflating_threads()


def test_damage_is_raised_behind_the_pieces_before() -> None:
    file = archive(a=bytes(range(256)) * 5000)
    part = Package(file, Limits(part_bytes=2**30)).open("a", limit=100_000)
    pieces: list[bytes] = []
    with pytest.raises(CorruptError, match="unfolds"):
        pieces.extend(read_ahead(part, 30_000))
    assert not inflating_threads()
