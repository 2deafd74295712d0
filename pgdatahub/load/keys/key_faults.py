"""Faults of keys in a staged file: empty, too long, or twice; each with its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pgdatahub.errors import CellError, CellFault
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.schema import TableSchema
from pgdatahub.postgres.keyed.arrival import Arrival
from pgdatahub.postgres.keyed.merge import set_beaten_aside
from pgdatahub.postgres.keyed.other_uniques import broken_unique
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.keyed.staging import (
    MAX_KEY_BYTES,
    BadKey,
    analyze,
    empty_keys,
    has_bad_keys,
    has_odd_keys,
    long_keys,
    tied_rows,
)
from pgdatahub.values.cells import cell_address
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

_SHORT: Final = frozenset(
    {
        SqlType.BOOLEAN,
        SqlType.INTEGER,
        SqlType.BIGINT,
        SqlType.BIGINT_WIDE,
        SqlType.REAL,
        SqlType.DOUBLE,
        SqlType.DATE,
        SqlType.TIMESTAMP,
        SqlType.TIME,
    }
)
"""Types whose values are never too long for a key."""


def check_keys(connection: Connection, rule: TableRule, staged: Staged, arrival: Arrival, table: TableSchema) -> int:
    """Check the keys of the staged rows; return the number of rows that others of the file beat.

    Raises:
        CellError: A key is empty or too long, or two rows have one key.
    """
    key = rule.rule.key
    analyze(connection, key)
    unlimited = [name for name in key if table.by_name[name].type not in _SHORT]
    if not has_odd_keys(connection, key, unlimited):
        return 0
    if has_bad_keys(connection, key, unlimited):
        _refuse_bad_keys(connection, key, staged)
    tied = tied_rows(connection, rule.rule)
    if tied is not None and rule.rule.duplicates == "fail":
        raise tie_error(staged, tied, key)
    return set_beaten_aside(connection, rule, arrival)


def tie_error(staged: Staged, tied: BadKey, key: Sequence[str]) -> CellError:
    """Return the error of rows with one key that the order cannot tell apart."""
    return _error(
        staged,
        tied,
        f"{tied.count:,} rows have one key ({', '.join(key)}): {' and '.join(_places(staged, tied))}",
        "correct the rows, or set duplicates: first or last",
    )


def check_other_uniques(connection: Connection, rule: TableRule, staged: Staged) -> None:
    """Check the staged rows, those that win, against the unique indexes of the user's own beside that of the key.

    Raises:
        CellError: Another row has a value that may be there once.
    """
    broken = broken_unique(connection, rule)
    if broken is not None:
        index, bad = broken
        raise _error(
            staged,
            bad,
            f"another row has the same {' and '.join(sorted(index.columns))}, and the table's index {index.name} is unique",
            "correct the cell, or drop the index",
            rule="unique",
        )


def _refuse_bad_keys(connection: Connection, key: Sequence[str], staged: Staged) -> None:
    named = f"the key ({', '.join(key)})"
    empty = empty_keys(connection, key)
    if empty is not None:
        of_all = f", one of {empty.count:,} such rows" if empty.count > 1 else ""
        raise _error(
            staged, empty, f"{named} is empty in column {empty.column}{of_all}", "fill the cell, or leave the row out"
        )
    long = long_keys(connection, key)
    if long is not None:
        raise _error(
            staged, long, f"{named} is longer than {MAX_KEY_BYTES:,} bytes", "take shorter columns for the key"
        )


def _error(staged: Staged, bad: BadKey, message: str, hint: str, *, rule: str = "key") -> CellError:
    places = _places(staged, bad)
    return CellError(message, where=places[0] if places else None, hint=hint, faults=_faults(staged, bad, rule))


def _places(staged: Staged, bad: BadKey) -> list[str]:
    """Return the places of rows in the workbook: ``Sheet1 › B17``."""
    return [place for place, _, _, _ in _located(staged, bad)]


def _located(staged: Staged, bad: BadKey) -> list[tuple[str, str, int, str | None]]:
    """Return place, sheet, row and cell of each named row."""
    found = []
    wanted = sorted(bad.rows)
    before = 0
    for batch in staged.spool:
        origin = batch.origin
        while wanted and wanted[0] <= before + batch.rows:
            index = wanted.pop(0) - before - 1
            if origin is not None:
                position = origin.positions.get(bad.column) if bad.column is not None else None
                cell = None if position is None else cell_address(origin.rows[index], position)
                found.append((origin.place(index, bad.column), origin.sheet, origin.rows[index], cell))
        before += batch.rows
        if not wanted:
            break
    return found


def _faults(staged: Staged, bad: BadKey, rule: str) -> list[CellFault]:
    return [
        CellFault(rule=rule, cell=cell, row=row, sheet=sheet, column=bad.column or "")
        for _, sheet, row, cell in _located(staged, bad)
        if cell is not None
    ]
