"""Views of a sheet of any kind: whether it is among the selected ones, and its bytes without the selection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.tags import TOKEN, attributes, tag_name, with_attributes

_PIECE: Final = 1024 * 1024
_MAX_VIEWS: Final = 1024 * 1024
"""Bytes before the end of a sheet's views, which are among its first elements."""
_END_OF_VIEWS: Final = re.compile(rb"</(?:[^\s<>:/]+:)?sheetViews\s*>|<(?:[^\s<>:/]+:)?sheetData[\s/>]")


def selects_tab(stream: PartStream) -> bool:
    """Return whether a sheet of any kind is among the selected ones; an edit in one of them goes into all."""
    return any(b"tabSelected" in attributes(tag) for tag in _views(stream, []))


def deselected(stream: PartStream) -> Iterator[bytes]:
    """Yield the bytes of a sheet of any kind, which is not selected any more."""
    buffer = [b""]
    at = 0
    done: list[bytes] = []
    for tag in _views(stream, buffer):
        start = buffer[0].index(tag, at)
        done += [buffer[0][at:start], with_attributes(tag, {b"tabSelected": None})]
        at = start + len(tag)
    yield b"".join((*done, buffer[0][at:]))
    while data := stream.read(_PIECE):
        yield data


def _views(stream: PartStream, buffer: list[bytes]) -> Iterator[bytes]:
    """Yield the tags of a sheet's views; ``buffer`` gets the bytes that were read for them."""
    buffer[:] = [b""]
    while not (found := _END_OF_VIEWS.search(buffer[0])):
        data = stream.read(64 * 1024)
        if not data:
            break
        buffer[0] += data
        if len(buffer[0]) > _MAX_VIEWS:
            raise UnmarkableError(f"the part {stream.name} has no rows")
    end = found.start() if found else len(buffer[0])
    for token in TOKEN.finditer(buffer[0], 0, end):
        if tag_name(token[0]).rpartition(b":")[2] == b"sheetView" and not token[0].startswith(b"</"):
            yield token[0]
