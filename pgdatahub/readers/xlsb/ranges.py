"""Excel tables and defined names of a binary workbook; read only if a range asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from struct import iter_unpack
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.advice import ASK_SENDER, DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.ranges.defined_names import PRINT_AREA, RESERVED
from pgdatahub.readers.ranges.name_tokens import XLSB, NameTokens, range_of_tokens
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.records import FieldBuffer, read_records

MAX_NAMES: Final = 65_536
_HIDDEN: Final = 0x01
_NOT_RANGES: Final = 0x0E
"""Flags of functions, Visual Basic procedures and macros."""
_BUILT_IN: Final = 0x20
_EVERYWHERE: Final = 0xFFFFFFFF
_WAITS_FOR_DATA: Final = 0x04
_UNNAMED: Final = 32
"""Bytes between the counts of a table and its names, the flags first."""
_BOOKS: Final = (records.OTHER_BOOK, records.OWN_BOOK, records.SAME_SHEET, records.ADD_IN)


def read_ranges(
    package: Package, workbook_part: str, parts: Mapping[int, str], listed: Sequence[int | None], limits: Limits
) -> list[RangeInfo]:
    """Return the tables and the defined names of a workbook.

    Args:
        package: The file.
        workbook_part: The part that is the workbook.
        parts: Position of a sheet → its part.
        listed: The position of each listed sheet, charts included; None for a sheet without cells.
        limits: Bounds of a workbook.

    Raises:
        CorruptError: A part is damaged, or there are too many names.
    """
    tables = dict(_tables(package, parts, limits))
    found = list(tables.values())
    names, references = _names(package, workbook_part, listed, limits)

    def sheets_of(index: int) -> tuple[int, int] | None:
        return references[index] if index < len(references) else (-1, -1)

    found += (range_of_tokens(name, XLSB, sheets_of, listed, tables) for name in names)
    return found


def _names(
    package: Package, part: str, listed: Sequence[int | None], limits: Limits
) -> tuple[list[NameTokens], list[tuple[int, int] | None]]:
    """Return the defined names, and the sheets of each reference: None for those of other workbooks."""
    names: list[NameTokens] = []
    books: list[bool] = []
    references: list[tuple[int, int] | None] = []
    wanted = (records.NAME, records.REFERENCES, *_BOOKS)
    stream = package.open(part)
    for identifier, payload in read_records(stream, limits, records.BEGIN_BOOK, wanted):
        if identifier in _BOOKS:
            books.append(identifier in (records.OWN_BOOK, records.SAME_SHEET))
        elif identifier == records.REFERENCES:
            count = int.from_bytes(payload[:4], "little")
            if len(payload) < 4 + 12 * count:
                raise CorruptError(f"the part {stream.name} has a record that is too short", hint=DAMAGED)
            for book, first, last in iter_unpack("<Iii", payload[4 : 4 + 12 * count]):
                references.append((first, last) if book < len(books) and books[book] else None)
        else:
            name = _name(FieldBuffer(payload, stream.name), listed)
            if name is not None:
                names.append(name)
            if len(names) > MAX_NAMES:
                raise CorruptError(f"there are more than {MAX_NAMES:,} names of ranges", hint=ASK_SENDER)
    return names, references


def _name(fields: FieldBuffer, listed: Sequence[int | None]) -> NameTokens | None:
    """Return a defined name; None for a function, a macro, and a name that a program keeps for itself."""
    flags = fields.number(4)
    fields.skip(1)
    sheet = fields.number(4)
    text = fields.text()
    tokens = fields.take(fields.number(4))
    if flags & _NOT_RANGES:
        return None
    if flags & _BUILT_IN or text.startswith(RESERVED):
        text = text.removeprefix(RESERVED)
        if f"{RESERVED}{text}" != PRINT_AREA:
            return None
    scope = None
    if sheet != _EVERYWHERE:
        scope = listed[sheet] if sheet < len(listed) else None
        if scope is None:
            return None
    return NameTokens(name=text, tokens=tokens, scope=scope, hidden=bool(flags & _HIDDEN))


def _tables(package: Package, parts: Mapping[int, str], limits: Limits) -> Iterator[tuple[int, RangeInfo]]:
    for position, part in parts.items():
        for relationship in package.relationships(part):
            if relationship.type == "table" and relationship.target in package:
                yield _table(package, relationship.target, position, limits)


def _table(package: Package, part: str, position: int, limits: Limits) -> tuple[int, RangeInfo]:
    """Return the number of a table, and the table ([MS-XLSB] 2.4.95, BrtBeginList)."""
    stream = package.open(part)
    columns: list[str] = []
    head: FieldBuffer | None = None
    for identifier, payload in read_records(
        stream, limits, records.BEGIN_LIST, (records.BEGIN_LIST, records.LIST_COLUMN)
    ):
        fields = FieldBuffer(payload, stream.name)
        if identifier == records.BEGIN_LIST:
            head = head or fields
            continue
        fields.skip(24)
        name = fields.text()
        columns.append(fields.text() or name)
    if head is None:
        raise CorruptError(f"the part {stream.name} has no table", hint=DAMAGED)
    top, bottom, left, right = (head.number(4) for _ in range(4))
    head.skip(4)
    number = head.number(4)
    headers, totals, flags = head.number(4), head.number(4), head.number(4)
    head.skip(_UNNAMED - 4)
    name = head.text()
    name = head.text() or name
    if not (top <= bottom < XLSB.rows and left <= right < XLSB.columns):
        raise CorruptError(f"the table {name} is nowhere", hint=DAMAGED)
    first, last = top + 1, bottom + 1 - totals
    if flags & _WAITS_FOR_DATA:
        last = first + headers - 1  # the one row below the headers is empty, and waits for data
    return number, RangeInfo(
        name=name,
        is_table=True,
        sheet=position,
        rows=(first, max(last, first)),
        columns=(left, right),
        names=None if headers else tuple(columns),
    )
