"""Wrong designs of keyed tables, each a change of the source that tests put in place: research tried or met them all."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import FunctionType
from typing import Any, TypeAlias

import pytest

Change: TypeAlias = "tuple[str, str, str]"
"""A module, and a piece of its source with the wrong design in its place."""
_KEYED = "pgdatahub.postgres.keyed"
CHANGES: dict[str, Change] = {
    "1 copies are skipped by their hash": (
        "pgdatahub.load.known.dedup_facts",
        "if source.options.rule is None:",
        "if True:",
    ),
    "2 beaten rows are not marked": (f"{_KEYED}.undo", "AND NOT c.{beaten}", ""),
    "3 NULL is above all values at an undo": (f"{_KEYED}.fragments", "DESC NULLS LAST", "DESC"),
    "3 NULL cannot be compared at a load": (
        f"{_KEYED}.merge",
        "(coalesce({table} > {staged}, {table} IS NOT NULL AND {staged} IS NULL)",
        "({table} > {staged}",
    ),
    "4 digits are text": ("pgdatahub.values.rank_key", "if index % 2:", "if False:"),
    "4 case makes no difference": ("pgdatahub.values.rank_key", '_END, path.encode("utf-8", "surrogatepass")', "_END"),
    "5 unchanged rows are not written": (
        f"{_KEYED}.merge",
        'DO UPDATE SET {values}\n    """).format(',
        (
            'DO UPDATE SET {values} WHERE ({shown}) IS DISTINCT FROM ({staged})\n    """).format('
            " shown=_comparable(rule, arrival, rule.table.schema, rule.table.name),"
            ' staged=_comparable(rule, arrival, "excluded"),'
        ),
    ),
    "6 a column that the file lacks keeps its value": (
        f"{_KEYED}.merge",
        'sql.SQL("{} = {}").format(column(name), column(name, "excluded"))',
        'sql.SQL("{0} = coalesce({1}, {2}.{0})").format(column(name), column(name, "excluded"), identifier(rule.table))',
    ),
    "7 a replaced file is only overwritten": ("pgdatahub.load.keys.keyed", "    if going:\n", "    if False:\n"),
    "7 ghosts are archived": (
        f"{_KEYED}.merge",
        "coalesce({} = ANY (%(ghosts)s::timestamp[]), false)",
        "({} IS NULL AND false)",
    ),
    "8 a replaced file is reverted and loaded": (
        "pgdatahub.load.keys.keyed",
        "keep_staged=rule.rule.is_merge",
        "keep_staged=False",
    ),
    "9 staging has the user's own columns": (
        f"{_KEYED}.staging",
        "others = _others(connection, rule.table, columns)",
        "others: list[str] = []",
    ),
    "10 only the table is altered": ("pgdatahub.load.keys.keyed", "    follow_changes(connection, rule, plan)\n", ""),
    "11 rows by hand are never missing": (
        f"{_KEYED}.flag",
        "AND {} IS DISTINCT FROM newest.moment",
        "AND coalesce({} <> newest.moment, false)",
    ),
    "12 rekey guesses the order of rows in a file": ("pgdatahub.postgres.rekey", "if tie:", "if False:"),
    "rows by hand are not below NULL at a load": (
        f"{_KEYED}.merge",
        "m.{timestamp} IS NOT NULL AND (coalesce",
        "(coalesce",
    ),
    "rows by hand are not below NULL at an undo": (
        f"{_KEYED}.fragments",
        '[sql.SQL("{} IS NULL").format(column(LOAD_TIMESTAMP, row))]',
        "[sql.SQL('(SELECT true)')]",
    ),
}


def put_in_place(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """Replace the code of a module's functions, and its statements, by those of a changed source."""
    module = import_module(change[0])
    source = inspect.getsource(module)
    assert change[1] in source
    # The class body of a dataclass needs the module's name.
    space: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(source.replace(change[1], change[2]), str(module.__file__), "exec"), space)  # noqa: S102 - our own source
    for name, value in space.items():
        old = getattr(module, name, None)
        if isinstance(value, FunctionType) and isinstance(old, FunctionType) and old.__module__ == module.__name__:
            monkeypatch.setattr(old, "__code__", value.__code__)
        elif name.startswith("_") and type(value).__module__ == "psycopg.sql" and value != old:
            monkeypatch.setattr(module, name, value)
