"""Settings of roles and servers that could change what a load does are fixed in each transaction."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import TransactionStatus

from pgdatahub import run
from pgdatahub.config import load_config
from pgdatahub.model.results import RunReport
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.server.engine import create_engine
from pgdatahub.postgres.server.pins import execute_despite_timeout
from pgdatahub.postgres.tables.locks import lock_key
from tests.integration.runs.conftest import write_workbook


def load(url: str, directory: Path) -> RunReport:
    return run(load_config(overrides={"database_url": url, "workers": 1}, directory=directory))


def set_for_database(url: str, **settings: str) -> None:
    """Set parameters for later sessions, and end those that a pooler keeps."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in settings.items():
            # A list stands there as names.
            literals = sql.SQL(", ").join(map(sql.Literal, value.split(", ")))
            connection.execute(
                sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                    sql.Identifier(connection.info.dbname), sql.Identifier(name), literals
                )
            )
        if "TEST_POOLER" in os.environ:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def supported(url: str, name: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT FROM pg_settings WHERE name = %s", [name]).fetchone() is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DateStyle", "SQL, DMY"),
        ("DateStyle", "Postgres, MDY"),
        ("DateStyle", "German"),
        ("IntervalStyle", "iso_8601"),
        ("quote_all_identifiers", "on"),
        ("statement_timeout", "1ms"),
        ("lock_timeout", "1ms"),
        ("transaction_timeout", "20ms"),
        ("idle_in_transaction_session_timeout", "1ms"),
        ("exit_on_error", "on"),
        ("array_nulls", "off"),
        ("transform_null_equals", "on"),
        ("row_security", "off"),
        ("default_transaction_isolation", "repeatable read"),
        ("default_transaction_isolation", "serializable"),
        ("search_path", ""),
        ("client_min_messages", "error"),
    ],
)
def test_setting_changes_nothing(name: str, value: str, database_url: str, tmp_path: Path) -> None:
    if not supported(database_url, name):
        pytest.skip(f"this server has no {name}")
    set_for_database(database_url, **{name: value})
    rows: list[list[object]] = [
        ["id", "when", "what"],
        *([number, number + 0.5, f"n{number}"] for number in range(3000)),
    ]
    write_workbook(tmp_path / "data/t/a.xlsx", rows)
    write_workbook(tmp_path / "data/t/b.xlsx", [["id", "what", "more"], ["x", 5, True]])
    report = load(database_url, tmp_path)
    assert [result.failure for result in report.results] == [None, None]
    assert load(database_url, tmp_path).exit_code == 0
    with psycopg.connect(database_url, autocommit=True, options="-c statement_timeout=0") as connection:
        assert connection.execute("SELECT count(*) FROM public.t").fetchone() == (3001,)
        assert connection.execute("SELECT count(*) FROM public.etl_imports").fetchone() == (2,)


def test_catalog_of_a_user_does_not_stand_before_the_servers(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA evil")
        connection.execute("CREATE TABLE evil.pg_class (x int)")
        connection.execute(
            "CREATE FUNCTION evil.set_config(text, text, bool) RETURNS text LANGUAGE sql AS $$ SELECT 'evil'::text $$"
        )
    set_for_database(database_url, search_path="evil, pg_catalog")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    assert load(database_url, tmp_path).exit_code == 0


def test_trigger_finds_its_tables_by_the_search_path(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE SCHEMA app; CREATE TABLE app.seen (id int)")
        connection.execute("CREATE TABLE public.t (id integer, source_file text, load_timestamp timestamp)")
        connection.execute(
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO seen VALUES (new.id); RETURN new; END $$"
        )
        connection.execute("CREATE TRIGGER note BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()")
    set_for_database(database_url, search_path="app, public")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    assert load(database_url, tmp_path).results[0].failure is None
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id FROM app.seen").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "name",
    ["statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"],
)
def test_session_that_is_kept_has_no_timeout(name: str, database_url: str) -> None:
    if not supported(database_url, name):
        pytest.skip(f"this server has no {name}")
    if "TEST_POOLER" in os.environ:
        pytest.skip("behind a pooler, sessions are the pooler's")
    set_for_database(database_url, **{name: "10s"})
    engine = create_engine(database_url, keep_connection=True)
    connection = engine.take()
    assert connection.execute("SELECT setting FROM pg_settings WHERE name = %s", [name]).fetchone() == ("0",)
    connection.close()


def test_message_that_a_timeout_cancels_is_sent_again(database_url: str) -> None:
    query = b"SELECT CASE WHEN nextval('tries') < 4 THEN pg_sleep(5)::text ELSE 'done' END"
    with psycopg.connect(database_url, autocommit=True, options="-c statement_timeout=100") as connection:
        connection.execute("CREATE SEQUENCE tries")
        assert execute_despite_timeout(connection, query).fetchone() == ("done",)
        execute_despite_timeout(connection, b"BEGIN; " + query.replace(b"4", b"7"))
        assert connection.info.transaction_status is TransactionStatus.INTRANS
        connection.rollback()
        assert connection.execute("SELECT last_value FROM tries").fetchone() == (7,)


def test_wait_for_another_load_has_no_limit(database_url: str, tmp_path: Path) -> None:
    set_for_database(database_url, lock_timeout="50ms")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(TableName(schema="public", name="t"))])
        reports: list[RunReport] = []
        thread = Thread(target=lambda: reports.append(load(database_url, tmp_path)))
        thread.start()
        time.sleep(2.0)
        other.rollback()
        thread.join()
    assert reports[0].exit_code == 0


def test_cancelled_load_names_no_row(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)")
        connection.execute(
            "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF new.id = 2 THEN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF;"
            " RETURN new; END $$"
        )
        connection.execute("CREATE TRIGGER stop BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stop()")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2], [3]])
    failure = load(database_url, tmp_path).results[0].failure
    assert failure is not None
    assert failure.where == "table t"
    assert "statement_timeout" in str(failure.hint)


@pytest.mark.parametrize(
    ("name", "table"),
    [("statement_timeout", "etl_imports"), ("transaction_timeout", "t")],
    ids=["statement", "transaction"],
)
def test_timeout_that_ends_a_load_is_named(name: str, table: str, database_url: str, tmp_path: Path) -> None:
    if not supported(database_url, name):
        pytest.skip(f"this server has no {name}")
    if name == "transaction_timeout" and "TEST_POOLER" in os.environ:
        pytest.skip("a pooler does not hand on the last message of a session that the server ends")
    other = tmp_path / "data/other/a.xlsx"
    write_workbook(other, [["id"], [1]])
    assert load(database_url, tmp_path).exit_code == 0
    other.unlink()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)")
        # A limit for statements counts from the next one, a limit for the transaction at once.
        for function, action, where in (
            ("limit", f"set_config('{name}', '100ms', true)", "t"),
            ("sleep", "pg_sleep(20)", table),
        ):
            connection.execute(
                f"CREATE FUNCTION wait_{function}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN PERFORM {action}; RETURN new; END $$;"
                f"CREATE TRIGGER wait_{function} BEFORE INSERT ON {where} FOR EACH ROW EXECUTE FUNCTION wait_{function}()".encode()
            )
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1], [2]])
    report = load(database_url, tmp_path)
    failures = [result.failure for result in report.results if result.failure]
    told = f"{failures[0].message} ({failures[0].hint})" if failures else str(report.problem)
    assert name in told
    assert [failure.where for failure in failures] in ([], [None])
    assert report.exit_code == (1 if failures else 3)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_read_only_default_is_named(database_url: str, tmp_path: Path) -> None:
    from pgdatahub.errors import DatabaseError

    set_for_database(database_url, default_transaction_read_only="on")
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    with pytest.raises(DatabaseError, match="default_transaction_read_only"):
        load(database_url, tmp_path)
