"""Meaning of defined names: one area of one sheet, a table, or the reason why it cannot be read as a range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pgdatahub.model.workbooks import RangeInfo

PRINT_AREA: Final = "_xlnm.Print_Area"
RESERVED: Final = "_xlnm."
_AREA_OF_SHEET: Final = re.compile(r"(?:'(?:[^']|'')+'|[^'!\[\]:,()*]+)![^!,()]+")
_TABLE: Final = re.compile(r"(?P<name>[^\W\d][\w.\\]*)(?:\[\]|\[#All\])?")
_FUNCTION: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.]*)\s*\(")
_SOME_CELLS: Final = re.compile(
    r"(?P<sheet>(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!)?\$?(?P<first>[A-Z]{1,3})\$?(?P<row>\d+)(?::\$?(?P<last>[A-Z]{1,3})\$?(?P<end>\d+))?(?!\w)"
)
BROKEN: Final = "the cells that it meant were deleted (#REF!)"
ELSEWHERE: Final = "it is in another workbook"
SEVERAL: Final = "it is several areas, or an area of several sheets"
FORMULA: Final = "it is a formula ({} …)"


def with_area(reason: str, area: str = "B4:H") -> str:
    """Return the reason why a name cannot be used, with the area that the settings can name instead."""
    return f"{reason}; write the area itself, such as {area}"


def area_in(text: str) -> str:
    """Return the first cells that a formula mentions as an area for the settings: ``Ref!A1:`` for ``OFFSET(Ref!$A$1,…)``."""
    found = _SOME_CELLS.search(text)
    if found is None:
        return "B4:H"
    end = f"{found['last']}{found['end']}" if found["last"] else ""
    return f"{found['sheet'] or ''}{found['first']}{found['row']}:{end}"


def range_of_name(
    name: str,
    text: str,
    *,
    positions: Mapping[str, int],
    tables: Mapping[str, RangeInfo],
    scope: int | None = None,
    hidden: bool = False,
) -> RangeInfo | None:
    """Return the range of a defined name; None for names that a program keeps for itself.

    Args:
        name: The name.
        text: Its meaning, as a formula without ``=``.
        positions: Name of a sheet, casefolded → its position.
        tables: Name of a table, casefolded → the table.
        scope: The position of the sheet that alone knows the name.
        hidden: The workbook does not show the name.
    """
    # The settings' imports take 0.1 s, which the process of an .xls never needs.
    from pgdatahub.config.cell_ranges import parse_range

    if name.startswith(RESERVED):
        if name != PRINT_AREA:
            return None
        name = name.removeprefix(RESERVED)
    text = text.strip().removeprefix("=")

    def unusable(problem: str) -> RangeInfo:
        return RangeInfo(name=name, scope=scope, problem=problem, hidden=hidden)

    table = _TABLE.fullmatch(text)
    if table is not None and table["name"].casefold() in tables:
        found = tables[table["name"].casefold()]
        return RangeInfo(
            name=name, sheet=found.sheet, scope=scope, rows=found.rows, columns=found.columns, is_table=True,
            names=found.names, hidden=hidden,
        )  # fmt: skip
    function = _FUNCTION.search(text)
    if "#REF!" in text:
        return unusable(BROKEN)
    if function is not None:
        return unusable(with_area(FORMULA.format(function[1]), area_in(text)))
    if "[" in text and "!" not in text:
        return unusable(with_area("it is a part of a table"))
    if "[" in text.split("!")[0]:
        return unusable(with_area(ELSEWHERE))
    if not _AREA_OF_SHEET.fullmatch(text):
        several = "," in text or ":" in text.split("!")[0] or text.count("!") > 1
        if several and "!" in text:
            return unusable(with_area(SEVERAL, area_in(text)))
        return unusable(with_area("it is not an area" if "!" in text else f"it is a constant, {text[:40]}"))
    try:
        cells = parse_range(text)
    except ValueError:
        return unusable(with_area(f"it is one cell, or not an area: {text[:60]}", area_in(text)))
    position = positions.get((cells.sheet or "").casefold())
    if position is None or cells.name is not None:
        return unusable(with_area(f"it means {text[:60]}, which is not an area of a sheet"))
    return RangeInfo(
        name=name,
        sheet=position,
        scope=scope,
        rows=(cells.first_row, cells.last_row),
        columns=(cells.first_column, cells.last_column),
        hidden=hidden,
    )
