"""Loads into keyed tables: what a user sees, and what survives."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pgdatahub.errors import ConfigError, UndoError
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import connect
from pgdatahub.postgres.keyed.rules import find_rule
from pgdatahub.postgres.keyed.staging import begin_staging
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.plans.plan import plan
from tests.integration.undo.conftest import Hub


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root and an empty database."""
    return Hub(database_url, tmp_path)


def failure(hub: Hub) -> str:
    """Run, and return the message of the only file that fails, with its place and its hint."""
    (result,) = [one for one in hub.run().results if one.failure is not None]
    return text_of(result)


def text_of(result: FileResult) -> str:
    assert result.failure is not None
    return f"{result.failure.where}: {result.failure.message} ({result.failure.hint})"


def test_foreign_keys_and_own_columns_survive(hub: Hub) -> None:
    hub.execute("""
        CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY, no int PRIMARY KEY, city text, note text);
        INSERT INTO c (no, city, note) VALUES (1, 'base', 'mine');
        CREATE TABLE child (no int REFERENCES c (no) ON DELETE CASCADE);
        INSERT INTO child VALUES (1)
    """)
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.load()
    hub.execute("UPDATE c SET note = 'two' WHERE no = 2; INSERT INTO child VALUES (2)")
    assert "not written by pgdatahub" in failure_of_a_changed_file(hub)
    hub.run(reload=["c/a.xlsx"])
    (past,) = [one for one in hub.imports() if one.status == "loaded"]
    hub.revert(import_id=past.id, force=True)
    assert hub.execute("SELECT id, no, city, note FROM c") == [(1, 1, "base", "mine")]
    assert hub.execute("SELECT no FROM child") == [(1,)]
    assert hub.execute("SELECT count(*) FROM c_replaced") == [(0,)]
    assert hub.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'c' AND indexdef ~ 'UNIQUE'") == [
        ("c_pkey",)
    ]


def failure_of_a_changed_file(hub: Hub) -> str:
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Basel"], [2, "Chur"]])
    return failure(hub)


def test_a_changed_file_keeps_the_rows_of_its_keys(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY, no int PRIMARY KEY, city text)")
    hub.execute("CREATE TABLE child (no int REFERENCES c (no) ON DELETE CASCADE)")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.load()
    hub.execute("INSERT INTO child VALUES (1), (2)")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Basel"], [3, "Chur"]])
    hub.load()
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, "Basel"), (3, "Chur")]
    assert hub.execute("SELECT id FROM c WHERE no = 1") == [(1,)]
    assert hub.execute("SELECT no FROM child") == [(1,)]


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ("CREATE UNIQUE INDEX mine ON c (no) WHERE no > 0", "is partial"),
        ("CREATE UNIQUE INDEX mine ON c (abs(no))", "is on an expression"),
        ("ALTER TABLE c ADD CONSTRAINT mine UNIQUE (no) DEFERRABLE", "is deferrable"),
        ("ALTER TABLE c ADD UNIQUE (no), ADD CONSTRAINT mine UNIQUE (no) DEFERRABLE", "mine on (no) is deferrable"),
        ("CREATE TABLE mine () INHERITS (c)", "mine inherits from the table"),
        ("CREATE RULE mine AS ON INSERT TO c DO INSTEAD NOTHING", "the table has rules (mine)"),
    ],
)
def test_an_index_that_cannot_serve_is_refused(hub: Hub, index: str, reason: str) -> None:
    hub.execute(f"CREATE TABLE c (no int, city text); {index}")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"]])
    (planned,) = plan(hub.config()).files
    assert planned.failure is not None
    assert reason in planned.failure.message
    assert reason in failure(hub)


@pytest.mark.parametrize(("by", "named"), [("city", "city"), ("no, city", "city"), ("abs(no)", "an expression")])
def test_partitions_that_allow_no_key_are_refused(hub: Hub, by: str, named: str) -> None:
    hub.execute(f"CREATE TABLE c (no int, city text) PARTITION BY RANGE ({by})")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"]])
    (planned,) = plan(hub.config()).files
    assert planned.failure is not None
    assert f"the table is partitioned by {named}" in planned.failure.message
    assert f"the table is partitioned by {named}" in failure(hub)


@pytest.mark.parametrize("options", ["key: [no]", "key: [city]\n  newest: no"])
@pytest.mark.parametrize(("type_", "value"), [("json", "[1]"), ("box", "(2,2),(1,1)")])
def test_a_type_without_an_order_is_refused(hub: Hub, options: str, type_: str, value: str) -> None:
    hub.configure(f"c:\n  {options}\n  columns: {{no: {{type: {type_}}}}}\n")
    hub.write("c/a.xlsx", ["no", "city"], [[value, "Bern"]])
    (planned,) = plan(hub.config()).files
    assert planned.failure is not None
    assert f"the column no is {type_.upper()}, whose values have no order" in planned.failure.message
    assert planned.failure.message in failure(hub)


def test_an_index_of_another_collation_is_refused(hub: Hub) -> None:
    try:
        hub.execute("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("the server was built without ICU; nox -s servers has it")
    hub.execute("CREATE TABLE c (no text PRIMARY KEY, city text); CREATE UNIQUE INDEX mine ON c (no COLLATE nocase)")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [["a", "Bern"]])
    assert "the index mine on (no) has another collation" in failure(hub)


@pytest.mark.parametrize("options", ["key: [no]", "mode: snapshot"])
def test_a_table_that_got_an_heir_is_named(hub: Hub, options: str) -> None:
    hub.configure(f"c:\n  {options}\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    hub.execute("CREATE TABLE mine () INHERITS (c); INSERT INTO mine VALUES (1, 'mine')")
    hub.write("c/b.xlsx", ["no", "city"], [[1, "Genf"]])
    assert "mine inherits from the table" in failure(hub)
    with pytest.raises(UndoError, match="mine inherits from the table"):
        hub.revert(source_file="a.xlsx")
    assert hub.execute("SELECT no, city FROM mine") == [(1, "mine")]


def test_a_key_may_be_numbered_by_the_server(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, city text)")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.write("c/2.xlsx", ["no", "city"], [[2, "Chur"]])
    hub.load()
    hub.revert(source_file="2.xlsx")
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [(1, "Bern"), (2, "Genf")]


@pytest.mark.parametrize("order", [("1", "2"), ("2", "1")])
def test_equal_keys_of_other_texts_show_the_winners_text(hub: Hub, order: tuple[str, str]) -> None:
    if hub.execute("SELECT name FROM pg_available_extensions WHERE name = 'citext'") == []:
        pytest.skip("the server has no extension citext")
    hub.execute("CREATE EXTENSION citext; CREATE TABLE c (no citext PRIMARY KEY)")
    hub.configure("c:\n  key: [no]\n")
    for file in order:
        hub.write(f"c/{file}.xlsx", ["no"], [[{"1": "Abc", "2": "aBC"}[file]]])
        hub.load()
    assert hub.execute("SELECT no::text FROM c") == [("aBC",)]
    hub.revert(source_file="2.xlsx")
    assert hub.execute("SELECT no::text FROM c") == [("Abc",)]


def test_a_column_that_the_server_numbers_is_refused(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY, no int PRIMARY KEY)")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/1.xlsx", ["id", "no"], [[1, 1]])
    (planned,) = plan(hub.config()).files
    assert planned.action == "fail"
    assert "the table numbers its column id itself" in failure(hub)


def test_plan_refuses_a_companion_whose_name_is_taken(hub: Hub) -> None:
    hub.execute("CREATE VIEW c_replaced AS SELECT 1 AS no")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/1.xlsx", ["no"], [[1]])
    (planned,) = plan(hub.config()).files
    assert planned.failure is not None
    assert planned.failure.message in failure(hub)


@pytest.mark.parametrize("options", ["key: [no]", "sheets: {Sheet1: {table: c, mode: snapshot}}"])
def test_a_folder_with_the_companions_name_is_named(hub: Hub, options: str) -> None:
    hub.configure(f"c:\n  {options}\n")
    for folder in ("c", "c_replaced"):
        hub.write(f"{folder}/1.xlsx", ["no"], [[1]])
    (warning,) = plan(hub.config()).warnings
    assert warning.startswith("c_replaced would be the table c_replaced, whose name c needs")
    assert "takes no file" in failure(hub)


def test_other_settings_than_the_table_has_are_refused(hub: Hub) -> None:
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/b.xlsx", ["no", "city"], [[1, "Basel"]])
    assert "mode: append" in failure(hub)
    assert hub.execute("SELECT no, city FROM c") == [(1, "Bern")]


def test_the_companion_is_granted_to_no_other_role(hub: Hub) -> None:
    hub.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    query = "SELECT has_table_privilege('pg_monitor', '{}', 'SELECT')"
    assert hub.execute(query.format("c")) == [(True,)]
    assert hub.execute(query.format("c_replaced")) == [(False,)]


def test_a_section_uses_one_staging_table(hub: Hub) -> None:
    hub.configure("c:\n  key: [no]\n")
    for number in range(4):
        hub.write(f"c/{number}.xlsx", ["no", "city"], [[1, f"city {number}"], [number + 2, "x"]])
    hub.load(sectional_commit=True)
    assert hub.execute("SELECT city FROM c WHERE no = 1") == [("city 3",)]
    first = next(one for one in hub.imports() if one.identity == "c/3.xlsx")
    hub.revert(import_id=first.id)
    assert hub.execute("SELECT city FROM c WHERE no = 1") == [("city 2",)]


def test_further_files_of_a_section_take_no_further_locks(hub: Hub) -> None:
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    database = connect(hub.database_url, keep_connection=True)
    with transaction(database.engine) as connection:
        rule = find_rule(connection, "public", TableName(schema="public", name="c"))
        assert rule is not None
        counts = []
        for _ in range(4):
            begin_staging(connection, rule, rule.columns)
            counts.append(connection.scalar("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"))
        begin_staging(connection, rule, ("no",))
        counts.append(connection.scalar("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"))
    database.close()
    assert len(set(counts[1:4])) == 1
    assert counts[4] > counts[3], "other columns need another table, and its locks stay"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("key: [a]\n  mode: append", "key needs mode: merge"),
        ("key: [a]\n  mode: snapshot", "takes no key"),
        ("mode: merge", "mode: merge needs a key"),
        ("mode: snapshot\n  newest: b", "needs an order of files"),
        ("key: [a]\n  newest: b\n  missing_keys: flag x", "needs an order of files"),
        ("newest: b", "newest needs a key"),
        ("key: [a]\n  missing_keys: drop", "must be keep, or flag and a column"),
        ("key: [a, A]", "names a column twice"),
        ("key: [a]\n  missing_keys: flag A", "cannot flag keys in the column a"),
        ("key: [Source File]", "key cannot use source_file"),
        ("key: [a]\n  newest: load_timestamp", "newest cannot use load_timestamp"),
        ("key: [a]\n  missing_keys: flag source_file", "flag cannot use source_file"),
    ],
)
def test_options_that_contradict_are_refused(hub: Hub, options: str, reason: str) -> None:
    hub.configure(f"c:\n  {options}\n")
    with pytest.raises(ConfigError, match=reason):
        hub.config()


def test_a_newest_column_needs_a_fixed_type(hub: Hub) -> None:
    hub.configure("c:\n  key: [no]\n  newest: at\n")
    hub.write("c/a.xlsx", ["no", "at"], [[1, 5]])
    assert "newest: at needs a column of a fixed type" in failure(hub)
