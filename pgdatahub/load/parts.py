"""Parts of a file: what the file brings to each table, and the sheets that it comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pgdatahub.errors import SchemaError, SheetError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Workbook, sheet_labels
from pgdatahub.readers.choice.sheet_matching import match_sheets
from pgdatahub.readers.choice.sheets import choose_sheets, listing, matching_sheets
from pgdatahub.readers.ranges.range_names import find_window
from pgdatahub.readers.tables.window import Window
from pgdatahub.values.identifiers import cut, fold, table_name

if TYPE_CHECKING:
    from pgdatahub.config.cell_ranges import CellRange
    from pgdatahub.config.options import SheetEntry

MAX_TABLES: Final = 1000
"""Maximum number of tables of a file; PostgreSQL 15 creates three thousand in one transaction with default settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSheet:
    """A sheet that brings rows to a part.

    Attributes:
        position: Its position in the workbook, from 0.
        label: Its name in messages.
        source: The file with the part's table and the settings for the sheet.
        window: The range of the table; None for the whole sheet.
        section: Its number among those of the part, from 1, in the order of the workbook.
    """

    position: int
    label: str
    source: SourceFile
    window: Window | None = None
    section: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The content of a file for one table.

    Attributes:
        source: The file with the part's table and settings.
        sheets: The sheets that its rows come from, in the order of the rows.
    """

    source: SourceFile
    sheets: tuple[PartSheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileParts:
    """The parts of a file.

    Attributes:
        parts: The parts, in the order in which they are loaded.
        named: The positions of the sheets that the settings load or leave out on purpose; a sheet without the range of its glob is
            not among them.
    """

    parts: tuple[Part, ...]
    named: tuple[int, ...]


@dataclass(slots=True)
class _Found:
    """The sheets of a part, with the rank of each in the order of loading and the sheet that named the table."""

    order: tuple[int, int, int]
    sheets: list[PartSheet]
    named_by: str | None


def parts_of(source: SourceFile, workbook: Workbook, history_schema: str) -> FileParts:
    """Return the parts of a file.

    Args:
        source: The file, with the settings of its folder.
        workbook: The workbook.
        history_schema: The schema of tables without a ``schema`` of their own.

    Raises:
        SheetError: The workbook does not have the sheets that the settings name, or two sheets have one table's name.
        SchemaError: A table would have a name of the history, or there are too many tables.
    """
    labels = sheet_labels(workbook.sheets)
    if source.options.is_routed:
        return _routed(source, workbook, labels, history_schema)
    cells = source.options.cell_range
    chosen = choose_sheets(workbook.sheets, source.options)
    windows: dict[int, Window | None] = dict.fromkeys(chosen)
    if cells is not None:
        windows = _windows(cells, chosen, source, workbook, labels)
    sections = {position: number for number, position in enumerate(sorted(windows), start=1)}
    part = Part(
        source=source,
        sheets=tuple(
            PartSheet(
                position=position, label=labels[position], source=source, window=window, section=sections[position]
            )
            for position, window in windows.items()
        ),
    )
    return FileParts(parts=(part,), named=tuple(windows))


def _windows(
    cells: CellRange, chosen: Sequence[int], source: SourceFile, workbook: Workbook, labels: Sequence[str]
) -> dict[int, Window | None]:
    """Return position → range, for the sheets that a folder chooses, or for the sheet that the range itself names."""
    if cells.sheet is not None:
        (position,) = matching_sheets(cells.sheet, workbook.sheets)
        return {position: find_window(cells, position, workbook, labels, source.suffix)[1]}
    if cells.name is not None and source.options.sheet is None:
        found, window = find_window(cells, None, workbook, labels, source.suffix)
        return {chosen[0] if found is None else found: window}
    return {position: find_window(cells, position, workbook, labels, source.suffix)[1] for position in chosen}


def _routed(source: SourceFile, workbook: Workbook, labels: Sequence[str], history_schema: str) -> FileParts:
    rules = source.options.rules
    sheets = workbook.sheets
    matched = match_sheets(sheets, rules)
    found: dict[TableName, _Found] = {}
    missing: dict[SheetEntry, SheetError] = {}
    resolved: set[SheetEntry] = set()
    without_range: set[int] = set()
    for position, rule in matched.items():
        loads = False
        for rank, entry in enumerate(rule.entries):
            if entry.skip:
                loads = True
                continue
            window = None
            cells = entry.options.cell_range
            if cells is not None:
                try:
                    _, window = find_window(cells, position, workbook, labels, source.suffix)
                except SheetError as error:
                    if not (rule.is_glob or entry.optional):
                        raise
                    missing.setdefault(entry, error)
                    loads = loads or entry.optional
                    continue
                resolved.add(entry)
            loads = True
            by_sheet = entry.table is None and source.options.table_per_sheet
            table = entry_table(source, entry, sheets[position].name, history_schema)
            order = (rules.index(rule), rank, position)
            part = found.setdefault(table, _Found(order, [], None))
            if by_sheet and part.named_by not in (None, labels[position]):
                raise SheetError(
                    f"the sheets {part.named_by!r} and {labels[position]!r} would both be the table {table}",
                    hint="name a table for one of them below sheets:",
                )
            part.named_by = labels[position] if by_sheet else part.named_by
            part.order = min(part.order, order)
            entry_source = replace(source, table=table, options=entry.options)
            part.sheets.append(PartSheet(position=position, label=labels[position], source=entry_source, window=window))
        if not loads:
            without_range.add(position)
    for entry, reason in missing.items():
        if entry not in resolved and not entry.optional:
            raise reason
    if not found:
        raise SheetError("no sheet matches an entry of sheets:", hint=listing(sheets))
    if len(found) > MAX_TABLES:
        raise SchemaError(f"the file would be {len(found):,} tables; the limit is {MAX_TABLES:,}")
    ordered = sorted(found.values(), key=lambda part: part.order)
    return FileParts(
        parts=tuple(part_of(part.sheets) for part in ordered),
        named=tuple(position for position in matched if position not in without_range),
    )


def entry_table(source: SourceFile, entry: SheetEntry, sheet: str, history_schema: str) -> TableName:
    """Return the table that an entry below ``sheets:`` gives a sheet of this name."""
    schema = entry.options.schema or history_schema
    if entry.table is not None:
        return TableName(schema=schema, name=entry.table)
    if not source.options.table_per_sheet:
        return TableName(schema=schema, name=source.table.name)
    if source.options.table is not None:
        return TableName(schema=schema, name=cut(fold(f"{source.options.table}_{sheet}")))
    return TableName(schema=schema, name=table_name((*source.identity.split("/")[:-1], sheet)))


def part_of(sheets: Sequence[PartSheet]) -> Part:
    """Return the part that sheets make, with its fingerprint: that of each sheet with its name."""
    sheets = [replace(sheet, section=number) for number, sheet in enumerate(sorted(sheets, key=_place), start=1)]
    facts = [[sheet.label, sheet.source.options.fingerprint] for sheet in sheets]
    settings = sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()
    return Part(source=replace(sheets[0].source, settings=settings), sheets=tuple(sheets))


def _place(sheet: PartSheet) -> tuple[int, int, int]:
    """Return the place of a table in the workbook, which decides on the order of the rows of a part."""
    window = sheet.window
    return (sheet.position, window.first_row if window else 0, window.first_column if window else 0)
