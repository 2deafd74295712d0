"""The program that reads an ``.xls`` in a process of its own (see :mod:`pgdatahub.readers.isolated`)."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from xlrd.biffh import XLRDError

from pgdatahub.readers.encrypted import library
from pgdatahub.readers.packages.ole import SIGNATURE, Container, Data, OleError
from pgdatahub.readers.xls.book import CellBook
from pgdatahub.readers.xls.cells import Cells, PositionError
from pgdatahub.readers.xls.code_pages import CodePageError
from pgdatahub.readers.xls.global_records import PasswordNeededError
from pgdatahub.readers.xls.record_stream import TruncatedError
from pgdatahub.readers.xls.strings import TruncatedTextError

_STREAMS: Final = ("workbook", "book")
"""Names of the stream of the records, in lower case: Excel 97 and later, Excel 5 and 95."""
_BIFF8: Final = 80
_BOFS: Final = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_SUMMARY: Final = "\x05SummaryInformation"
_TRUNCATED: Final = "its records end before the sheet does"


class NoWorkbookError(Exception):
    """The container has no workbook."""


class DamagedError(Exception):
    """The records make no sense."""


def describe(error: BaseException) -> tuple[str, str]:
    """Return what went wrong: a word for the kind of error, and its text."""
    if isinstance(error, MemoryError):
        return "memory", ""
    if isinstance(error, FileNotFoundError):
        return "gone", ""
    if (encrypted := library.describe(error)) is not None:
        return encrypted
    if isinstance(error, PasswordNeededError):
        return "unsupported encryption", ""
    if isinstance(error, (TruncatedError, TruncatedTextError)):
        return "damaged", _TRUNCATED
    if isinstance(error, (CodePageError, PositionError, OleError, NoWorkbookError, XLRDError)):
        return "damaged", str(error)
    # xlrd takes what it reads for granted: an IndexError, an AssertionError or a struct.error is damage.
    return "damaged", f"its records make no sense ({type(error).__name__})"


class Reader:
    """The workbook and the sheet that are open. The methods are the requests."""

    def __init__(self) -> None:
        self._book: CellBook | None = None
        self._cells = Cells()
        self._batches: Iterator[Any] | None = None

    def open(self, path: str, passwords: list[str]) -> tuple[list[tuple[str, bool]], bool]:
        """Open a workbook; return name and visibility of each worksheet, and whether its days count from 1904."""
        with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            decrypted: bytes | None = None
            try:
                self._book = _open_book(data)
            except PasswordNeededError:
                decrypted = library.decrypt(file, passwords).getvalue()
        if decrypted is not None:
            self._book = _open_book(decrypted)
        book = self._book
        assert book is not None  # noqa: S101 - for the types
        return [(sheet.name, sheet.visible) for sheet in book.listed], bool(book.datemode)

    def sheet(self, position: int, fill: bool) -> dict[str, Any]:
        """Read a sheet; return what is known of it as a whole."""
        self._batches, self._cells = None, Cells()  # lets go of the last sheet before there is another
        if self._book is None:
            raise DamagedError
        sheet = self._book.load(position)
        cells = self._cells = sheet.cells
        if not fill:
            cells.cover()
        return {
            "date1904": bool(self._book.datemode),
            "formats": {number: (key, sheet.codes.get(key)) for number, key in sheet.formats.items()},
            "hidden_columns": sorted(cells.hidden_columns),
            "areas": sorted(dict.fromkeys(cells.areas)),
            "covered": (cells.covered, cells.first_covered),
            "recalculated": (sheet.recalculated, sheet.first_recalculated),
        }

    def names(self) -> dict[str, Any]:
        """Return the defined names with their tokens, and all that their references mean."""
        if self._book is None:
            raise DamagedError
        records = self._book.names
        encoding = None if self._book.biff_version >= _BIFF8 else self._book.derive_encoding()
        names, references = records.read(encoding)
        return {"too_many": records.too_many, "names": names, "references": references, "listed": records.listed}

    def has_values(self, position: int) -> bool:
        """Return whether a sheet has a value."""
        self._batches, self._cells = None, Cells()
        if self._book is None:
            raise DamagedError
        return self._book.has_values(position)

    def batch(self, max_rows: int) -> Any:
        """Return the next rows; None after the last."""
        if self._batches is None:
            self._batches = self._cells.batches(max_rows)
        return next(self._batches, None)


def _open_book(data: Data) -> CellBook:
    if data[:8] != SIGNATURE:
        return CellBook(data[:], trusts_empty=False)
    container = Container(data)
    streams = container.streams()
    found = sorted(
        (entry for entry in streams if entry.name.lower() in _STREAMS),
        key=lambda entry: _STREAMS.index(entry.name.lower()),
    )
    trusts_empty = any(entry.name == _SUMMARY for entry in streams)
    for entry in found:
        records = container.read(entry)
        if records.startswith(_BOFS) or entry is found[-1]:
            return CellBook(records, trusts_empty=trusts_empty)
    raise NoWorkbookError("it has no stream with a workbook")
