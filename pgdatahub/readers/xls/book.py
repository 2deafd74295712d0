"""xlrd's workbook, with the records that xlrd misreads or refuses read here.

xlrd finds versions, sheets and records, and reads formulas and the records of Excel 2 to 4. Text, cells, number formats,
hidden rows and columns, and merged areas are read here; everything else is skipped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from struct import unpack_from
from types import SimpleNamespace
from typing import Any, Final

from xlrd.biffh import XL_WORKBOOK_GLOBALS, XL_WORKSHEET
from xlrd.formatting import Format

from pgdatahub.readers.xls import records
from pgdatahub.readers.xls.cells import Cells, FirstValue, FoundValueError
from pgdatahub.readers.xls.code_pages import decode, encoding_of
from pgdatahub.readers.xls.name_records import NameRecords
from pgdatahub.readers.xls.record_stream import RecordStream
from pgdatahub.readers.xls.sheet import CellSheet
from pgdatahub.readers.xls.strings import StringReader, TruncatedTextError, read_string

_BIFF5: Final = 50
_BIFF8: Final = 80
_WORKSHEET: Final = 0
_SMALLEST_STRING: Final = 3


class PasswordNeededError(Exception):
    """The records are encrypted."""


@dataclass(frozen=True, slots=True)
class ListedSheet:
    """A worksheet that the workbook lists."""

    name: str
    visible: bool


class _Formats(dict[int, Any]):
    """Number formats by number; xlrd gives up a format that the file does not define, and its built-in list has gaps."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: int) -> Any:
        return Format(key, 0, None)


class CellBook(RecordStream):
    """A workbook.

    Args:
        stream: Its records.
        trusts_empty: A formula whose result is an empty text has been computed.

    Raises:
        PasswordNeededError: It is encrypted.
        TruncatedError, TruncatedTextError, CodePageError, XLRDError: It is damaged, or not a workbook.
    """

    def __init__(self, stream: bytes, *, trusts_empty: bool) -> None:
        super().__init__()
        self._sheet_list: list[CellSheet | None] = []
        self._sharedstrings: list[str] = []
        self.trusts_empty = trusts_empty
        self.names = NameRecords()
        self._cells: type[Cells] = Cells
        # As attributes, since xlrd puts its own functions of these names into the class when it opens a workbook.
        self.handle_format = self._read_format
        self.handle_xf = self._read_xf
        self.xf_epilogue = self._end_xf
        log = open(os.devnull, "w")  # noqa: PTH123, SIM115 - xlrd prints remarks as long as it is there
        self.biff2_8_load(file_contents=stream, logfile=log, on_demand=True)
        self._open()

    def _open(self) -> None:
        start = self._position
        if self._begins_with_sheet():
            # Excel 5 and later: records of one sheet without the workbook around, as scripts write them.
            self.biff_version = self.getbof(XL_WORKSHEET)
        else:
            self.biff_version = self.getbof(XL_WORKBOOK_GLOBALS)
        self._kept = records.FOR_XLRD if self.biff_version >= _BIFF5 else records.FOR_XLRD_OLD
        if self._begins_with_sheet(start) or self.biff_version <= 40:
            self._position = start
            self._list_only_sheet()
        else:
            if self.biff_version >= _BIFF5:
                self.hooks = self.names.hooks
            self.parse_globals()
            self.hooks = {}
            if self.biff_version >= _BIFF5:
                self._sheet_list = [None] * len(self._sheet_names)

    def _begins_with_sheet(self, position: int | None = None) -> bool:
        start = self._position if position is None else position
        head = self.mem[start : start + 8]
        return len(head) == 8 and head[:2] == b"\x09\x08" and head[6:8] == b"\x10\x00"

    def _list_only_sheet(self) -> None:
        self._sheet_names = ["Sheet 1"]
        self._sh_abs_posn = [self.base]
        self._sheet_visibility = [0]
        self._sheet_list = [None]

    @property
    def listed(self) -> list[ListedSheet]:
        """The worksheets in their order."""
        return [
            ListedSheet(name, not visibility & 3)
            for name, visibility in zip(self._sheet_names, self._sheet_visibility, strict=True)
        ]

    def has_values(self, position: int) -> bool:
        """Return whether a sheet has a value; it is read up to its first one."""
        self._cells = FirstValue
        try:
            self.load(position)
        except FoundValueError:
            return True
        finally:
            self._cells = Cells
        return False

    def load(self, position: int) -> CellSheet:
        """Return a sheet, read to its end."""
        sheet = self._sheet_list[position]
        if sheet is None:
            if self.biff_version < _BIFF5:
                self.initialise_format_info()
            try:
                sheet = self.get_sheet(position)
            finally:
                self._sheet_list[position] = None
        return sheet

    def get_sheet(self, sh_number: int, update_pos: bool = True) -> CellSheet:
        """Read a sheet; xlrd calls this for the sheets of an Excel 4 workbook, which hold their own formats."""
        if update_pos:
            self._position = self._sh_abs_posn[sh_number]
        self.getbof(XL_WORKSHEET)
        sheet = CellSheet(self, self._position, self._sheet_names[sh_number], sh_number)
        sheet.cells = self._cells()
        self._in_sheet, self._text_due = True, False
        try:
            sheet.read(self)
        finally:
            self._in_sheet, self.hooks = False, {}
        sheet.finish()
        self._sheet_list[sh_number] = sheet
        return sheet

    # ── the workbook's own records ───────────────────────────────────────────────────────────────────────────────────

    def initialise_format_info(self) -> None:
        """Forget formats; each sheet of an Excel 4 workbook has its own."""
        super().initialise_format_info()
        self.format_map = _Formats()
        self.codes: dict[int, str] = {}

    def derive_encoding(self) -> str:
        """Return the encoding of texts that are not Unicode."""
        self.encoding: str = "utf_16_le" if self.biff_version >= _BIFF8 else encoding_of(self.codepage)
        return self.encoding

    def handle_writeaccess(self, _data: bytes) -> None:
        """Skip the name of the user who saved the workbook."""

    def handle_datemode(self, data: bytes) -> None:
        """Note the date system."""
        self.datemode = data[0] & 1 if data else 0

    def handle_filepass(self, _data: bytes) -> None:
        """Refuse encrypted records.

        Raises:
            PasswordNeededError: Always.
        """
        raise PasswordNeededError

    def handle_boundsheet(self, data: bytes) -> None:
        """List a sheet."""
        if self.biff_version == 45:
            super().handle_boundsheet(data)
            return
        place, visibility, kind = unpack_from("<IBB", data)
        is_worksheet = kind & 0x0F == _WORKSHEET
        self.names.listed.append(len(self._sheet_names) if is_worksheet else None)
        if not is_worksheet:
            return  # macros, charts and modules have no cells
        self._sheet_names.append(self._short_text(data, 6))
        self._sh_abs_posn.append(self.base + place)
        self._sheet_visibility.append(visibility)

    def handle_sst(self, data: bytes) -> None:
        """Read the shared strings."""
        parts = self.with_continuations(data)
        count = int.from_bytes(data[4:8], "little")
        size = sum(map(len, parts))
        if count > size // _SMALLEST_STRING:
            # Some programs write wrong counts; there cannot be more strings than bytes for them.
            count = size // _SMALLEST_STRING + 1
        strings = StringReader(parts, 8)
        found = self._sharedstrings
        try:
            found.extend(strings.shared() for _ in range(count))
        except TruncatedTextError:
            return  # a cell that uses a string that is missing is refused

    def _read_format(self, data: bytes, rectype: int = 0x041E) -> None:
        version = self.biff_version
        if version >= _BIFF5:
            number, offset = unpack_from("<H", data)[0], 2
        else:
            number, offset = self.actualfmtcount, 0 if version <= 30 or rectype == 0x1E else 2
        self.actualfmtcount += 1
        text = read_string([data], offset) if version >= _BIFF8 else self._short_text(data, offset)
        self.codes[number] = text
        self.format_map[number] = Format(number, 0, text)

    def _short_text(self, data: bytes, offset: int) -> str:
        if self.biff_version >= _BIFF8:
            return read_string([data], offset, 1)
        return decode(data[offset + 1 : offset + 1 + data[offset]], self.derive_encoding())

    def _read_xf(self, data: bytes) -> None:
        version = self.biff_version
        number = unpack_from("<H", data, 2)[0] if version >= _BIFF5 else data[2] & 0x3F if version <= 21 else data[1]
        self.xf_list.append(SimpleNamespace(format_key=number, xf_index=len(self.xf_list)))
        self.xfcount += 1

    def _end_xf(self) -> None:
        self._xf_epilogue_done = 1

    def shared_string(self, index: int) -> str | None:
        """Return a shared string, None if the workbook does not have it."""
        known: list[str] = self._sharedstrings
        return known[index] if index < len(known) else None
