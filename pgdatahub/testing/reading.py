"""Reading one file through a plugin's hook, as a run does."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pluggy

from pgdatahub.config import Config, FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Workbook
from pgdatahub.plugins import specs
from pgdatahub.values.cells import Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.identifiers import table_name


def source_file(path: Path, **options: Any) -> SourceFile:
    """Return the source file of a path, as if the file's folder were in the data root.

    Args:
        path: The file.
        **options: Options of the folder, such as ``header_row=3``, as :class:`~pgdatahub.config.FolderOptions` takes them.
    """
    folder = path.absolute().parent.name
    return SourceFile(
        location=str(path.absolute()),
        identity=f"{folder}/{path.name}",
        table=TableName(schema="public", name=table_name((folder or path.stem,))),
        options=FolderOptions(**options),
        size=path.stat().st_size,
    )


class SinglePluginReader:
    """A plugin's reader, without other plugins.

    Args:
        plugin: The plugin: a module, or an object, with an implementation of ``pgdatahub_read``.
        config: The settings; by default the default settings.

    Raises:
        AssertionError: The plugin is invalid, or does not implement ``pgdatahub_read``.
    """

    def __init__(self, plugin: object, config: Config | None = None) -> None:
        self._config = config or Config()
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        try:
            self._manager.register(plugin)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise AssertionError(f"the plugin does not fit: {error}") from error
        if not self._manager.hook.pgdatahub_read.get_hookimpls():
            raise AssertionError("the plugin has no function pgdatahub_read under @hookimpl")

    def read(self, source: SourceFile) -> Workbook | None:
        """Return the hook's answer for a file."""
        answer: Workbook | None = self._manager.hook.pgdatahub_read(source=source, config=self._config)
        return answer


def read_rows(plugin: object, path: Path, *, sheet: str | int = 0, **options: Any) -> list[list[Value]]:
    """Read a sheet with a plugin's reader, and return its rows without those that the reader left out.

    Args:
        plugin: The plugin: a module, or an object, with an implementation of ``pgdatahub_read``.
        path: The file.
        sheet: Name of the sheet, or its position (from 0); the first sheet of this name.
        **options: Options of the folder.

    Raises:
        AssertionError: The reader declines the file.
        ReadError: The reader cannot read the file.
    """
    workbook = SinglePluginReader(plugin).read(source_file(path, **options))
    if workbook is None:
        raise AssertionError(f"the reader declines {path.name}")
    rows: list[list[Value]] = []
    with closing(workbook):
        position = sheet if isinstance(sheet, int) else [info.name for info in workbook.sheets].index(sheet)
        for batch in workbook.open(position).batches(1000):
            columns = {position: as_values(column) for position, column in batch.columns.items()}
            width = max(columns, default=-1) + 1
            rows += (
                [columns[position][index] if position in columns else None for position in range(width)]
                for index in range(len(batch.rows))
            )
    return rows
