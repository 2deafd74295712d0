"""Notices about a file whose columns do not fit its table: none in common, missing, seemingly renamed, of wider types."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.schema import RESERVED_COLUMNS, OpaqueType, TableSchema
from pgdatahub.values.sql_types import SqlType

_LISTED: Final = 10
_ALIKE: Final = 0.7
"""Minimum likeness of two names, by difflib's ratio, for one to count as the other renamed."""
_COMPARED: Final = 100
"""Maximum number of names of each side to compare."""


def describe_fit(
    observed: TableSchema, current: TableSchema, earlier: Callable[[], Iterable[Collection[str]]] = tuple
) -> tuple[str, ...]:
    """Return notices about the columns that a file and its table do not share.

    A column that one of the earlier files lacks too is optional, and gives no notice.

    Args:
        observed: The columns of the file.
        current: The columns of the table before the file.
        earlier: Returns the names of the columns of each of the latest files of the table; called if the file lacks columns.
    """
    in_file = [column.name for column in observed.columns if column.name not in RESERVED_COLUMNS]
    in_table = [
        column.name
        for column in current.columns
        if column.name not in RESERVED_COLUMNS and not isinstance(column.type, OpaqueType)
    ]
    if not in_file or not in_table:
        return ()
    new = sorted(set(in_file) - set(in_table))
    missing = sorted(set(in_table) - set(in_file), key=in_table.index)
    if len(missing) == len(in_table):
        notice = (
            f"the file shares no column with the table {current.table}: the file has {_listed(in_file)}, the table has"
            f" {_listed(in_table)}; if it belongs elsewhere, revert it and move it to another folder"
        )
        return (FileNotice(notice, "the file shares no column with its table"),)
    if not missing:
        return ()
    renamed = _renamed(missing, new)
    optional = set[str]()
    for names in earlier():
        optional |= set(missing).difference(names)
    unusual = [name for name in missing if name not in optional or name in dict(renamed)]
    if not unusual:
        return ()
    one = len(unusual) == 1
    notice = (
        f"the file lacks {'the column' if one else f'{len(unusual):,} columns'} {_listed(unusual)} of the table"
        f" {current.table}; its rows have no value there"
    )
    kind = "the file lacks columns of its table"
    if renamed:
        kind = "the file lacks columns of its table, and may have renamed some (set aliases: or rename:)"
        notice += (
            f"; it may have renamed {', '.join(f'{old} to {name}' for old, name in renamed)} (set aliases: or rename:)"
        )
    return (FileNotice(notice, kind),)


def describe_wider_types(observed: TableSchema, result: TableSchema) -> tuple[str, ...]:
    """Return a notice if columns of a table keep a wider type than the settings give them.

    Args:
        observed: The columns of the file.
        result: The columns of the table with the file.
    """
    wider = [
        f"{column.name} {kept.type.label} instead of {column.configured_type.label}"
        for column in observed.columns
        if column.configured_type is not SqlType.UNDECIDED and column.created_as is None
        # Columns of other types are the user's own; values are checked to fit into them.
        if (kept := result.by_name.get(column.name)) is not None
        and isinstance(kept.type, SqlType)
        and kept.type is not column.configured_type
    ]
    if not wider:
        return ()
    text = (
        f"the table {result.table} keeps {_listed(wider)}, since a load never narrows a column; revert --with-schema of the "
        "files that were loaded before type: was set, and a run, give the column its type"
    )
    return (FileNotice(text, "a column of the table keeps a wider type than type: in the settings"),)


def _renamed(missing: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of a missing column and the new column whose name is most similar."""
    left = list(new[:_COMPARED])
    pairs = []
    for name in missing[:_COMPARED]:
        alike = [found for found in left if name in found.split("_") or found in name.split("_")]
        alike = alike or get_close_matches(name, left, n=1, cutoff=_ALIKE)
        if alike:
            left.remove(alike[0])
            pairs.append((name, alike[0]))
    return pairs[:_LISTED]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
