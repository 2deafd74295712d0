"""xlrd's way through the records of a workbook, with those left out that xlrd must not see."""

from __future__ import annotations

from collections.abc import Callable, Collection
from struct import unpack_from

from xlrd.book import Book

from pgdatahub.readers.xls import records


class TruncatedError(Exception):
    """The records end before the workbook or a sheet does."""


class RecordStream(Book):  # type: ignore[misc]  # xlrd has no types
    """The records of a workbook."""

    def __init__(self) -> None:
        super().__init__()
        self._position: int
        self._kept: Collection[int] = ()
        """Records that xlrd reads; those of ``hooks`` go there, and all others are skipped."""
        self._in_sheet = False
        self._text_due = False
        self.formula: tuple[int, bool, bytes] | None = None
        """Of the record that xlrd reads, if it is a formula: its flags, whether Excel has left no trace in it, its tokens."""
        self.hooks: dict[int, Callable[[bytes], None]] = {}

    def get_record_parts(self) -> tuple[int, int, bytes]:
        """Return the next record that xlrd is to read: number, length, data."""
        while True:
            start = self._position
            code, data = self._record()
            if self._text_due and code not in records.SHARED:
                self._text_due = False
                if code not in records.STRINGS:
                    # A formula with a text for a result, and no text: CellSheet takes an empty record as no result.
                    self._position = start
                    return 0x0207, 0, b""
            if code in self.hooks:
                self.hooks[code](data)
            elif self._in_sheet and code in records.BOFS:
                self._skip_substream()
            elif code in self._kept:
                if code in records.FORMULAS and len(data) >= 16 and self.biff_version > 21:
                    self._text_due = self._in_sheet and data[12:14] == b"\xff\xff" and data[6] == 0
                    self.formula = data[14], not any(data[16:20]), data[22 : 22 + int.from_bytes(data[20:22], "little")]
                elif code not in records.SHARED and code not in records.STRINGS:
                    self.formula = None
                return code, len(data), data

    def get_record_parts_conditional(self, reqd_record: int) -> tuple[int | None, int, bytes]:
        """Return the next record if it has this number."""
        start = self._position
        if self.mem[start : start + 2] == reqd_record.to_bytes(2, "little"):
            code, data = self._record()
            return code, len(data), data
        return None, 0, b""

    def with_continuations(self, data: bytes) -> list[bytes]:
        """Return a record's data and the data of the ``CONTINUE`` records behind it."""
        found = [data]
        while True:
            code, _, more = self.get_record_parts_conditional(records.CONTINUE)
            if code is None:
                return found
            found.append(more)

    def _record(self) -> tuple[int, bytes]:
        start = self._position
        head = self.mem[start : start + 4]
        if len(head) < 4:
            raise TruncatedError
        code, length = unpack_from("<HH", head)
        data = self.mem[start + 4 : start + 4 + length]
        if len(data) < length:
            raise TruncatedError
        self._position = start + 4 + length
        return code, data

    def _skip_substream(self) -> None:
        """Skip a chart within a sheet, and charts within that."""
        depth = 1
        while depth:
            code, _ = self._record()
            depth += (code in records.BOFS) - (code == records.EOF)
