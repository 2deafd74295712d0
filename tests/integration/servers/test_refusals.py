"""Refusals of tables and their messages: row-level security, triggers, foreign keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from pgdatahub import plan
from pgdatahub.cli.console import TerminalConsole
from pgdatahub.cli.plan import print_plan
from pgdatahub.config import load_config
from pgdatahub.errors import PgDataHubError
from pgdatahub.runs.verification.result import DifferenceKind
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.runs.conftest import write_workbook
from tests.integration.servers.test_settings import load


@pytest.fixture
def loader_url(database_url: str) -> Iterator[str]:
    """The URL of the database for a role that is not a superuser, and owns the schema public."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        info = connection.info
        role = f"loader_{info.dbname}"
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'loader'".encode())
        connection.execute(f"GRANT ALL ON SCHEMA public TO {role}".encode())
        connection.execute(f"GRANT CREATE ON DATABASE {info.dbname} TO {role}".encode())
        place = quote(info.host, safe="")
        url = f"postgresql://{role}:loader@{place}:{info.port}/{info.dbname}"
    yield url
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_row_level_security_is_named_before_rows_are_hidden(loader_url: str, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    assert load(loader_url, tmp_path).exit_code == 0
    execute(
        loader_url,
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t FORCE ROW LEVEL SECURITY",
        "CREATE POLICY one ON t USING (id = 1)",
    )
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], [3]])
    config = load_config(overrides={"database_url": loader_url, "workers": 1}, directory=tmp_path)
    planned = next(file for file in plan(config).files if file.action == "fail")
    failure = next(result.failure for result in load(loader_url, tmp_path).results if result.failure)
    assert planned.failure is not None
    for told in (planned.failure, failure):
        assert "row-level security" in told.message
        assert "BYPASSRLS" in str(told.hint)
        assert "NO FORCE" in str(told.hint)  # the role is the owner already
    with pytest.raises(PgDataHubError, match="row-level security"):
        revert(config, UndoRequest(source_file="t/a.xlsx", force=True))


OTHER_OBJECTS = {
    "view": ("CREATE VIEW t AS SELECT 1 AS id", "t is a view, not a table"),
    "sequence": ("CREATE SEQUENCE t", "t is a sequence, not a table"),
    "foreign table": (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE t (id integer) SERVER s",
        "t is a foreign table, not a table",
    ),
}


@pytest.mark.parametrize(("statement", "told"), OTHER_OBJECTS.values(), ids=OTHER_OBJECTS)
def test_plan_names_no_new_table_where_run_refuses(
    statement: str, told: str, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    execute(database_url, statement)
    planned = plan(load_config(overrides={"database_url": database_url}, directory=tmp_path))
    print_plan(planned, TerminalConsole())
    shown = capsys.readouterr().out
    assert "\nt: 0 files to load, 0 rows\n" in shown
    assert "new table" not in shown
    (failed,) = load(database_url, tmp_path).results
    assert failed.failure is not None
    assert told in failed.failure.message
    assert told in shown


def test_plan_knows_a_table_with_hidden_rows(loader_url: str, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    assert load(loader_url, tmp_path).exit_code == 0
    execute(loader_url, "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER TABLE t FORCE ROW LEVEL SECURITY")
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], [2]])
    (table,) = plan(load_config(overrides={"database_url": loader_url}, directory=tmp_path)).tables
    assert table.exists
    assert table.bytes > 0
    assert not table.is_created


@pytest.mark.parametrize("table", ["t", "t_replaced"])
def test_row_level_security_of_a_keyed_table_is_foreseen(table: str, loader_url: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  key: [id]\n")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "v"], [1, 1]])
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "v"], [1, 2]])
    assert load(loader_url, tmp_path).exit_code == 0
    execute(
        loader_url, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    )
    write_workbook(tmp_path / "data/t/c.xlsx", [["id", "v"], [1, 3]])
    config = load_config(overrides={"database_url": loader_url, "workers": 1}, directory=tmp_path)
    planned = next(file.failure for file in plan(config).files if file.file == "t/c.xlsx")
    failure = next(result.failure for result in load(loader_url, tmp_path).results if result.failure)
    for told in (planned, failure):
        assert told is not None
        assert "row-level security" in told.message
        assert told.where == f"table {table}"
        assert "BYPASSRLS" in str(told.hint)


@pytest.mark.parametrize("table", ["etl_imports", "etl_schema_changes"])
def test_row_level_security_of_the_history_is_named(table: str, loader_url: str, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    assert load(loader_url, tmp_path).exit_code == 0
    execute(
        loader_url, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    )
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], ["x"]])
    try:
        told = [
            (result.failure.message, result.failure.hint)
            for result in load(loader_url, tmp_path).results
            if result.failure
        ]
    except PgDataHubError as error:
        told = [(error.message, error.hint)]
    assert told
    for message, hint in told:
        assert "row-level security" in message
        assert "BYPASSRLS" in str(hint)
    with psycopg.connect(loader_url) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_rows_that_a_trigger_drops_are_counted(database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)",
        "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF new.id % 2 = 0 THEN RETURN NULL; END IF; RETURN new; END $$",
        "CREATE TRIGGER only_odd BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION odd()",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], *([number] for number in range(10))])
    result = load(database_url, tmp_path).results[0]
    assert result.rows == 5
    assert result.counts["rows left out by triggers"] == 5
    assert any("only_odd" in notice for notice in result.notices)
    with psycopg.connect(database_url) as connection:
        query = "SELECT row_count, counts ->> 'rows left out by triggers' FROM etl_imports"
        assert connection.execute(query).fetchone() == (5, "5")


AFTER = {
    "row": "CREATE TRIGGER thins AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION thin()",
    "statement": "CREATE TRIGGER thins AFTER INSERT ON t EXECUTE FUNCTION thin()",
    "deferred": "CREATE CONSTRAINT TRIGGER thins AFTER INSERT ON t INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION thin()",
}


@pytest.mark.parametrize("trigger", AFTER.values(), ids=AFTER)
def test_rows_that_an_after_trigger_deletes_are_counted(trigger: str, database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer)",
        "CREATE FUNCTION thin() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM t WHERE id % 2 = 0; RETURN NULL; END'",
        trigger,
    )
    for name, first in (("a", 0), ("b", 10)):
        write_workbook(tmp_path / f"data/t/{name}.xlsx", [["id"], *([first + number] for number in range(9))])
    results = load(database_url, tmp_path).results
    assert [(result.rows, result.counts["rows left out by triggers"]) for result in results] == [(4, 5), (4, 5)]
    assert all("thins" in str(result.notices) for result in results)
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    assert [table.differences for table in verify(config).tables] == [()]


@pytest.mark.parametrize("kind", ["TRIGGER thins", "CONSTRAINT TRIGGER thins"], ids=["statement", "deferred"])
@pytest.mark.parametrize("mode", ["key: [id]", "mode: snapshot"])
def test_keyed_rows_that_an_after_trigger_deletes_are_counted(
    mode: str, kind: str, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text(f"t:\n  {mode}\n")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "v"], *([number, 0] for number in range(4))])
    assert load(database_url, tmp_path).exit_code == 0
    execute(
        database_url,
        "CREATE FUNCTION thin() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM t WHERE id % 2 = 0 AND v = 1; RETURN NULL; END'",
        f"CREATE {kind} AFTER INSERT OR UPDATE ON t"
        f" {'INITIALLY DEFERRED FOR EACH ROW' if 'CONSTRAINT' in kind else ''} EXECUTE FUNCTION thin()",
    )
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "v"], *([number, 1] for number in range(2, 8))])
    result = next(result for result in load(database_url, tmp_path).results if result.rows)
    assert (result.rows, result.counts["rows left out by triggers"]) == (3, 3)
    assert "thins" in str(result.notices)
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    (table,) = verify(config).tables
    assert DifferenceKind.MISSING not in {one.kind for one in table.differences}


@pytest.mark.parametrize("trigger", AFTER.values(), ids=AFTER)
def test_after_trigger_that_keeps_rows_is_not_named(trigger: str, database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer)",
        "CREATE FUNCTION thin() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        trigger,
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    (result,) = load(database_url, tmp_path).results
    assert (result.rows, dict(result.counts), result.notices) == (2, {}, ())


STRAYING = {
    "time": "new.load_timestamp = now()",
    "file": "IF new.id = 1 THEN new.source_file = NULL; END IF",
}


@pytest.mark.parametrize("change", STRAYING.values(), ids=STRAYING)
def test_trigger_that_changes_lineage_fails_the_file(change: str, database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)",
        f"CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change}; RETURN new; END $$",
        "CREATE TRIGGER stamps BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stamp()",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    failure = load(database_url, tmp_path).results[0].failure
    assert failure is not None
    assert "stamps" in failure.message
    assert "load_timestamp" in failure.message
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


MOVING = {
    "to a child": ("BEFORE", "INSERT INTO k VALUES (new.*); RETURN NULL", 2),
    "twice": ("AFTER", "IF pg_trigger_depth() = 1 THEN INSERT INTO t VALUES (new.*); END IF; RETURN NULL", 4),
}


@pytest.mark.parametrize(("moment", "body", "rows"), MOVING.values(), ids=MOVING)
def test_rows_that_a_trigger_inserts_are_counted(
    moment: str, body: str, rows: int, database_url: str, tmp_path: Path
) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)",
        "CREATE TABLE k () INHERITS (t)",
        f"CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$",
        f"CREATE TRIGGER moves {moment} INSERT ON t FOR EACH ROW EXECUTE FUNCTION move()",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    (result,) = load(database_url, tmp_path).results
    assert result.rows == rows
    assert ("moves" in str(result.notices)) is (rows > 2)
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    assert [table.differences for table in verify(config).tables] == [()]
    revert(config, UndoRequest(source_file="t/a.xlsx"))
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_trigger_of_a_partition_is_named(database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer, source_file text, load_timestamp timestamp) PARTITION BY LIST (id)",
        "CREATE TABLE p PARTITION OF t DEFAULT",
        "CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER drops BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION leave_out()",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    (result,) = load(database_url, tmp_path).results
    assert result.rows == 0
    assert "(drops)" in str(result.notices)


def test_computed_lineage_column_is_named_as_computed(database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE TABLE t (id integer, source_file text GENERATED ALWAYS AS ('x') STORED, load_timestamp timestamp)",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    failure = load(database_url, tmp_path).results[0].failure
    assert failure is not None
    assert "source_file is computed by the table" in failure.message


NAMESAKES = {
    "an enum type": "CREATE TYPE t AS ENUM ('a')",
    "a domain": "CREATE DOMAIN t AS integer",
    "a composite type": "CREATE TYPE t AS (a integer)",
    "a range type": "CREATE TYPE t AS RANGE (SUBTYPE = integer)",
    "a type": "CREATE TYPE t",
    "a view": "CREATE VIEW t AS SELECT 1 AS a",
    "a sequence": "CREATE SEQUENCE t",
    "an index": "CREATE TABLE x (a integer); CREATE INDEX t ON x (a)",
}


@pytest.mark.parametrize("options", ["", "t:\n  key: [id]\n"], ids=["plain", "keyed"])
@pytest.mark.parametrize("kind", NAMESAKES)
def test_object_with_the_tables_name_is_named(kind: str, options: str, database_url: str, tmp_path: Path) -> None:
    execute(database_url, NAMESAKES[kind])
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text(options)
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    for failure in (plan(config).files[0].failure, load(database_url, tmp_path).results[0].failure):
        assert failure is not None
        assert failure.message.startswith(f"t is {kind}")
        assert "table:" in str(failure.hint)


@pytest.mark.parametrize("kind", NAMESAKES)
def test_object_with_the_companions_name_is_named(kind: str, database_url: str, tmp_path: Path) -> None:
    execute(database_url, re.sub(r"\bt\b", "t_replaced", NAMESAKES[kind]))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  key: [id]\n")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    for failure in (plan(config).files[0].failure, load(database_url, tmp_path).results[0].failure):
        assert failure is not None
        assert "t_replaced is there already" in failure.message
        assert "rename t_replaced" in str(failure.hint)


def test_array_type_of_another_table_gives_its_name(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("b:\n  table: _t\n")
    for folder in ("t", "b"):
        write_workbook(tmp_path / f"data/{folder}/a.xlsx", [["id"], [1 if folder == "t" else 2]])
    assert load(database_url, tmp_path).exit_code == 0


def test_error_of_an_event_trigger_names_its_kind(database_url: str, tmp_path: Path) -> None:
    execute(
        database_url,
        "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no DDL today'; END $$",
        "CREATE EVENT TRIGGER refuses ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION no()",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    with pytest.raises(PgDataHubError, match="no DDL today") as caught:
        load(database_url, tmp_path)
    assert "trigger or function of the database" in str(caught.value.hint)


def test_lost_connection_of_a_trigger_fails_its_file_only(database_url: str, tmp_path: Path) -> None:
    # As dblink and postgres_fdw raise it in a trigger if their server is away.
    execute(
        database_url,
        "CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)",
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'could not connect to there' USING ERRCODE = '08001'; END $$",
        "CREATE TRIGGER tell BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tell()",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    write_workbook(tmp_path / "data/u/a.xlsx", [["id"], [1]])
    refused, loaded = load(database_url, tmp_path).results
    assert loaded.failure is None
    assert refused.failure is not None
    assert refused.failure.where == "Sheet1 › row 2"
    assert "could not connect to there (SQLSTATE 08001)" in refused.failure.message
    assert "trigger or function of the database" in str(refused.failure.hint)


@pytest.mark.parametrize("action", ["", "ON DELETE RESTRICT", "INITIALLY DEFERRED"])
def test_foreign_key_that_refuses_a_delete_is_named(action: str, database_url: str, tmp_path: Path) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    assert load(database_url, tmp_path).exit_code == 0
    execute(
        database_url,
        "ALTER TABLE t ADD UNIQUE (id)",
        f"CREATE TABLE notes (id integer CONSTRAINT of_t REFERENCES t (id) {action})",
        "INSERT INTO notes VALUES (1)",
    )
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    with pytest.raises(PgDataHubError) as caught:
        revert(config, UndoRequest(source_file="t/a.xlsx"))
    assert "nothing was undone" in caught.value.message
    assert "of_t" in caught.value.message
    assert "the rows that refer to" in str(caught.value.hint)
    assert "notes" in str(caught.value)


GUARDS = {
    "trigger": "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN IF old.id = 2 THEN RETURN NULL; END IF; IF tg_op = ''DELETE'' THEN RETURN old; END IF; RETURN new; END';"
    "CREATE TRIGGER keeps BEFORE DELETE OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION keep()",
    "rule": "CREATE RULE keeps AS ON DELETE TO t WHERE old.id = 2 DO INSTEAD NOTHING",
    "trigger of a partition": "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TABLE p (LIKE t); ALTER TABLE p INHERIT t; INSERT INTO p SELECT * FROM t; DELETE FROM ONLY t;"
    "CREATE TRIGGER keeps BEFORE DELETE ON p FOR EACH ROW EXECUTE FUNCTION keep()",
}


@pytest.mark.parametrize(
    ("guard", "options"),
    [
        ("trigger", ""),
        ("rule", ""),
        ("trigger of a partition", ""),
        ("trigger", "  key: [id]\n"),
        ("trigger", "  mode: snapshot\n"),
    ],
)
def test_rows_that_the_table_keeps_are_neither_doubled_nor_lost(
    guard: str, options: str, database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text(f"t:\n  on_changed: replace\n{options}")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id", "v"], [1, 1], [2, 2], [3, 3]])
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "v"], [2, 5], [4, 4]])
    assert load(database_url, tmp_path).exit_code == 0
    execute(database_url, GUARDS[guard])
    query = "SELECT (id, v, source_file, load_timestamp)::text FROM t ORDER BY 1"
    with psycopg.connect(database_url) as connection:
        before = connection.execute(query.encode()).fetchall()
        write_workbook(tmp_path / "data/t/b.xlsx", [["id", "v"], [2, 6], [4, 4]])
        write_workbook(tmp_path / "data/t/a.xlsx", [["id", "v"], [1, 10], [2, 20], [3, 3]])
        failures = [result.failure for result in load(database_url, tmp_path).results if result.failure]
        assert failures
        assert all("did not let" in failure.message and "keeps" in failure.message for failure in failures)
        config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
        with pytest.raises(PgDataHubError, match="keeps"):
            revert(config, UndoRequest(source_file="t/b.xlsx"))
        after = connection.execute(query.encode()).fetchall()
    if not options:
        assert after == before
    assert [table.differences for table in verify(config).tables] == [()]


@pytest.mark.parametrize(("action", "left"), [("CASCADE", []), ("SET NULL", [(None,)]), ("SET DEFAULT", [(2,)])])
def test_rows_that_a_foreign_key_changes_are_announced(
    action: str, left: list[tuple[int | None]], database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  on_changed: replace\n")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], [2]])
    assert load(database_url, tmp_path).exit_code == 0
    execute(
        database_url,
        "ALTER TABLE t ADD UNIQUE (id)",
        f"CREATE TABLE notes (id integer DEFAULT 2 CONSTRAINT of_t REFERENCES t (id) ON DELETE {action})",
        "INSERT INTO notes VALUES (1)",
    )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [3]])
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    planned = next(file.notices for file in plan(config).files if file.action == "load")
    loaded = next(result.notices for result in load(database_url, tmp_path).results if result.rows and result.notices)
    for notices in (planned, loaded):
        assert any(f"notes (of_t: ON DELETE {action})" in notice for notice in notices)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id FROM notes").fetchall() == left
    undone = revert(config, UndoRequest(source_file="t/a.xlsx"), dry_run=True)
    assert any(
        f"deleted rows change with them, in notes (of_t: ON DELETE {action})" in one for one in undone.plan.notes
    )
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  on_missing: revert\n")
    (tmp_path / "data/t/a.xlsx").unlink()
    config = load_config(overrides={"database_url": database_url, "workers": 1}, directory=tmp_path)
    for (missing,) in (plan(config).missing, load(database_url, tmp_path).missing):
        assert f"notes (of_t: ON DELETE {action})" in missing.sentence
