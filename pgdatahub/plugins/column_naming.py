"""Names of a table's columns under the settings of its folder."""

from __future__ import annotations

from functools import lru_cache

from pgdatahub.config import FolderOptions
from pgdatahub.model.batches import Table
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.schema import RESERVED_COLUMNS
from pgdatahub.values.identifiers import ColumnNames, fold


def column_names(table: Table, options: FolderOptions) -> ColumnNames:
    """Return the names of a table's columns under the folder's settings; positions count inside the table's range."""
    reserved = (*RESERVED_COLUMNS, *map(fold, options.origin_columns))
    headers = tuple((position - table.first_column, text) for position, text in table.headers.items())
    return _named(headers, reserved, tuple(options.renames.items()), tuple(options.rename_levels.items()))


@lru_cache(maxsize=64)
def _named(
    headers: tuple[tuple[int, str], ...],
    reserved: tuple[str, ...],
    renames: tuple[tuple[str, str], ...],
    levels: tuple[tuple[str, int], ...],
) -> ColumnNames:
    # Every batch needs the names, and files of a folder usually have the same headers.
    return ColumnNames(headers, reserved=reserved, rename=dict(renames), levels=dict(levels))


def clash_notice(headers: tuple[str, ...]) -> str:
    """Return the notice on headers that give one name, or the name of a column that is not from the sheet."""
    if len(headers) == 1:
        text = (
            f'the header "{headers[0]}" is the name of a column that is not from the sheet, so it was numbered; '
            "rename: gives it a better one"
        )
        return FileNotice(text, "a header is the name of a column not from the sheet, so it was numbered (set rename:)")
    listed = ", ".join(f'"{header}"' for header in headers)
    text = f"the headers {listed} become one name, so they were numbered; rename: gives them better ones"
    return FileNotice(text, "headers become one name, so they were numbered (set rename:)")
