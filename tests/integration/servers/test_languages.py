"""Errors are known by SQLSTATE, class and state: a server that speaks German changes no meaning."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgdatahub import plan
from pgdatahub.config import load_config
from pgdatahub.errors import DatabaseError, PgDataHubError, TransientDatabaseError
from pgdatahub.model.results import StopReason
from pgdatahub.postgres.server.connect import open_connection
from pgdatahub.postgres.server.engine import translate
from pgdatahub.runs.run import resume, run
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.runs.conftest import write_workbook
from tests.servers import (
    PASSWORD,
    as_standby,
    debian_binaries,
    free_port,
    pgbouncer,
    pgbouncer_program,
    running_server,
)


@pytest.fixture(scope="module")
def german() -> Iterator[str]:
    """The URL of a server with German messages."""
    binaries = debian_binaries()
    if binaries is None or not list(Path("/usr/share/locale/de/LC_MESSAGES").glob("postgres-*.mo")):
        pytest.skip("there is no PostgreSQL with German messages")
    # LANGUAGE needs a locale other than C, and no German one.
    variables = {"LC_ALL": "C.UTF-8", "LANGUAGE": "de"}
    with running_server(binaries, variables=variables, parameters={"lc_messages": "C.UTF-8"}) as url:
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.UndefinedTable, match="existiert nicht"):
            connection.execute("SELECT FROM missing")
        yield url


def reason(url: str) -> PgDataHubError:
    with pytest.raises(PgDataHubError) as caught:
        open_connection(url)
    return caught.value


def test_wrong_password_in_german_is_not_retried(german: str) -> None:
    error = reason(german.replace(PASSWORD, "wrong"))
    assert type(error) is DatabaseError
    assert error.hint == "check the user and the password in DATABASE_URL"
    assert "fehlgeschlagen" in error.message


def test_address_that_pg_hba_refuses_in_german_is_named(german: str) -> None:
    with psycopg.connect(german, autocommit=True) as connection:
        (file,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(file).read_text()
        connection.execute("CREATE DATABASE barred")
        try:
            Path(file).write_text(f"host barred all all reject\n{rules}")
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.3)
            error = reason(f"{german.rpartition('/')[0]}/barred")
        finally:
            Path(file).write_text(rules)
            connection.execute("SELECT pg_reload_conf()")
    assert type(error) is DatabaseError
    assert "pg_hba.conf" in str(error.hint)
    assert "barred" in error.message


def test_standby_in_german_is_named_by_run_plan_and_revert(german: str, tmp_path: Path) -> None:
    binaries = debian_binaries()
    assert binaries is not None
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    config = load_config(overrides={"database_url": german, "workers": 1}, directory=tmp_path)
    assert run(config).exit_code == 0
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], [2]])
    with as_standby(binaries, german):
        report = run(config)
        warnings = plan(config).warnings
        with pytest.raises(DatabaseError, match="standby"):
            revert(config, UndoRequest(source_file="t/a.xlsx"))
        assert verify(config).tables[0].differences == ()
    assert report.stopped is StopReason.DATABASE_UNUSABLE
    assert "standby" in str(report.problem)
    assert any("standby" in warning for warning in warnings)
    assert resume(config).exit_code == 0


def test_missing_database_in_german_is_named_as_such(german: str) -> None:
    error = reason(f"{german}_missing")
    assert type(error) is DatabaseError
    assert "create the database" in str(error.hint)


def test_closed_database_in_german_is_named_as_such(german: str) -> None:
    with psycopg.connect(german, autocommit=True) as connection:
        connection.execute("CREATE DATABASE closed ALLOW_CONNECTIONS false")
    error = reason(f"{german.rpartition('/')[0]}/closed")
    assert type(error) is DatabaseError
    assert "ALLOW_CONNECTIONS" in str(error.hint)


def test_missing_password_in_german_is_asked_for(german: str) -> None:
    error = reason(german.replace(f":{PASSWORD}", ""))
    assert type(error) is DatabaseError
    assert "add the password" in str(error.hint)


def test_full_server_in_german_is_transient(german: str) -> None:
    with psycopg.connect(german, autocommit=True) as connection:
        connection.execute("CREATE ROLE single LOGIN CONNECTION LIMIT 1 PASSWORD 'single'")
    url = german.replace(f"postgres:{PASSWORD}", "single:single")
    with psycopg.connect(url):
        assert isinstance(reason(url), TransientDatabaseError)


def test_connection_cut_in_german_is_transient(german: str) -> None:
    with psycopg.connect(german) as connection:
        with psycopg.connect(german, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT 1")
        assert isinstance(translate(caught.value), TransientDatabaseError)


def test_commit_that_a_pooler_answers_twice_is_transient(german: str) -> None:
    if pgbouncer_program() is None:
        pytest.skip("PgBouncer is not installed (Debian's package pgbouncer)")
    with pgbouncer(german, "transaction", pool_size=2) as pooled:
        connection = psycopg.connect(pooled, prepare_threshold=None)
        (process,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        with psycopg.connect(german, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [process])
            time.sleep(0.3)  # until the pooler has told the client
        with pytest.raises(psycopg.Error) as caught:
            connection.commit()
        connection.close()
    assert isinstance(translate(caught.value), TransientDatabaseError)


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ("sslmode=require", "sslmode"),
        ("sslmode=require&sslnegotiation=direct", "sslnegotiation"),
        ("schema=raw", "ETL_SCHEMA"),
        ("pgbouncer=true&schema=raw", "for a pooler; ETL_SCHEMA"),
        ("sslmode=sometimes", "parameters of the connection"),
        ("channel_binding=require", "does not meet channel_binding"),
        ("options=-cstatement_timeout%3Dsoon", "session's settings"),
        ("options=-cnot_a_setting%3D1", "session's settings"),
        ("options=--no-value", "session's settings"),
        ("keepalives=often", "keepalives="),
        ("hostaddr=999.1.1.1", "host="),
    ],
)
def test_parameter_that_cannot_be_is_a_lasting_error(german: str, parameters: str, hint: str) -> None:
    error = reason(f"{german}?{parameters}")
    assert type(error) is DatabaseError
    assert hint in str(error.hint)


def test_server_that_may_become_the_wanted_one_is_transient(german: str) -> None:
    error = reason(f"{german}?target_session_attrs=standby")
    assert isinstance(error, TransientDatabaseError)
    assert "target_session_attrs" in str(error.hint)


def test_server_that_is_away_is_transient() -> None:
    error = reason(f"postgresql://u@127.0.0.1:{free_port()}/d")
    assert isinstance(error, TransientDatabaseError)


def test_demand_for_gssapi_that_cannot_be_met_is_a_lasting_error(database_url: str) -> None:
    error = reason(make_conninfo(database_url, gssencmode="require", krbsrvname="nowhere"))
    assert type(error) is DatabaseError
    assert "gssencmode" in str(error)


def test_local_socket_with_gssapi_is_a_lasting_error(tmp_path: Path) -> None:
    error = reason(f"host={tmp_path} gssencmode=require")
    assert type(error) is DatabaseError
    assert "gssencmode" in str(error)


def test_too_long_path_of_a_socket_is_a_lasting_error() -> None:
    error = reason(f"host=/tmp/{'x' * 110}")
    assert type(error) is DatabaseError
    assert "shorter path" in str(error.hint)


def test_socket_without_a_server_is_transient(tmp_path: Path) -> None:
    assert isinstance(reason(f"host={tmp_path}"), TransientDatabaseError)


def test_impossible_name_of_a_host_is_a_lasting_error() -> None:
    error = reason(f"postgresql://u@{'x' * 64}/d")
    assert type(error) is DatabaseError
    assert error.hint == "check the host in DATABASE_URL"


@pytest.mark.parametrize("text", ["service=nowhere", "host=127.0.0.1 port=junk", "postgresql://u@nohost.invalid/d"])
def test_address_that_cannot_be_is_a_lasting_error(text: str) -> None:
    assert type(reason(text)) is DatabaseError
