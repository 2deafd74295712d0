"""A look into one file without a database: sheets, headers, kinds, types."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from pgdatahub.config import Config, FolderOptions
from pgdatahub.errors import ConfigError, FileError
from pgdatahub.load.cell_faults import normalize_all
from pgdatahub.load.results import failed
from pgdatahub.load.tally import Tally
from pgdatahub.model.flow import Batch, Failure, Sheet, SourceFile, Workbook, sheet_labels
from pgdatahub.model.schema import ColumnSchema, TableName
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.readers.layout import EmptySheetError, locate
from pgdatahub.readers.sheets import choose_sheets
from pgdatahub.values.identifiers import table_name


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetInspection:
    """What a sheet has.

    Attributes:
        name: Its name; with its position where another sheet has the same name.
        visible: Whether it is shown.
        chosen: Whether a run would load it.
        header_row: The row of the headers, from 1; 0 for none.
        rows: Rows below the header.
        columns: The columns with what was observed of them; position and header as in the sheet.
        counts: What was left out or noticed → how many.
        examples: For each of them where the first one is.
        notices: What a person should know.
        failure: Why it cannot be loaded.
    """

    name: str
    visible: bool
    chosen: bool
    header_row: int = 0
    rows: int = 0
    columns: tuple[ColumnSchema, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a file has.

    Attributes:
        source: The file, and the table it would be loaded into if it lies in the data root.
        sheets: All its sheets.
        failure: Why a run would load none of them, as the settings are.
    """

    source: SourceFile
    sheets: tuple[SheetInspection, ...]
    failure: Failure | None = None

    @property
    def refused(self) -> bool:
        """Whether a run would refuse the file; it skips an empty sheet."""
        failures = [self.failure, *(sheet.failure for sheet in self.sheets if sheet.chosen)]
        return any(failure is not None and failure.kind != EmptySheetError.__name__ for failure in failures)


def inspect(config: Config, path: Path) -> Inspection:
    """Read a file and tell what is in it; no database is asked.

    Args:
        config: The settings; those of the file's folder apply if it lies in the data root.
        path: The file.

    Raises:
        ConfigError: There is no such file.
        ReadError: It cannot be read as a workbook.
    """
    stages = Stages(create_plugin_manager())
    source = _source(config, path)
    try:
        return _inspect(source, stages, config)
    except FileError as error:
        raise error.located(source.identity) from error


def _inspect(source: SourceFile, stages: Stages, config: Config) -> Inspection:
    with closing(stages.read(source, config)) as workbook:
        failure = None
        chosen: Sequence[int] = ()
        try:
            chosen = choose_sheets(workbook.sheets, source.options)
        except FileError as error:
            failure = failed(source, error).failure
        labels = sheet_labels(workbook.sheets)
        sheets = tuple(
            _inspect_sheet(
                workbook,
                position,
                SheetInspection(name=labels[position], visible=info.visible, chosen=position in chosen),
                source,
                stages,
                config,
            )
            for position, info in enumerate(workbook.sheets)
        )
    return Inspection(source=source, sheets=sheets, failure=failure)


def _source(config: Config, path: Path) -> SourceFile:
    path = path.expanduser().absolute()
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError("not a file: a folder, pipe or device cannot be inspected", where=str(path))
    try:
        parts = path.relative_to(config.root_path).parts
    except (ValueError, ConfigError):
        parts = (path.name,)
    options = config.folders.options_for(parts[:-1]) if len(parts) > 1 else FolderOptions()
    name = options.table or table_name(parts[:-1] or (path.stem,))
    return SourceFile(
        location=str(path),
        identity="/".join(parts),
        table=TableName(schema=options.schema or config.schema_name, name=name),
        options=options,
        size=status.st_size,
    )


def _inspect_sheet(
    workbook: Workbook, position: int, found: SheetInspection, source: SourceFile, stages: Stages, config: Config
) -> SheetInspection:
    try:
        return _read_sheet(found, workbook.open(position), source, stages, config)
    except FileError as error:
        return replace(found, failure=failed(source, error).failure)


def _read_sheet(
    found: SheetInspection, sheet: Sheet, source: SourceFile, stages: Stages, config: Config
) -> SheetInspection:
    table, batches, layout = locate(
        sheet.batches(config.chunk_size),
        sheet=found.name,
        options=source.options,
        hidden_columns=sheet.hidden_columns,
    )
    tally = Tally()
    tally.add(stages.normalize(Batch(rows=(), columns={}), table, source, config))
    for _, normalized in normalize_all(batches, lambda batch: stages.normalize(batch, table, source, config)):
        tally.add(normalized)
    tally.count(layout.counts, layout.examples)
    tally.note((*layout.notices, *sheet.notices))
    return replace(
        found,
        header_row=table.header_row,
        rows=tally.rows,
        columns=tuple(tally.columns.values()),
        counts=tally.counts,
        examples=tally.examples,
        notices=tally.notices,
    )
