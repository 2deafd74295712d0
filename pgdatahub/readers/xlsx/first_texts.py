"""Search for the cells that reading version 0 read in another way: outer white space, ISO fractions, covered values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.packages.office_workbook import find_workbook_part
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.xlsx.merged_areas import has_merged_areas
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

_PIECE: Final = 1024 * 1024
_OVERLAP: Final = 256 * 1024
"""Bytes that pieces share; the longest text that Excel allows has fewer."""
_OUTER_SPACE: Final = re.compile(
    rb"<(?:[^<>/!?\s:]{1,40}:)?t(?:\s(?![^<>]*preserve)[^<>]*)?>(?:[ \t\r\n]|&#|<!|[^<]*(?:[ \t\r\n]|&#[0-9A-Fa-fx]{1,8};)<)"
)
_ISO: Final = re.compile(rb"(?:[.,][0-9]{7,}|[+-]00:00)Z?S?\s*</")


def texts_read_differently(package: Package) -> bool:
    """Return whether a workbook has texts or dates in cells that version 0 read in another way.

    Raises:
        FileError: The workbook is damaged.
    """
    part = find_workbook_part(package)
    if part is None:
        return True
    limit = Limits().part_bytes
    for found in package.relationships(part):
        if found.type in ("worksheet", "sharedStrings") and found.target in package:
            for piece in _pieces(package.open(found.target, limit=limit)):
                if b"\0" in piece or _OUTER_SPACE.search(piece) or (b'"d"' in piece and _ISO.search(piece)):
                    return True
    return False


def has_covered_values(package: Package, file: BinaryIO) -> bool:
    """Return whether a sheet of a workbook has values under merged areas, which version 0 loaded.

    Args:
        package: The workbook's.
        file: Its bytes, which are closed.

    Raises:
        FileError: The workbook is damaged.
    """
    part = find_workbook_part(package)
    parts = (found.target for found in package.relationships(part or "") if found.type == "worksheet")
    limit = Limits().part_bytes
    if not any(has_merged_areas(package.open(name, limit=limit)) for name in parts if name in package):
        return False
    workbook = XlsxWorkbook(file, name="")
    for position in range(len(workbook.sheets)):
        sheet = workbook.open(position)
        for _ in sheet.batches(10_000):
            if sheet.covered:
                return True
    return False


def _pieces(stream: Stream) -> Iterator[bytes]:
    before = b""
    for data in iter(lambda: stream.read(_PIECE), b""):
        yield before + data
        before = (before + data)[-_OVERLAP:]
