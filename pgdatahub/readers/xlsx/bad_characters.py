"""Cells with characters that XML does not allow: all of them, up to a limit, once a parser has stopped at the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.readers.packages.markup import BAD_CHARACTER, Stream

_PIECE: Final = 1 << 20
_MOST: Final = 10
_BAD: Final = (
    "[\0-\x08\x0b\x0c\x0e-\x1f\udc80-\udcff\ufffe\uffff]"
    "|&#(?:x0*(?:[0-8bcBC]|[efEF]|1[0-9a-fA-F])|0*(?:[0-8]|1[1245-9]|2[0-9]|3[01]));"
)
"""Control characters, written out or as references; bytes that are not UTF-8 are low surrogates by then."""
_IN_SHEET: Final = re.compile(rf'\sr="([A-Z]{{1,3}}[0-9]{{1,7}})"|({_BAD})')
_IN_STRINGS: Final = re.compile(rf"(<(?:[\w.-]+:)?si[\s>])|({_BAD})")
_CELLS: Final = re.compile(r"<(?:[\w.-]+:)?c\s([^<>]*)>\s*<(?:[\w.-]+:)?v>([0-9]{1,9})</")
_ADDRESS: Final = re.compile(r'(?:^|\s)r="([A-Z]{1,3}[0-9]{1,7})"')


def name_bad_cells(
    error: FileError, open_sheet: Callable[[], Stream], open_strings: Callable[[], Stream] | None
) -> FileError:
    """Return an error about a character that XML does not allow with the cells that have one; another error unchanged.

    Args:
        error: The error of reading a sheet or the shared strings.
        open_sheet: Opens the part of the sheet.
        open_strings: Opens the part of the shared strings, if they are at fault.
    """
    if error.hint != BAD_CHARACTER:
        return error
    try:
        if open_strings is None:
            cells = _unique(_in_sheet(open_sheet()))
        else:
            cells = _unique(_cells_of(open_sheet(), frozenset(_in_strings(open_strings()))))
    except FileError:
        return error
    if not cells:
        return error
    first, *others = cells
    message = error.message
    if others:
        more = " and more" if len(cells) > _MOST else ""
        message += f"; also in {', '.join(others[: _MOST - 1])}{more}"
    return CorruptError(message, where=first, hint=error.hint)


def _unique(found: Iterable[str]) -> list[str]:
    """Return the first strings, each once."""
    cells: dict[str, None] = {}
    for cell in found:
        cells[cell] = None
        if len(cells) > _MOST:
            break
    return list(cells)


def _in_sheet(stream: Stream) -> Iterator[str]:
    """Yield the address of the cell around each character."""
    address = ""
    for piece in _pieces(stream):
        for match in _IN_SHEET.finditer(piece):
            if match[1]:
                address = match[1]
            elif address:
                yield address


def _in_strings(stream: Stream) -> Iterator[int]:
    """Yield the index of the shared string around each character, up to a thousand."""
    return islice(_all_in_strings(stream), 1000)


def _all_in_strings(stream: Stream) -> Iterator[int]:
    count = 0
    for piece in _pieces(stream):
        for match in _IN_STRINGS.finditer(piece):
            if match[1]:
                count += 1
            elif count:
                yield count - 1


def _cells_of(stream: Stream, strings: frozenset[int]) -> Iterator[str]:
    """Yield the addresses of the cells with some shared strings."""
    for piece in _pieces(stream):
        for match in _CELLS.finditer(piece):
            if int(match[2]) in strings and 't="s"' in match[1] and (address := _ADDRESS.search(match[1])):
                yield address[1]


def _pieces(stream: Stream) -> Iterator[str]:
    """Yield a part in pieces that begin with a tag; bytes that are not UTF-8 as low surrogates."""
    waiting = b""
    while data := stream.read(_PIECE):
        waiting += data
        # A cell stands in one piece with its value: a row ends before the cut.
        cut = max(waiting.rfind(b"</row>"), waiting.rfind(b"</si>"))
        if cut < 0 and len(waiting) < 8 * _PIECE:
            continue
        cut = cut if cut > 0 else len(waiting)
        yield waiting[:cut].decode("utf-8", "surrogateescape")
        waiting = waiting[cut:]
    yield waiting.decode("utf-8", "surrogateescape")
