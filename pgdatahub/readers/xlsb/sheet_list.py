"""The workbook part of a binary workbook: its date system and its sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.records import FieldBuffer, read_records

_MOST_SHEETS: Final = 100_000
_WANTED: Final = (records.WORKBOOK_PROPERTIES, records.SHEET, records.CALCULATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinarySheet:
    """A sheet as the workbook part lists it.

    Attributes:
        name: Its name.
        visible: It is not hidden.
        relationship: The identifier of the relationship that leads to its part, empty for none.
    """

    name: str
    visible: bool
    relationship: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetList:
    """The contents of the workbook part.

    Attributes:
        sheets: The sheets in their order.
        date1904: Day 0 is 1904-01-01.
        stale: The workbook asks to be calculated when it is opened, so results of formulas may be old.
    """

    sheets: tuple[BinarySheet, ...]
    date1904: bool
    stale: bool


def read_sheet_list(stream: Stream, limits: Limits) -> SheetList:
    """Return the sheets and the date system.

    Raises:
        CorruptError: The part is damaged, or has too many sheets.
    """
    sheets: list[BinarySheet] = []
    date1904 = stale = False
    for identifier, payload in read_records(stream, limits, records.BEGIN_BOOK, _WANTED):
        fields = FieldBuffer(payload, stream.name)
        if identifier == records.WORKBOOK_PROPERTIES:
            date1904 = bool(fields.number(4) & 1)
        elif identifier == records.CALCULATION:
            stale = _asks_for_calculation(payload)
        else:
            state = fields.number(4)
            fields.skip(4)
            relationship = fields.text()
            sheets.append(BinarySheet(name=fields.text(), visible=state == 0, relationship=relationship))
            if len(sheets) > _MOST_SHEETS:
                raise CorruptError(f"the workbook has more than {_MOST_SHEETS:,} sheets", hint=DAMAGED)
    return SheetList(sheets=tuple(sheets), date1904=date1904, stale=stale)


def _asks_for_calculation(payload: bytes) -> bool:
    """Return the flag behind identifier, mode, count, delta and threads (MS-XLSB 2.4.19, BrtCalcProp)."""
    return len(payload) >= 26 and bool(payload[24] & 1)
