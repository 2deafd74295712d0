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
from pgdatahub.model.workbooks import SheetInfo, sheet_labels
from pgdatahub.readers.sheet_matching import match_sheets
from pgdatahub.readers.sheets import choose_sheets, listing
from pgdatahub.values.identifiers import cut, fold, table_name

if TYPE_CHECKING:
    from pgdatahub.config.sheet_rules import SheetEntry

MAX_TABLES: Final = 1000
"""Maximum number of tables of a file; PostgreSQL 15 creates three thousand in one transaction with default settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSheet:
    """A sheet that brings rows to a part.

    Attributes:
        position: Its position in the workbook, from 0.
        label: Its name in messages.
        source: The file with the part's table and the settings for the sheet.
    """

    position: int
    label: str
    source: SourceFile


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
        named: The positions of the sheets that the settings load or leave out on purpose.
    """

    parts: tuple[Part, ...]
    named: tuple[int, ...]


@dataclass(slots=True)
class _Found:
    """The sheets of a part, with the rank of each in the order of loading and the sheet that named the table."""

    order: tuple[int, int, int]
    sheets: list[PartSheet]
    named_by: str | None


def parts_of(source: SourceFile, sheets: Sequence[SheetInfo], history_schema: str) -> FileParts:
    """Return the parts of a file.

    Args:
        source: The file, with the settings of its folder.
        sheets: The sheets of the workbook.
        history_schema: The schema of tables without a ``schema`` of their own.

    Raises:
        SheetError: The workbook does not have the sheets that the settings name, or two sheets have one table's name.
        SchemaError: A table would have a name of the history, or there are too many tables.
    """
    labels = sheet_labels(sheets)
    if source.options.is_routed:
        return _routed(source, sheets, labels, history_schema)
    chosen = choose_sheets(sheets, source.options)
    part = Part(
        source=source,
        sheets=tuple(PartSheet(position=position, label=labels[position], source=source) for position in chosen),
    )
    return FileParts(parts=(part,), named=chosen)


def _routed(source: SourceFile, sheets: Sequence[SheetInfo], labels: Sequence[str], history_schema: str) -> FileParts:
    rules = source.options.rules
    matched = match_sheets(sheets, rules)
    found: dict[TableName, _Found] = {}
    for position, rule in matched.items():
        for rank, entry in enumerate(rule.entries):
            if entry.skip:
                continue
            by_sheet = entry.table is None and source.options.table_per_sheet
            table = _table(source, entry, sheets[position].name, history_schema)
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
            part.sheets.append(PartSheet(position=position, label=labels[position], source=entry_source))
    if not found:
        raise SheetError("no sheet matches an entry of sheets:", hint=listing(sheets))
    if len(found) > MAX_TABLES:
        raise SchemaError(f"the file would be {len(found):,} tables; the limit is {MAX_TABLES:,}")
    ordered = sorted(found.values(), key=lambda part: part.order)
    return FileParts(parts=tuple(_part(part.sheets) for part in ordered), named=tuple(matched))


def _table(source: SourceFile, entry: SheetEntry, sheet: str, history_schema: str) -> TableName:
    schema = entry.options.schema or history_schema
    if entry.table is not None:
        return TableName(schema=schema, name=entry.table)
    if not source.options.table_per_sheet:
        return TableName(schema=schema, name=source.table.name)
    if source.options.table is not None:
        return TableName(schema=schema, name=cut(fold(f"{source.options.table}_{sheet}")))
    return TableName(schema=schema, name=table_name((*source.identity.split("/")[:-1], sheet)))


def _part(sheets: Sequence[PartSheet]) -> Part:
    """Return the part that sheets make, with its fingerprint: that of each sheet with its name."""
    facts = [[sheet.label, sheet.source.options.fingerprint] for sheet in sheets]
    settings = sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()
    return Part(source=replace(sheets[0].source, settings=settings), sheets=tuple(sheets))
