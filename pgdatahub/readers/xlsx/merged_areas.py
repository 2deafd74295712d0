"""The merged areas of a worksheet part, in its markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import ASK_SENDER, DAMAGED, SAVE_AGAIN
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import GuardedParser, Stream
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.xlsx.addresses import parse_area

_PIECE = 1024 * 1024
_OVERLAP = 20
_MERGED = re.compile(rb"<(?:[A-Za-z0-9_]+:)?mergeCell\s[^<>]*?ref\s*=\s*[\"']([^\"']*)[\"']")


def add_area(areas: list[Area], attributes: Sequence[str], limits: Limits) -> None:
    """Add the area of a ``<mergeCell>``, given its attributes as names and values in turn.

    Raises:
        CorruptError: It has no place in a sheet, or there are too many of them.
    """
    reference = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("ref", "")
    corners = parse_area(reference)
    if corners is None or corners[2] > limits.rows or corners[3] >= limits.columns:
        raise CorruptError(f"a merged area is {reference[:40]!r}, which is nowhere", hint=SAVE_AGAIN)
    if len(areas) >= limits.merged_areas:
        raise CorruptError(f"there are more than {limits.merged_areas:,} merged areas", hint=ASK_SENDER)
    areas.append(Area(first_row=corners[0], first_column=corners[1], last_row=corners[2], last_column=corners[3]))


def has_merged_areas(stream: Stream) -> bool:
    """Return whether a worksheet part may have merged areas; it is inflated, and not parsed.

    Raises:
        CorruptError: The part is damaged.
    """
    before, found = b"", False
    while data := stream.read(_PIECE):
        # In UTF-16, each second byte of the name is NUL.
        found = found or b"mergeCell" in before + data or b"m\0e\0r\0g\0e" in before + data
        before = data[-_OVERLAP:]
    return found


def find_merged_areas(stream: Stream, limits: Limits) -> list[Area]:
    """Return the merged areas of a worksheet part, from top to bottom; only its end, where they are, is searched.

    A part in UTF-16 is parsed.

    Raises:
        CorruptError: The part is damaged, or has too many of them.
    """
    before, end = b"", b""
    while data := stream.read(_PIECE):
        if not before and b"\0" in data[:4]:
            return _parse_merged_areas(chain((data,), iter(lambda: stream.read(_PIECE), b"")), stream.name, limits)
        if end:
            end += data
            continue
        searched = before + data
        start = searched.find(b"mergeCells")
        if start >= 0:
            end = searched[start:]
        before = data[-_OVERLAP:]
    areas: list[Area] = []
    for match in _MERGED.finditer(end):
        add_area(areas, ("ref", match[1].decode("ascii", "replace")), limits)
    return sorted(areas, key=lambda area: area.first_row)


def read_merged_areas(stream: Stream, limits: Limits) -> list[Area]:
    """Return the merged areas of a worksheet part, which stand behind its rows, from top to bottom.

    Raises:
        CorruptError: The part is damaged, or has too many of them.
    """
    return _parse_merged_areas(iter(lambda: stream.read(_PIECE), b""), stream.name, limits)


def _parse_merged_areas(pieces: Iterable[bytes], part: str, limits: Limits) -> list[Area]:
    areas: list[Area] = []
    depth = 0

    def start(name: str, attributes: list[str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 3 and name.endswith("mergeCell"):
            add_area(areas, attributes, limits)
        elif depth > limits.depth:
            raise CorruptError(f"the part {part} nests elements more than {limits.depth} deep", hint=DAMAGED)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = GuardedParser(part, limits, start=start, end=end)
    for data in pieces:
        parser.feed(data)
    parser.feed(b"", final=True)
    return sorted(areas, key=lambda area: area.first_row)
