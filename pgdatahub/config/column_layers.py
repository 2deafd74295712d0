"""Entries below ``columns:`` that mean one column: merged option by option, from the outer folder to the inner one.

``Order ID`` in a folder and ``order_id`` in its subfolder mean the same column of a sheet. At one level a header as written
comes before a name, so that the name, which distinguishes columns with equal headers, decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.errors import ConfigError
from pgdatahub.values.identifiers import ColumnNames, cut, fold

Layer: TypeAlias = "Mapping[str, Mapping[str, Any]]"
"""The entries of one folder: key → option → value."""
FindOptions: TypeAlias = "Callable[[int], ColumnOptions]"


def same_name(keys: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Return each folded name with the keys that are this name, in their order."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(cut(fold(key)), []).append(key)
    return groups


def merged(keys: Sequence[str], columns: Mapping[str, ColumnOptions], layers: Sequence[Layer]) -> ColumnOptions:
    """Return the options of a column that several entries mean; the stronger one of a folder comes last in ``keys``.

    Raises:
        ValueError: The merged options contradict each other.
    """
    return columns[keys[0]] if len(keys) == 1 else merge_layers(keys, layers or [_given(columns)])


def merge_layers(keys: Sequence[str], layers: Sequence[Layer]) -> ColumnOptions:
    """Return the options that entries of several folders set together.

    Raises:
        ValueError: The merged options contradict each other.
    """
    given: dict[str, Any] = {}
    for layer in layers:
        for key in keys:
            given |= layer.get(key, {})
    return ColumnOptions(**given)


def _given(columns: Mapping[str, ColumnOptions]) -> dict[str, dict[str, Any]]:
    """Return the options that differ from their default, for settings that were not read from a file."""
    nothing = ColumnOptions()
    return {
        key: {
            name: value
            for name in ColumnOptions.__dataclass_fields__
            if (value := getattr(column, name)) != getattr(nothing, name)
        }
        for key, column in columns.items()
    }


def finder(columns: Mapping[str, ColumnOptions], layers: Sequence[Layer], names: ColumnNames) -> FindOptions:
    """Return a function from a position (from 0) to the options of the column there; the defaults if no entry means it."""
    nothing = ColumnOptions()
    if not columns:
        return lambda _position: nothing
    keys_of = key_finder(columns, names)

    def options_of(position: int) -> ColumnOptions:
        keys = keys_of(position)
        if not keys:
            return nothing
        try:
            return merged(keys, columns, layers)
        except ValueError as error:
            named = " and ".join(map(repr, keys))
            raise ConfigError(
                f"the column {names.header(position) or names.name(position)!r}: {error}",
                hint=f"the entries {named} under columns: mean this column together",
            ) from error

    return options_of


def key_finder(columns: Mapping[str, ColumnOptions], names: ColumnNames) -> Callable[[int], tuple[str, ...]]:
    """Return a function from a position to the keys that mean the column there: headers and aliases, then names."""
    owner = {alias: key for key, column in columns.items() for alias in column.aliases} | {key: key for key in columns}
    groups = same_name(columns)
    match = names.matcher(owner)

    def keys_of(position: int) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for text in match(position):
            key = owner[text]
            if key != text:
                # An alias stands for its column, so other entries with that column's name hold too.
                alike = groups[cut(fold(key))]
                found |= dict.fromkeys(one for one in alike if one == key or not names.has_header(one))
            found[key] = None
        return tuple(found)

    return keys_of


def rename_levels(layers: Sequence[Layer]) -> dict[str, int]:
    """Return each key or alias → the number of the innermost folder that names its column."""
    levels: dict[str, int] = {}
    for level, layer in enumerate(layers):
        for key, given in layer.items():
            if "rename" in given or "aliases" in given:
                levels[key] = level
                levels |= dict.fromkeys(given.get("aliases", ()), level)
    return levels
