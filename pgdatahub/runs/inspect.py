"""Inspection of one file without a database: sheets, headers, kinds, types."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, FileError
from pgdatahub.load.parts import PartSheet, parts_of
from pgdatahub.load.results import failed
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Failure
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import RangeInfo, sheet_labels
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.readers.ranges.range_names import describe_area, ranges_of
from pgdatahub.readers.tables.layout import EmptySheetError
from pgdatahub.runs.inspect_tables import SheetInspection, inspect_tables
from pgdatahub.values.identifiers import table_name


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeInspection:
    """A named range of a workbook.

    Attributes:
        name: Its name.
        area: Its cells, such as ``Sales!B4:H200``; None if it cannot be used.
        is_table: It is an Excel table.
        sheet: The name of its sheet.
        problem: The reason why it cannot be used.
    """

    name: str
    area: str | None
    is_table: bool
    sheet: str | None
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Contents of a file.

    Attributes:
        source: The file, and the table that a run would load it into if it is in the data root.
        sheets: All its sheets; a sheet with several tables once for each table.
        failure: Reason why a run with these settings would load no sheet.
        ranges: The tables and names that ``range:`` can name, and those that it cannot, with the reason.
    """

    source: SourceFile
    sheets: tuple[SheetInspection, ...]
    failure: Failure | None = None
    ranges: tuple[RangeInspection, ...] = ()

    @property
    def refused(self) -> bool:
        """True if a run would refuse the file; an empty sheet is skipped."""
        failures = [self.failure, *(sheet.failure for sheet in self.sheets if sheet.chosen)]
        return any(failure is not None and failure.kind != EmptySheetError.__name__ for failure in failures)


def inspect(config: Config, path: Path) -> Inspection:
    """Read a file and return its contents; no database is used.

    Args:
        config: The settings; those of the file's folder apply if it is in the data root.
        path: The file.

    Raises:
        ConfigError: The file is not found.
        ReadError: The file cannot be read as a workbook.
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
        chosen: dict[int, list[PartSheet]] = {}
        try:
            for part in parts_of(source, workbook, config.schema_name).parts:
                for sheet in part.sheets:
                    chosen.setdefault(sheet.position, []).append(sheet)
        except FileError as error:
            failure = failed(source, error).failure
        labels = sheet_labels(workbook.sheets)
        sheets = []
        for position, info in enumerate(workbook.sheets):
            found = SheetInspection(name=labels[position], visible=info.visible, chosen=position in chosen)
            tables = chosen.get(position) or [PartSheet(position=position, label=labels[position], source=source)]
            sheets += inspect_tables(workbook, found, tables, stages, config)
        ranges = tuple(_inspect_range(one, labels) for one in ranges_of(workbook) or () if not one.hidden)
    return Inspection(source=source, sheets=tuple(sheets), failure=failure, ranges=ranges)


def _inspect_range(one: RangeInfo, labels: Sequence[str]) -> RangeInspection:
    return RangeInspection(
        name=one.name,
        area=describe_area(one, labels) if one.problem is None else None,
        is_table=one.is_table,
        sheet=labels[one.sheet] if one.sheet is not None else None,
        problem=one.problem,
    )


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
    options = config.folders.options_for(parts[:-1])
    name = options.table or table_name(parts[:-1] or (path.stem,))
    return SourceFile(
        location=str(path),
        identity="/".join(parts),
        table=TableName(schema=options.schema or config.schema_name, name=name),
        options=options,
        size=status.st_size,
    )
