"""Rights that the role lacks, and servers that take no changes: the plan tells them, and the run ends with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from pgdatahub import plan
from pgdatahub.config import Config, load_config
from pgdatahub.errors import DatabaseError, PrivilegeError, TransientDatabaseError
from pgdatahub.model.results import FileResult, StopReason
from pgdatahub.runs.run import run
from pgdatahub.runs.status import status
from tests.integration.runs.conftest import write_workbook
from tests.integration.servers.test_settings import load, set_for_database


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    """A role without any right but to connect."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = f"weak_{connection.info.dbname}"
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'weak'".encode())
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # as from PostgreSQL 15 on
    yield name
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


@pytest.fixture
def weak_url(database_url: str, role: str) -> str:
    with psycopg.connect(database_url) as connection:
        info = connection.info
        return f"postgresql://{role}:weak@{quote(info.host, safe='')}:{info.port}/{info.dbname}"


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def config_of(url: str, directory: Path, **settings: object) -> Config:
    write_workbook(directory / "data/t/a.xlsx", [["id"], [1]])
    return load_config(overrides={"database_url": url, "workers": 1, **settings}, directory=directory)


@pytest.mark.parametrize(
    ("prepared", "told"),
    [
        ("SELECT", "lacks INSERT, DELETE on the table"),
        ("INSERT", "lacks SELECT, DELETE on the table"),
        ("SELECT, INSERT", "lacks DELETE on the table"),
    ],
)
def test_right_on_a_table_that_is_missing_is_foreseen(
    prepared: str, told: str, role: str, weak_url: str, database_url: str, tmp_path: Path
) -> None:
    config = config_of(weak_url, tmp_path)
    execute(
        database_url,
        f"GRANT CREATE ON SCHEMA public TO {role}",
        "CREATE TABLE t (id integer, source_file text, load_timestamp timestamp)",
        f"GRANT {prepared} ON t TO {role}",
    )
    planned = plan(config).files[0].failure
    assert planned is not None
    assert planned.where == "table t"
    assert told in planned.message
    result: FileResult = load(weak_url, tmp_path).results[0]
    assert result.failure is not None
    assert result.failure.kind == "PrivilegeError"


@pytest.mark.parametrize(
    ("schema", "statements", "told"),
    [
        ("public", (), "may not create tables in the schema public"),
        ("closed", ("CREATE SCHEMA closed",), "may not create tables in the schema closed"),
        ("mine", (), "there is no schema mine"),
    ],
)
def test_right_to_create_that_is_missing_is_foreseen(
    schema: str, statements: tuple[str, ...], told: str, weak_url: str, database_url: str, tmp_path: Path
) -> None:
    execute(database_url, *statements)
    config = config_of(weak_url, tmp_path, schema_name=schema)
    planned = plan(config)
    assert any(told in warning for warning in planned.warnings)
    assert planned.files[0].failure is not None
    assert told in planned.files[0].failure.message
    with pytest.raises(PrivilegeError):
        run(config)


def test_role_that_may_not_log_in_is_told(weak_url: str, role: str, database_url: str, tmp_path: Path) -> None:
    execute(database_url, f"ALTER ROLE {role} NOLOGIN")
    with pytest.raises(DatabaseError) as caught:
        run(config_of(weak_url, tmp_path))
    assert not isinstance(caught.value, TransientDatabaseError)
    assert "may log in" in str(caught.value.hint)
    assert caught.value.exit_code == 3


def test_reader_may_plan_what_is_loaded(role: str, weak_url: str, database_url: str, tmp_path: Path) -> None:
    config_of(database_url, tmp_path)
    assert load(database_url, tmp_path).exit_code == 0
    execute(database_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    planned = plan(config_of(weak_url, tmp_path))
    assert [file.action for file in planned.files] == ["skip"]
    assert planned.warnings == ()
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], [2]])
    (warning,) = plan(config_of(weak_url, tmp_path)).warnings
    assert "cannot record its imports in the schema public" in warning
    assert "lacks INSERT on the table" in warning


def test_read_only_database_is_foreseen_and_not_lost(database_url: str, tmp_path: Path) -> None:
    config = config_of(database_url, tmp_path)
    assert load(database_url, tmp_path).exit_code == 0
    write_workbook(tmp_path / "data/t/b.xlsx", [["id"], [2]])
    set_for_database(database_url, default_transaction_read_only="on")
    assert any("default_transaction_read_only" in warning for warning in plan(config).warnings)
    report = run(config)
    assert report.stopped is StopReason.DATABASE_UNUSABLE
    assert report.exit_code == 3
    assert "default_transaction_read_only" in str(report.problem)
    assert [source.identity for source in report.remaining] == ["t/b.xlsx"]
    assert status(config).tables[0].rows == 1
