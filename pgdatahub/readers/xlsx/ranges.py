"""Excel tables and defined names of an ``.xlsx`` workbook; read only if a range asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.advice import ASK_SENDER
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import TRUE, GuardedParser, start_elements
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.ranges.defined_names import range_of_name
from pgdatahub.readers.xlsx.addresses import parse_area

MAX_NAMES: Final = 65_536
_PIECE: Final = 64 * 1024
_NOT_RANGES: Final = ("function", "vbProcedure", "xlm")
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")


def read_ranges(
    package: Package, workbook_part: str, parts: Mapping[int, str], listed: Sequence[int | None], names: Sequence[str],
    limits: Limits,
) -> list[RangeInfo]:  # fmt: skip
    """Return the tables and the defined names of a workbook.

    Args:
        package: The file.
        workbook_part: The part that is the workbook.
        parts: Position of a sheet → its part.
        listed: The position of each listed sheet, charts included; None for a sheet without cells.
        names: The names of the sheets with cells.
        limits: Bounds of a workbook.

    Raises:
        CorruptError: A part is damaged, or there are too many names.
    """
    tables = list(_tables(package, parts, limits))
    by_name = {table.name.casefold(): table for table in tables}
    positions = {name.casefold(): position for position, name in enumerate(names)}
    found = list(tables)
    for attributes, text in _defined_names(package, workbook_part, limits):
        if any(attributes.get(key) in TRUE for key in _NOT_RANGES):
            continue
        local = attributes.get("localSheetId", "")
        scope = listed[int(local)] if local.isdigit() and int(local) < len(listed) else None
        one = range_of_name(
            attributes.get("name", ""),
            text,
            positions=positions,
            tables=by_name,
            scope=scope,
            hidden=attributes.get("hidden") in TRUE,
        )
        if one is not None:
            found.append(one)
        if len(found) > MAX_NAMES:
            raise CorruptError(f"there are more than {MAX_NAMES:,} names of ranges", hint=ASK_SENDER)
    return found


def _tables(package: Package, parts: Mapping[int, str], limits: Limits) -> Iterator[RangeInfo]:
    for position, part in parts.items():
        for relationship in package.relationships(part):
            if relationship.type == "table" and relationship.target in package:
                table = _table(package, relationship.target, position, limits)
                if table is not None:
                    yield table


def _table(package: Package, part: str, position: int, limits: Limits) -> RangeInfo | None:
    root: dict[str, str] = {}
    columns: list[str] = []
    for parent, element, attributes in start_elements(package.open(part), limits):
        if element == "table" and not root:
            root = attributes
        elif element == "tableColumn" and parent == "tableColumns":
            columns.append(_ESCAPE.sub(lambda match: chr(int(match[1], 16)), attributes.get("name", "")))
    area = parse_area(root.get("ref", ""))
    name = root.get("displayName") or root.get("name", "")
    if area is None or not name:
        return None
    headers = _count(root.get("headerRowCount"), 1)
    totals = _count(root.get("totalsRowCount"), 0)
    first_row, first_column, last_row, last_column = area
    last_row -= totals
    if root.get("insertRow") in TRUE:
        last_row = first_row + headers - 1  # the one row below the headers is empty, and waits for data
    return RangeInfo(
        name=name,
        is_table=True,
        sheet=position,
        rows=(first_row, max(last_row, first_row)),
        columns=(first_column, last_column),
        names=None if headers else tuple(columns),
    )


def _count(written: str | None, otherwise: int) -> int:
    return int(written) if written is not None and written.isdigit() else otherwise


def _defined_names(package: Package, part: str, limits: Limits) -> list[tuple[dict[str, str], str]]:
    names: list[tuple[dict[str, str], str]] = []
    current: list[str] | None = None

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal current
        if name.rpartition(" ")[2] == "definedName":
            current = []
            names.append((dict(attributes), ""))

    def text(data: str) -> None:
        if current is not None:
            current.append(data)

    def end(name: str) -> None:
        nonlocal current
        if current is not None and name.rpartition(" ")[2] == "definedName":
            names[-1] = (names[-1][0], "".join(current))
            current = None

    stream = package.open(part)
    parser = GuardedParser(stream.name, limits, start=start, end=end, text=text, mapping=True)
    while data := stream.read(_PIECE):
        parser.feed(data)
    parser.feed(b"", final=True)
    return names
