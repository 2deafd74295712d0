"""Mistakes outside the workbooks: each is one clear line and the exit code that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

pytestmark = pytest.mark.integration

PASSWORD = "s3cret"


# ── databases ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def role(place: Place) -> Iterator[str]:
    """A role with a password and no rights in the database but to connect."""
    (name,) = place.query("SELECT 'role_' || current_database()")[0]
    assert place.url is not None
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(PASSWORD))
        )
        # Until PostgreSQL 14 everyone could create tables in public.
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        yield name
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def url_as(place: Place, role: str, password: str) -> str:
    """Return the URL of the database for another role."""
    assert place.url is not None
    parts = urlsplit(place.url)
    place_of = parts.netloc.rpartition("@")[2]
    query = {key: values[0] for key, values in parse_qs(parts.query).items() if key != "passfile"}
    rest = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())
    return f"{parts.scheme}://{role}:{password}@{place_of}{parts.path}" + (f"?{rest}" if rest else "")


@pytest.mark.usefixtures("role")
def test_a_wrong_password_is_one_line_that_does_not_show_it(place: Place, role: str) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    url = url_as(place, role, "wrong-s3cret")
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        done = place.run("run", DATABASE_URL=url)
        assert done.code == 3
        assert "password authentication failed" in done.error
        assert "DATABASE_URL" in done.error
    else:
        pytest.skip("this server asks for no password")


def test_a_closed_port_is_one_line(place: Place) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    done = place.run("run", DATABASE_URL=f"postgresql://anna:{PASSWORD}@127.0.0.1:1/shop")
    assert done.code == 3
    assert "127.0.0.1" in done.error
    assert "refused" in done.error
    assert "is the server running" in done.error


def test_a_host_that_nobody_knows_is_one_line(place: Place) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    done = place.run("run", DATABASE_URL=f"postgresql://anna:{PASSWORD}@nowhere.invalid/shop")
    assert done.code == 3
    assert "nowhere.invalid" in done.error


def test_a_missing_database_is_one_line(place: Place) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    assert place.url is not None
    done = place.run(
        "run",
        DATABASE_URL=re.sub(r"(//[^/]*/)[^?]*", r"\g<1>nosuchdatabase", place.url),
    )
    assert done.code == 3
    assert '"nosuchdatabase" does not exist' in done.error
    assert "create the database" in done.error


def test_a_role_that_may_not_create_tables_is_one_line(place: Place, role: str) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    done = place.run("run", DATABASE_URL=url_as(place, role, PASSWORD))
    assert done.code == 3
    assert "permission denied for schema public" in done.error
    assert "grant" in done.error


def test_a_role_with_rights_in_a_schema_of_its_own_loads_there(place: Place, role: str) -> None:
    assert place.url is not None
    with psycopg.connect(place.url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA own AUTHORIZATION {}").format(sql.Identifier(role)))
    place.write("a/a.xlsx", [["a"], [1]])
    done = place.run("run", "--schema", "own", DATABASE_URL=url_as(place, role, PASSWORD))
    assert done.code == 0, done.err
    assert PASSWORD not in done.err + done.out
    assert place.query("SELECT a FROM own.a") == [(1,)]


def test_missing_privilege_on_one_table_fails_only_its_file(place: Place, role: str) -> None:
    assert place.url is not None
    with psycopg.connect(place.url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA own AUTHORIZATION {}").format(sql.Identifier(role)))
        connection.execute("CREATE SCHEMA theirs")
    (place.directory / "config").mkdir()
    (place.directory / "config" / "etl_config.yaml").write_text("a:\n  schema: theirs\n")
    place.write("a/a.xlsx", [["a"], [1]])
    place.write("b/b.xlsx", [["b"], [2]])
    done = place.run("run", "--schema", "own", DATABASE_URL=url_as(place, role, PASSWORD))
    assert done.code == 1, done.err
    assert "failed  a/a.xlsx: permission denied for schema theirs" in done.err
    assert place.query("SELECT b FROM own.b") == [(2,)]
    assert not (place.directory / ".etl_pause.json").exists()


def test_a_url_of_libpqs_keywords_works_the_same(place: Place) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    assert place.url is not None
    done = place.run("run", "-q", DATABASE_URL=make_conninfo(place.url))
    assert (done.code, done.err) == (0, "")


def test_libpq_environment_names_the_server_without_a_setting(
    place: Place,
) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    with psycopg.connect(place.url or "") as connection:
        parameters = {**connection.info.get_parameters(), "password": connection.info.password}
    names = {
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "dbname": "PGDATABASE",
        "passfile": "PGPASSFILE",
        "password": "PGPASSWORD",
    }
    environment = {names[key]: value for key, value in parameters.items() if key in names and value}
    done = place.run("run", DATABASE_URL=None, **environment)
    assert done.code == 0, done.err
    assert parameters["dbname"] in done.err.splitlines()[0]
    assert place.query("SELECT a FROM a") == [(1,)]


def test_missing_server_and_programs_give_one_line_with_remedies(
    unserved: Place,
) -> None:
    unserved.write("a/a.xlsx", [["a"], [1]])
    (unserved.directory / "empty").mkdir()
    done = unserved.run("run", PGDATAHUB_PG_BINDIR=str(unserved.directory / "empty"))
    assert done.code == 3
    assert str(unserved.directory / "empty") in done.error


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_wrong_folder_option_names_the_line_and_nearest_key(
    place: Place,
) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    (place.directory / "config").mkdir()
    (place.directory / "config" / "etl_config.yaml").write_text("a:\n  sheet: Sheet1\n  hedaer_row: 2\n")
    done = place.run("run")
    assert done.code == 2
    assert "etl_config.yaml:3" in done.error
    assert "header_row" in done.error
    assert place.query("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ETL_ON_ERROR", "ignore"),
        ("DATABASE_URL", f"mysql://anna:{PASSWORD}@host/shop"),
        ("ETL_SCHEMA", "x" * 64),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(place: Place, variable: str, value: str) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    done = place.run("run", **{variable: value})
    assert done.code == 2
    assert variable in done.error


def test_a_missing_data_root_is_one_line_that_says_what_to_do(place: Place) -> None:
    done = place.run("run")
    assert done.code == 2
    assert str(place.directory / "data") in done.error
    assert "pgdatahub init" in done.error


@pytest.mark.parametrize(
    "arguments", [("run", "--nosuch"), ("run", "--on-error", "ignore"), ("run", "--format", "xml"), ("db", "nosuch")]
)
def test_an_unknown_option_or_value_is_a_mistake_of_usage(unserved: Place, arguments: tuple[str, ...]) -> None:
    (unserved.directory / "data").mkdir()
    done = unserved.run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not (unserved.directory / "home").exists()


def test_setting_in_env_file_counts_and_its_line_is_named(
    place: Place,
) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    env = place.directory / ".env"
    env.write_text("ETL_SCHEMA=from_env\nETL_CHUNK_SIZE=many\n")
    done = place.run("run")
    assert done.code == 2
    assert ".env" in done.error
    env.write_text("ETL_SCHEMA=from_env\n")
    assert place.run("run", "-q").code == 0
    assert place.query("SELECT a FROM from_env.a") == [(1,)]


def test_output_into_a_pipe_that_closes_early_is_no_error(place: Place) -> None:
    import subprocess

    for number in range(3):
        place.write(f"folder {number}/a.xlsx", [["a"], [number]])
    script = " ".join(f"'{part}'" for part in place.command("run", "--format", "json"))
    done = subprocess.run(
        ["bash", "-c", f"{script} | head -c 1; exit ${{PIPESTATUS[0]}}"],
        cwd=place.directory,
        env=place.variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_read_only_working_directory_gives_one_line_or_works(
    place: Place,
) -> None:
    # etl.log has its place there; root may write everywhere, so a file stands where the directory of the state should.
    place.write("a/a.xlsx", [["a"], [1]])
    (place.directory / "state").write_text("a file")
    done = place.run("run", ETL_STATE_DIR=str(Path(place.directory) / "state"))
    assert "Traceback" not in done.err
    if done.code:
        assert "state" in done.error


def test_a_library_that_cannot_be_imported_is_one_line(unserved: Place) -> None:
    """As psycopg reports that no build of libpq fits the system."""
    (unserved.directory / "psycopg.py").write_text(
        r'raise ImportError("no pq wrapper available.\nAttempts made:\n- none")'
    )
    done = unserved.run("plugins", PYTHONPATH=str(unserved.directory))
    assert done.code == 1
    assert "no pq wrapper available; Attempts made; none (install pgdatahub again with " in done.error
