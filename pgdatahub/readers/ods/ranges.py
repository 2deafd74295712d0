"""Named ranges and database ranges of an OpenDocument spreadsheet (ODF 1.3 part 3, 9.4.11 and 9.4.15)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.advice import ASK_SENDER
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.content import Content, NotSearchableError
from pgdatahub.readers.ods.sheet_list import ListedSheet
from pgdatahub.readers.packages.markup import GuardedParser
from pgdatahub.readers.ranges.defined_names import BROKEN, FORMULA, RESERVED, SEVERAL, area_in, range_of_name, with_area

MAX_NAMES: Final = 65_536
_SHEET: Final = r"(?:\$?(?P<{0}>'(?:[^']|'')+'|[^'.:#$ ]+))?"
_ADDRESS: Final = re.compile(
    f"{_SHEET.format('sheet')}\\.(?P<first>[$A-Za-z0-9]+)(?::{_SHEET.format('other')}\\.(?P<last>[$A-Za-z0-9]+))?"
)
_FUNCTION: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.]*)\s*\(")
_LAST_ROW: Final = re.compile(r"\$?1048576$")
_LAST_COLUMNS: Final = ("XFD", "AMJ")
_ANONYMOUS: Final = "__Anonymous"
_TOTALS: Final = (
    "an .ods file does not mark a row of totals, so the last row of the range {} is loaded too; if it has totals, stop_at: "
    "ends the table before it"
)


def read_ranges(content: Content, part: str, sheets: Sequence[ListedSheet], limits: Limits) -> list[RangeInfo]:
    """Return the database ranges, as tables, and the named ranges of a spreadsheet.

    Args:
        content: The part with the sheets.
        part: Its name, for errors.
        sheets: The sheets.
        limits: Bounds of a workbook.

    Raises:
        CorruptError: The part is damaged, or there are too many names.
    """
    if content.is_searchable:
        try:
            return _Lister(part, sheets, limits).list(content.with_names())
        except NotSearchableError:
            content.is_searchable = False
    return _Lister(part, sheets, limits).list(content.whole())


class _Lister:
    """Takes the elements of ``content.xml``."""

    def __init__(self, part: str, sheets: Sequence[ListedSheet], limits: Limits) -> None:
        self._part = part
        self._limits = limits
        self._positions = {sheet.name.casefold(): position for position, sheet in enumerate(sheets)}
        self._by_table = {sheet.table: position for position, sheet in enumerate(sheets)}
        self._open = 0
        self._number = -1
        self._tables: list[RangeInfo] = []
        self._names: list[RangeInfo] = []

    def list(self, pieces: Iterable[bytes]) -> list[RangeInfo]:
        parser = GuardedParser(self._part, self._limits, start=self._start, end=self._end, mapping=True)
        for piece in pieces:
            parser.feed(piece)
        parser.feed(b"", final=True)
        return [*self._tables, *self._names]

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name.rpartition(" ")[2] == "table":
            self._open += 1
            self._number += self._open == 1
        elif name in (names.NAMED_RANGE, names.NAMED_EXPRESSION):
            self._add_name(attributes)
        elif name == names.DATABASE_RANGE:
            self._add_table(attributes)
        if len(self._names) + len(self._tables) > MAX_NAMES:
            raise CorruptError(f"there are more than {MAX_NAMES:,} names of ranges", hint=ASK_SENDER)

    def _end(self, name: str) -> None:
        self._open -= name.rpartition(" ")[2] == "table"

    def _add_name(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get(names.SHEET_NAME, "")
        scope = self._by_table.get(self._number) if self._open else None
        if self._open and scope is None:
            return
        address = attributes.get(names.CELL_RANGE)
        if address is not None:
            found = self._range(name, address, scope)
        elif name.startswith(RESERVED):
            found = None
        else:
            problem = _why_not(attributes.get(names.EXPRESSION, ""))
            found = RangeInfo(name=name, scope=scope, problem=problem)
        if found is not None:
            self._names.append(found)

    def _add_table(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get(names.SHEET_NAME, "")
        found = self._range(name, attributes.get(names.TARGET_RANGE, ""), None)
        if found is None:
            return
        problem = found.problem
        if attributes.get(names.ORIENTATION) == "column":
            problem = with_area("its records stand side by side (orientation: column)")
        self._tables.append(
            RangeInfo(
                name=name,
                is_table=True,
                sheet=None if problem else found.sheet,
                rows=found.rows,
                columns=found.columns,
                names=() if attributes.get(names.CONTAINS_HEADER) == "false" else None,
                problem=problem,
                hidden=name.startswith(_ANONYMOUS),
                doubt=_TOTALS.format(name),
            )
        )

    def _range(self, name: str, address: str, scope: int | None) -> RangeInfo | None:
        return range_of_name(name, _in_excel(address), positions=self._positions, tables={}, scope=scope)


def _in_excel(address: str) -> str:
    """Return an address such as ``$Data.$B$2:.$D$4`` as Excel writes it: ``Data!$B$2:$D$4``."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return address
    sheet, last = match["sheet"], match["last"]
    if sheet is None or (match["other"] is not None and match["other"] != sheet):
        return f"{sheet}:{match['other']}!{match['first']}:{last}"
    if last is None:
        return f"{sheet}!{match['first']}"
    if re.search(r"\d", match["first"]) and re.search(r"\d", last):
        column = last.replace("$", "").rstrip("0123456789")
        row = last.rpartition("$")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        # A whole column or row stays open.
        last = f"{'' if column in _LAST_COLUMNS else column}{'' if _LAST_ROW.search(row) else row}"
    return f"{sheet}!{match['first']}:{last}"


def _why_not(expression: str) -> str:
    """Return the reason why an expression cannot be used as a range."""
    text = expression.removeprefix("of:").removeprefix("=")
    function = _FUNCTION.search(text)
    reference = re.search(r"\[([^\]]+)\]", text)
    area = area_in(_in_excel(reference[1])) if reference is not None else area_in("")
    if "#ref!" in text.lower():
        return BROKEN
    if function is not None:
        return with_area(FORMULA.format(function[1]), area)
    if text.count("[") > 1 or "]:" in text or "~" in text or ":$'" in text:
        return with_area(SEVERAL, area)
    return with_area(f"it is a constant or a formula, {text[:40]}")
