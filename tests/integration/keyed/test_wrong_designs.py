"""Wrong designs of keyed tables, put back one at a time: each is caught by a history that the right design passes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pgdatahub.errors import UndoError
from pgdatahub.undo.rekey import rekey
from tests.integration.keyed.wrong_designs import CHANGES, put_in_place
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


_U = "  newest: u\n  columns: {u: {type: integer}}\n"
DESIGNS: dict[str, tuple[str, Callable[[Table], None]]] = {
    "1 copies are skipped by their hash": ("", copies),
    "2 beaten rows are not marked": ("  duplicates: first\n", beaten),
    "3 NULL is above all values at an undo": (_U, nulls_at_an_undo),
    "3 NULL cannot be compared at a load": (_U, nulls_at_a_load),
    "4 digits are text": ("", digits),
    "4 case makes no difference": ("", case),
    "5 unchanged rows are not written": ("", unchanged),
    "6 a column that the file lacks keeps its value": ("", lacking_column),
    "7 a replaced file is only overwritten": ("", replaced),
    "7 ghosts are archived": ("", replaced),
    "8 a replaced file is reverted and loaded": ("", children),
    "9 staging has the user's own columns": ("", own_identity),
    "10 only the table is altered": ("", widening),
    "11 rows by hand are never missing": ("  missing_keys: flag gone\n", flags_of_rows_by_hand),
    "12 rekey guesses the order of rows in a file": ("", rows_of_one_file),
    "rows by hand are not below NULL at a load": (_U, hand_below_null),
    "rows by hand are not below NULL at an undo": (_U, hand_below_null),
}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root and an empty database."""
    return Hub(database_url, tmp_path)


@pytest.mark.parametrize("design", DESIGNS if THOROUGH else list(DESIGNS)[::6])
def test_wrong_design_is_caught(design: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    options, history = DESIGNS[design]
    history(Table(hub, "good", options))
    put_in_place(monkeypatch, CHANGES[design])
    with pytest.raises((AssertionError, pytest.fail.Exception, UndoError)):
        history(Table(hub, "bad", options))
