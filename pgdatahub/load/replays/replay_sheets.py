"""The tables on the sheets of an import as they were read, under the settings of today, without the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pgdatahub.config import Config
from pgdatahub.config.cell_ranges import parse_cell
from pgdatahub.config.sheet_keys import matching_sheet
from pgdatahub.errors import ReplayError, SheetError
from pgdatahub.load.contracts.aside_cells import value_of
from pgdatahub.load.contracts.contract import Contract
from pgdatahub.load.contracts.sheet_contract import SheetContract
from pgdatahub.load.known.import_source import source_of
from pgdatahub.load.parts import PartSheet, entry_table, part_of
from pgdatahub.load.staging.origin_columns import OriginColumns
from pgdatahub.load.staging.sheet_tables import TableReading
from pgdatahub.model.batches import Table
from pgdatahub.model.files import HashedVersion, SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.workbooks import Batch, SheetInfo
from pgdatahub.plugins.column_naming import column_names
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.aside_json import damaged_aside
from pgdatahub.postgres.history.damaged_rows import PARSING_ERRORS
from pgdatahub.postgres.history.replays import WaitingRow, WaitingRows
from pgdatahub.readers.choice.sheet_matching import match_sheets
from pgdatahub.readers.tables.layout_counts import LayoutCounts
from pgdatahub.readers.tables.window import CellCapture
from pgdatahub.values.cells import Value
from pgdatahub.values.identifiers import is_positional

if TYPE_CHECKING:
    from datetime import datetime

    from pgdatahub.config.options import FolderOptions

RELOAD = "run --reload FILE reads the file again"
_CHANGED = "its folder has other settings for sheets, cells, names or types than when the file was loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySheet:
    """A table on a sheet of an import.

    Attributes:
        chosen: The sheet, with the file and the settings of today.
        table: The place of the table.
        positions: Name of a column → its position.
        cells: Name of a column from a single cell → its value.
    """

    chosen: PartSheet
    table: Table
    positions: Mapping[str, int]
    cells: Mapping[str, Value]

    def reading(self, stages: Stages, config: Config) -> TableReading:
        """Return the table as a reader of the file would have found it, without its rows."""
        addresses = self.chosen.source.options.cell_columns
        capture = CellCapture(
            cells={name: parse_cell(cell) for name, cell in addresses.items()}, values=dict(self.cells)
        )
        return TableReading(
            chosen=self.chosen,
            table=self.table,
            batches=iter(()),
            layout=LayoutCounts(),
            origin=OriginColumns(self.chosen.source, self.chosen.label, capture),
            stages=stages,
            config=config,
        )

    def contract(self, contract: Contract) -> SheetContract:
        """Return the contract for the rows of the table."""
        judge = SheetContract(contract, self.table, self.chosen)
        judge.see(self.positions.values())
        return judge

    def unique_columns(self) -> Iterator[str]:
        """Yield the names of the columns that must be unique."""
        options = self.chosen.source.options
        names = column_names(self.table, options)
        options_of = options.column_options(names)
        for name, position in self.positions.items():
            if options_of(position - self.table.first_column).unique:
                yield name

    def batch(self, rows: list[WaitingRow]) -> Batch:
        """Return rows as a reader would have given them."""
        columns: dict[int, list[Value]] = {position: [None] * len(rows) for position in self.positions.values()}
        for index, row in enumerate(rows):
            names = sorted(row.cells, key=str.encode)
            try:
                for name, letter in zip(names, row.kinds, strict=True):
                    columns[self.positions[name]][index] = value_of(letter, row.cells[name])
            except PARSING_ERRORS as error:
                raise damaged_aside(row.place[1], self.chosen.label, self.chosen.source.identity, error) from error
        return Batch(rows=tuple(row.place[1] for row in rows), columns=columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySheets:
    """The tables of an import.

    Attributes:
        source: The file with the table of the import and the settings of today.
        settings: The fingerprint of these settings.
        sheets: Section → the table.
    """

    source: SourceFile
    settings: str
    sheets: Mapping[int, ReplaySheet]


def sheets_of(past: ImportRow, waiting: WaitingRows, config: Config) -> ReplaySheets:
    """Return the tables of an import under the settings of today.

    Raises:
        ReplayError: These settings would read other cells, or give other names or types.
    """
    file = _with_version(source_of(past, config), past, waiting.modified_at)
    chosen: dict[int, tuple[PartSheet, Mapping[str, Any]]] = {}
    for label, entry in waiting.layout.items():
        section = entry["section"]
        name = entry.get("sheet", label.removesuffix(f" (section {section})"))
        options = _options(file, past, name, entry.get("settings"), config)
        source = replace(file, table=past.table, options=options)
        chosen[section] = (PartSheet(position=section, label=name, source=source, section=section), entry)
    if not chosen:
        raise ReplayError("the history does not have the columns of its sheets", hint=RELOAD)
    ordered = [sheet for _, (sheet, _) in sorted(chosen.items())]
    settings = part_of(ordered).source.fingerprint if file.options.is_routed else file.fingerprint
    if any("settings" not in entry for _, entry in chosen.values()) and settings != past.settings:
        raise ReplayError(_CHANGED, hint=RELOAD)
    sheets = {section: _sheet(sheet, entry) for section, (sheet, entry) in chosen.items()}
    return ReplaySheets(source=sheets[min(sheets)].chosen.source, settings=settings, sheets=sheets)


def _with_version(source: SourceFile, past: ImportRow, modified_at: datetime | None) -> SourceFile:
    """Return a file with the time of its last change when it was loaded, which may order the rows of a key."""
    if modified_at is None:
        return source
    nanoseconds = int((modified_at - type(modified_at)(1970, 1, 1)).total_seconds() * 1_000_000) * 1000
    return replace(source, hashed=HashedVersion(sha256=past.file_sha256, version=(past.bytes, nanoseconds)))


def _options(file: SourceFile, past: ImportRow, sheet: str, settings: str | None, config: Config) -> FolderOptions:
    """Return the settings of today for a sheet of an import, under which bad rows are set aside.

    Raises:
        ReplayError: No settings of today read these cells into the table.
    """
    found = [file.options]
    if file.options.is_routed:
        rules = [
            rule for rule in file.options.rules if rule.is_glob or matching_sheet(rule.key) == matching_sheet(sheet)
        ]
        try:
            matched = match_sheets([SheetInfo(name=sheet)], rules)
        except SheetError as error:
            raise ReplayError(error.message, hint=RELOAD) from error
        found = [
            entry.options
            for rule in matched.values()
            for entry in rule.entries
            if not entry.skip and entry_table(file, entry, sheet, config.schema_name) == past.table
        ]
    fitting = [options for options in found if settings in (None, options.place_fingerprint)]
    if not fitting or (settings is None and len(fitting) > 1):
        raise ReplayError(_CHANGED, hint=RELOAD)
    options = fitting[0]
    if options.on_bad == "blank":
        raise ReplayError("its folder has on_bad: blank now, which loads such rows with empty cells", hint=RELOAD)
    try:
        return replace(options, on_bad="quarantine")
    except ValueError as error:
        raise ReplayError(str(error), hint=RELOAD) from error


def _sheet(chosen: PartSheet, entry: Mapping[str, Any]) -> ReplaySheet:
    """Return the table of an entry of ``layout``.

    Raises:
        ReplayError: A column would have another name, or would be left out.
    """
    options = chosen.source.options
    columns = entry["columns"]
    headers = {position: header for position, header, _ in columns if header is not None}
    table = Table(
        sheet=chosen.label,
        headers={**headers, **dict(entry.get("skipped", ()))},
        header_row=entry["header_row"],
        first_column=entry.get("first_column", _first_column(columns)),
    )
    names = column_names(table, options)
    options_of = options.column_options(names)
    for position, _, name in columns:
        inside = position - table.first_column
        if names.name(inside) != name or options_of(inside).skip:
            raise ReplayError(_CHANGED, hint=RELOAD)
    cells = entry.get("cells", {})
    if "settings" not in entry and options.cell_columns:
        raise ReplayError("the history does not have the cells that are columns", hint=RELOAD)
    return ReplaySheet(
        chosen=chosen,
        table=table,
        positions={name: position for position, _, name in columns},
        cells={name: value_of(letter, text) for name, (letter, text) in cells.items()},
    )


def _first_column(columns: list[tuple[int, str | None, str]]) -> int:
    """Return the first position of a table that an earlier version recorded, where a name without a header tells it."""
    for position, header, name in columns:
        if header is None and is_positional(name):
            return position + 1 - int(name.rsplit("_", 1)[1])
    return 0
