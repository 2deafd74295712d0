"""Descriptions of tables and columns in the settings, by the names that a table has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.options import FolderOptions
from pgdatahub.values.identifiers import cut, fold

Columns: TypeAlias = "Mapping[str, ColumnOptions]"


def options_of_table(options: FolderOptions, table: str) -> Iterator[FolderOptions]:
    """Yield the options that a folder has for a table: those of tables on sheets first."""
    for rule in options.sheets:
        for entry in rule.entries:
            if not entry.skip and entry.table in (None, table):
                yield entry.options
    yield options


def describes_columns(options: FolderOptions, table: str) -> bool:
    """Return whether a folder's settings describe a column of a table."""
    return any(
        column.description is not None for one in options_of_table(options, table) for column in one.columns.values()
    )


def column_description(name: str, header: str | None, entries: Iterable[Columns]) -> str | None:
    """Return the description of a column, the first one in ``entries``; None if none of them means the column.

    As in a load, a key is a header, an alias or a name, and a key that is the name decides.
    """
    for columns in entries:
        meant = [(key, options) for key, options in columns.items() if _means(key, options, name, header)]
        meant.sort(key=lambda one: _is_name(one[0], name), reverse=True)
        for _, options in meant:
            if options.description is not None:
                return options.description
    return None


def _means(key: str, options: ColumnOptions, name: str, header: str | None) -> bool:
    written: Sequence[str] = (key, *options.aliases)
    return (header is not None and header.strip() in {one.strip() for one in written}) or (
        _is_name(key, name) or options.rename == name
    )


def _is_name(key: str, name: str) -> bool:
    return cut(fold(key)) == name
