"""Wrong designs of keyed tables, put back one at a time: each is caught by a history that the right design passes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, TypeAlias

import pytest

from pgdatahub.errors import UndoError
from pgdatahub.undo.rekey import rekey
from tests.integration.undo.conftest import Hub, Rows

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
FIRST, SECOND, THIRD = "2025-9.xlsx", "2025-10.xlsx", "b 9.xlsx"


class Table:
    """A keyed table and its folder."""

    def __init__(self, hub: Hub, name: str, options: str = "") -> None:
        self.hub, self.name = hub, name
        self.hub.configure(f"{name}:\n  key: [k]\n{options}")

    def load(self, file: str, headers: str, *rows: Any) -> None:
        self.hub.write(f"{self.name}/{file}", headers.split(), rows)
        report = self.hub.run(paths=[f"{self.name}/{file}"])
        assert [str(one.failure) for one in report.results if one.failure] == []
        assert [one.outcome.value for one in report.results] == ["loaded"]

    def revert(self, file: str) -> None:
        loaded = [one for one in self.hub.imports() if one.identity == f"{self.name}/{file}" and one.status == "loaded"]
        self.hub.revert(import_id=loaded[0].id)

    def has(self, columns: str, *rows: tuple[Any, ...]) -> None:
        """Check the rows of the table, by the columns and the name of their file."""
        found = self.execute(f"SELECT {columns}, regexp_replace(source_file, '.*/', '') FROM {{0}} ORDER BY 1, 2")
        assert found == list(rows)

    def execute(self, statement: str) -> Rows:
        return self.hub.execute(statement.format(self.name))


def copies(table: Table) -> None:
    table.load(FIRST, "k v", (1, "x"))
    table.load(SECOND, "k v", (1, "y"))
    table.load(THIRD, "k v", (1, "x"))
    table.has("k, v", (1, "x", THIRD))


def beaten(table: Table) -> None:
    table.load(FIRST, "k v", (1, "right"), (1, "beaten"))
    table.load(SECOND, "k v", (1, "y"))
    table.revert(SECOND)
    table.has("k, v", (1, "right", FIRST))


def nulls_at_an_undo(table: Table) -> None:
    table.load(FIRST, "k u", (1, 1))
    table.load(SECOND, "k u", (1, None))
    table.load(THIRD, "k u", (1, 2))
    table.revert(THIRD)
    table.has("k, u", (1, 1, FIRST))


def nulls_at_a_load(table: Table) -> None:
    table.load(FIRST, "k u", (1, 1))
    table.load(SECOND, "k u", (1, None))
    table.has("k, u", (1, 1, FIRST))


def digits(table: Table) -> None:
    table.load(SECOND, "k v", (1, "ten"))
    table.load(FIRST, "k v", (1, "nine"))
    table.has("k, v", (1, "ten", SECOND))


def case(table: Table) -> None:
    table.load("a.xlsx", "k v", (1, "small"))
    table.load("A.xlsx", "k v", (1, "capital"))
    table.has("k, v", (1, "small", "a.xlsx"))


def unchanged(table: Table) -> None:
    table.load(FIRST, "k v", (1, "same"))
    table.load(SECOND, "k v", (1, "same"))
    table.revert(FIRST)
    table.has("k, v", (1, "same", SECOND))


def lacking_column(table: Table) -> None:
    table.load(FIRST, "k v", (1, "old"))
    table.load(SECOND, "k w", (1, 5))
    table.has("k, v, w", (1, None, 5, SECOND))


def replaced(table: Table) -> None:
    table.load(FIRST, "k v", (1, "x"), (2, "x"))
    table.load(FIRST, "k v", (1, "y"))
    table.has("k, v", (1, "y", FIRST))
    assert table.execute("SELECT count(*) FROM {0}_replaced") == [(0,)]


def children(table: Table) -> None:
    table.execute("CREATE TABLE {0} (k int PRIMARY KEY, v text)")
    table.execute("CREATE TABLE {0}_child (k int REFERENCES {0} ON DELETE CASCADE)")
    table.load(FIRST, "k v", (1, "x"))
    table.execute("INSERT INTO {0}_child VALUES (1)")
    table.load(FIRST, "k v", (1, "y"))
    assert table.execute("SELECT k FROM {0}_child") == [(1,)]


def own_identity(table: Table) -> None:
    table.execute("CREATE TABLE {0} (id int GENERATED ALWAYS AS IDENTITY, k int PRIMARY KEY, v text)")
    table.load(FIRST, "k v", (1, "x"))
    table.load(SECOND, "k v", (1, "y"))
    table.has("id, k, v", (1, 1, "y", SECOND))


def widening(table: Table) -> None:
    table.load(FIRST, "k v", (1, 7), (2, 2.5))
    table.load(SECOND, "k v", ("1", 8), ("x", "y"))
    table.has("k, v", ("1", "8", SECOND), ("2", "2.5", FIRST), ("x", "y", SECOND))


def flags_of_rows_by_hand(table: Table) -> None:
    table.load(FIRST, "k v", (1, "x"))
    table.execute("INSERT INTO {0} (k, gone) VALUES (9, true)")
    table.load(SECOND, "k v", (1, "y"))
    assert table.execute("SELECT k FROM {0} WHERE gone") == [(9,)]
    table.revert(SECOND)
    table.revert(FIRST)
    assert table.execute("SELECT k, gone FROM {0}") == [(9, False)]


def rows_of_one_file(table: Table) -> None:
    table.load(FIRST, "k v", (1, "x"), (2, "x"))
    table.hub.configure(f"{table.name}:\n  key: [v]\n")
    with pytest.raises(UndoError, match="another row of their file"):
        rekey(table.hub.config(), table.name)


def hand_below_null(table: Table) -> None:
    table.load(FIRST, "k u", (2, 1))
    table.execute("INSERT INTO {0} (k, u) VALUES (1, 5)")
    table.load(SECOND, "k u", (1, None))
    table.has("k, u", (1, None, SECOND), (2, 1, FIRST))
    table.load(THIRD, "k u", (1, 2))
    table.revert(THIRD)
    table.has("k, u", (1, None, SECOND), (2, 1, FIRST))


Change: TypeAlias = "tuple[str, str, str]"
"""A module, and a piece of its source with the wrong design in its place."""
_KEYED = "pgdatahub.postgres.keyed"
_U = "  newest: u\n  columns: {u: {type: integer}}\n"
DESIGNS: dict[str, tuple[str, Callable[[Table], None], Change]] = {
    "1 copies are skipped by their hash": (
        "",
        copies,
        ("pgdatahub.load.dedup", "if source.options.rule is None:", "if True:"),
    ),
    "2 beaten rows are not marked": ("  duplicates: first\n", beaten, (f"{_KEYED}.undo", "AND NOT c.{beaten}", "")),
    "3 NULL is above all values at an undo": (
        _U,
        nulls_at_an_undo,
        (f"{_KEYED}.fragments", "DESC NULLS LAST", "DESC"),
    ),
    "3 NULL cannot be compared at a load": (
        _U,
        nulls_at_a_load,
        (
            f"{_KEYED}.merge",
            "(coalesce({table} > {staged}, {table} IS NOT NULL AND {staged} IS NULL)",
            "({table} > {staged}",
        ),
    ),
    "4 digits are text": ("", digits, ("pgdatahub.values.rank_key", "if index % 2:", "if False:")),
    "4 case makes no difference": (
        "",
        case,
        ("pgdatahub.values.rank_key", '_END, path.encode("utf-8", "surrogatepass")', "_END"),
    ),
    "5 unchanged rows are not written": (
        "",
        unchanged,
        (
            f"{_KEYED}.merge",
            "DO UPDATE SET {values}",
            "DO UPDATE SET {values} WHERE {table}.v IS DISTINCT FROM excluded.v",
        ),
    ),
    "6 a column that the file lacks keeps its value": (
        "",
        lacking_column,
        (
            f"{_KEYED}.merge",
            'sql.SQL("{} = {}").format(column(name), column(name, "excluded"))',
            'sql.SQL("{0} = coalesce({1}, {2}.{0})").format(column(name), column(name, "excluded"), identifier(rule.table))',
        ),
    ),
    "7 a replaced file is only overwritten": (
        "",
        replaced,
        ("pgdatahub.load.keyed", "    if going:\n", "    if False:\n"),
    ),
    "7 ghosts are archived": (
        "",
        replaced,
        (f"{_KEYED}.merge", "coalesce({} = ANY (%(ghosts)s::timestamp[]), false)", "({} IS NULL AND false)"),
    ),
    "8 a replaced file is reverted and loaded": (
        "",
        children,
        ("pgdatahub.load.keyed", "keep_staged=rule.rule.is_merge", "keep_staged=False"),
    ),
    "9 staging has the user's own columns": (
        "",
        own_identity,
        (f"{_KEYED}.staging", "others = _others(connection, rule.table, columns)", "others: list[str] = []"),
    ),
    "10 only the table is altered": (
        "",
        widening,
        ("pgdatahub.load.keyed", "    follow_changes(connection, rule, plan)\n", ""),
    ),
    "11 rows by hand are never missing": (
        "  missing_keys: flag gone\n",
        flags_of_rows_by_hand,
        (f"{_KEYED}.flag", "AND {} IS DISTINCT FROM newest.moment", "AND coalesce({} <> newest.moment, false)"),
    ),
    "12 rekey guesses the order of rows in a file": (
        "",
        rows_of_one_file,
        ("pgdatahub.postgres.rekey", "if tie:", "if False:"),
    ),
    "rows by hand are not below NULL at a load": (
        _U,
        hand_below_null,
        (f"{_KEYED}.merge", "m.{timestamp} IS NOT NULL AND (coalesce", "(coalesce"),
    ),
    "rows by hand are not below NULL at an undo": (
        _U,
        hand_below_null,
        (
            f"{_KEYED}.fragments",
            '[sql.SQL("{} IS NULL").format(column(LOAD_TIMESTAMP, row))]',
            "[sql.SQL('(SELECT true)')]",
        ),
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


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root and an empty database."""
    return Hub(database_url, tmp_path)


@pytest.mark.parametrize("design", DESIGNS if THOROUGH else list(DESIGNS)[::6])
def test_wrong_design_is_caught(design: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    options, history, change = DESIGNS[design]
    history(Table(hub, "good", options))
    put_in_place(monkeypatch, change)
    with pytest.raises((AssertionError, pytest.fail.Exception, UndoError)):
        history(Table(hub, "bad", options))
