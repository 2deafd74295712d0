"""xlrd's workbook, with the records that xlrd misreads or refuses read here.

xlrd finds versions, sheets and records, and reads formulas and the records of Excel 2 to 4. Text, cells, number formats,
hidden rows and columns, and merged areas are read here; everything else is skipped.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from xlrd.biffh import XL_WORKBOOK_GLOBALS, XL_WORKSHEET

from pgdatahub.readers.xls import records
from pgdatahub.readers.xls.cells import Cells, FirstValue, FoundValueError
from pgdatahub.readers.xls.global_records import BIFF5, GlobalRecords
from pgdatahub.readers.xls.sheet import CellSheet


@dataclass(frozen=True, slots=True)
class ListedSheet:
    """A worksheet that the workbook lists."""

    name: str
    visible: bool


class CellBook(GlobalRecords):
    """A workbook.

    Args:
        stream: Its records.
        trusts_empty: A formula whose result is an empty text has been computed.

    Raises:
        PasswordNeededError: It is encrypted.
        TruncatedError, TruncatedTextError, CodePageError, XLRDError: It is damaged, or not a workbook.
    """

    def __init__(self, stream: bytes, *, trusts_empty: bool) -> None:
        super().__init__(trusts_empty=trusts_empty)
        self._sheet_list: list[CellSheet | None] = []
        self._cells: type[Cells] = Cells
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
        self._kept = records.FOR_XLRD if self.biff_version >= BIFF5 else records.FOR_XLRD_OLD
        if self._begins_with_sheet(start) or self.biff_version <= 40:
            self._position = start
            self._list_only_sheet()
        else:
            if self.biff_version >= BIFF5:
                self.hooks = self.names.hooks
            self.parse_globals()
            self.hooks = {}
            if self.biff_version >= BIFF5:
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
            if self.biff_version < BIFF5:
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
