"""xlrd's worksheet, whose cells go to :class:`pgdatahub.readers.xls.cells.Cells`."""

from __future__ import annotations

from struct import unpack_from
from typing import Any, Final

from xlrd.biffh import XL_CELL_BOOLEAN, XL_CELL_ERROR, XL_CELL_TEXT, XLRDError
from xlrd.sheet import Sheet, unpack_RK

from pgdatahub.readers.xls import records
from pgdatahub.readers.xls.cells import BOOLEAN, ERROR, MISSING_TEXT, NUMBER, UNCACHED, Cells
from pgdatahub.readers.xls.code_pages import decode
from pgdatahub.readers.xls.formula_tokens import gives_text
from pgdatahub.readers.xls.global_records import GlobalRecords
from pgdatahub.readers.xls.strings import StringReader, TruncatedTextError, read_string

_MOST_AREAS: Final = 1_000_000
_OLD_DATES: Final = 12
_BIFF5: Final = 50
_ON_LOAD: Final = 2
"""The flag of a formula that asks to be calculated when the workbook is opened."""


class _NoResult:
    """The result of a formula that has none."""


_NO_RESULT: Final = _NoResult()


class CellSheet(Sheet):  # type: ignore[misc]  # xlrd has no types
    """A worksheet, in the middle of being read or read."""

    def __init__(self, book: GlobalRecords, position: int, name: str, number: int) -> None:
        super().__init__(book, position, name, number)
        self.cells = Cells()
        self.put_cell = self._put
        self.recalculated = 0
        """Formulas that ask to be calculated when the workbook is opened, and have 0 for a result."""
        self.first_recalculated: tuple[int, int] | None = None
        self._results = 0
        self._empty_results: list[tuple[int, int]] = []
        book.hooks = {
            records.NUMBER: self._number,
            records.RK: self._rk,
            records.MULRK: self._rks,
            records.LABEL: self._label,
            records.RSTRING: self._label,
            records.LABEL_SST: self._shared,
            records.BOOLERR: self._boolean,
            records.ROW: self._row,
            records.ROW_OLD: self._old_row,
            records.COLINFO: self._column,
            records.COLWIDTH: self._old_column,
            records.DEFAULT_ROW: self._default_row,
            records.MERGED: self._merged,
        }

    def finish(self) -> None:
        """Note what the end of the sheet tells: the formats, and formulas that were never computed."""
        self.formats = {number: self._format_key(number) for number in self.cells.used_formats()}
        self.codes = {key: self.book.codes[key] for key in self.formats.values() if key in self.book.codes}
        if self._empty_results and not self._results and not self.book.trusts_empty:
            # Programs that compute nothing write an empty text for the result of every formula.
            for row, position in self._empty_results:
                self.cells.put(row, position, UNCACHED, 0.0, 0)
        self.cells.finish()

    def _format_key(self, extended_format: int) -> int:
        """Return the number of a cell's number format."""
        known = self.book.xf_list
        key: int = known[extended_format].format_key if extended_format < len(known) else 0
        if key >= _OLD_DATES and self.book.biff_version <= 30 and key not in self.book.codes:
            # Excel 4 put two formats of fractions before the dates.
            return key + 2
        return key

    def string_record_contents(self, data: bytes) -> Any:
        """Return the text of a formula; it may go on in further records."""
        if not data:
            return _NO_RESULT
        parts = self.book.with_continuations(data)
        if self.book.biff_version >= 80:
            return read_string(parts, 0)
        size = 2 if self.book.biff_version >= 30 else 1
        length = int.from_bytes(data[:size], "little")
        text = b"".join((data[size:], *parts[1:]))[:length]
        if len(text) < length:
            raise TruncatedTextError
        return decode(text, self.book.derive_encoding())

    def tidy_dimensions(self) -> None:
        """Do nothing: cells are not in xlrd's lists."""

    def update_cooked_mag_factors(self) -> None:
        """Do nothing: the window does not matter."""

    def _put(self, row: int, position: int, kind: int | None, value: Any, extended_format: int) -> None:
        """Add a cell that xlrd has read: the result of a formula, or a cell of Excel 2 to 4."""
        cells, formula = self.cells, self.book.formula
        if kind == XL_CELL_TEXT and not value:
            if formula is not None and formula[1]:
                self._empty_results.append((row, position))
            return
        self._results += formula is not None
        if kind == XL_CELL_TEXT:
            if value is _NO_RESULT:
                cells.put(row, position, UNCACHED, 0.0, extended_format)
            else:
                cells.put_text(row, position, value, extended_format)
        elif kind is None:
            if value == 0 and formula is not None:
                if self.book.biff_version >= _BIFF5 and gives_text(formula[2]):
                    cells.put(row, position, UNCACHED, 0.0, extended_format)
                    return
                if formula[0] & _ON_LOAD:
                    self.recalculated += 1
                    self.first_recalculated = self.first_recalculated or (row, position)
            cells.put(row, position, NUMBER, value, extended_format)
        elif kind in (XL_CELL_BOOLEAN, XL_CELL_ERROR):
            cells.put(row, position, BOOLEAN if kind == XL_CELL_BOOLEAN else ERROR, value, extended_format)

    # ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _number(self, data: bytes) -> None:
        row, position, extended_format, value = unpack_from("<HHHd", data)
        self.cells.put(row, position, NUMBER, value, extended_format)

    def _rk(self, data: bytes) -> None:
        row, position, extended_format = unpack_from("<HHH", data)
        self.cells.put(row, position, NUMBER, unpack_RK(data[6:10]), extended_format)

    def _rks(self, data: bytes) -> None:
        row, position = unpack_from("<HH", data)
        for offset in range(4, len(data) - 7, 6):
            extended_format = data[offset] | data[offset + 1] << 8
            self.cells.put(row, position, NUMBER, unpack_RK(data[offset + 2 : offset + 6]), extended_format)
            position += 1

    def _boolean(self, data: bytes) -> None:
        row, position, extended_format, value, is_error = unpack_from("<HHHBB", data)
        self.cells.put(row, position, ERROR if is_error else BOOLEAN, value, extended_format)

    def _shared(self, data: bytes) -> None:
        row, position, extended_format, index = unpack_from("<HHHI", data)
        text = self.book.shared_string(index)
        if text is None:
            self.cells.put(row, position, MISSING_TEXT, index, extended_format)
        else:
            self.cells.put_text(row, position, text, extended_format)

    def _label(self, data: bytes) -> None:
        row, position, extended_format, length = unpack_from("<HHHH", data)
        if self.book.biff_version >= 80:
            parts = self.book.with_continuations(data)
            text = StringReader(parts, 8).text(length) if length else ""
        else:
            if len(data) < 8 + length:
                raise TruncatedTextError
            text = decode(data[8 : 8 + length], self.book.derive_encoding())
        self.cells.put_text(row, position, text, extended_format)

    # ── rows, columns, merged areas ──────────────────────────────────────────────────────────────────────────────────

    def _row(self, data: bytes) -> None:
        (self.cells.hidden_rows if data[12] & 0x20 else self.cells.other_rows).add(unpack_from("<H", data)[0])

    def _old_row(self, data: bytes) -> None:
        row, height = unpack_from("<H4xH", data)
        (self.cells.other_rows if height & 0x7FFF else self.cells.hidden_rows).add(row)

    def _default_row(self, data: bytes) -> None:
        self.cells.rows_hidden = bool(len(data) >= 4 and data[0] & 2)

    def _column(self, data: bytes) -> None:
        first, last, _, _, flags = unpack_from("<HHHHH", data)
        if flags & 1:
            self.cells.hidden_columns.update(range(first, min(last, 255) + 1))

    def _old_column(self, data: bytes) -> None:
        first, last, width = unpack_from("<BBH", data)
        if not width:
            self.cells.hidden_columns.update(range(first, last + 1))

    def _merged(self, data: bytes) -> None:
        count = min(unpack_from("<H", data)[0], (len(data) - 2) // 8)
        for index in range(count):
            top, bottom, left, right = unpack_from("<HHHH", data, 2 + index * 8)
            if top <= bottom and left <= right:
                self.cells.areas.append((top, bottom, left, right))
        if len(self.cells.areas) > _MOST_AREAS:
            raise XLRDError(f"there are more than {_MOST_AREAS:,} merged areas")
