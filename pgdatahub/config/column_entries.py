"""Entries below ``columns:`` as folders set them, and the options that they give the columns of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgdatahub.config.column_layers import merge_layers, same_name
from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.errors import ConfigError


@dataclass(slots=True, kw_only=True)
class Column:
    """Options that the file sets for one column in one folder.

    Attributes:
        where: The file and line.
        given: Values of column options by name.
    """

    where: str = field(compare=False)
    given: dict[str, Any] = field(default_factory=dict)


def column_fields(levels: Sequence[Mapping[str, Column]]) -> dict[str, Any]:
    """Return the fields of :class:`FolderOptions` for the entries of folders, the outermost first."""
    given: dict[str, dict[str, Any]] = {}
    where: dict[str, str] = {}
    for level in levels:
        for key, column in level.items():
            given[key] = given.get(key, {}) | column.given
            where.pop(key, None)
            where[key] = column.where  # the innermost, and it comes last
    layers = tuple({key: column.given for key, column in level.items()} for level in levels if level)
    columns: dict[str, ColumnOptions] = {}
    for keys in same_name(given).values():
        innermost = max(keys, key=list(where).index)
        try:
            together = merge_layers(keys, layers)
            columns |= dict.fromkeys(keys, together) if len(keys) == 1 else _each(keys, given, together)
        except ValueError as error:
            raise ConfigError(f"the column {innermost!r}: {error}", where=where[innermost]) from error
    return {
        "columns": {key: columns[key] for key in given},
        "column_layers": layers if len(columns) > 1 else (),
    }


def _each(
    keys: Iterable[str], given: Mapping[str, Mapping[str, Any]], together: ColumnOptions
) -> dict[str, ColumnOptions]:
    """Return the options of each entry; those of all where an entry is valid only with the others."""
    found = {}
    for key in keys:
        try:
            found[key] = ColumnOptions(**given[key])
        except ValueError:
            found[key] = together
    return found
