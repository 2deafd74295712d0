"""A connection that is lost while the first transaction begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pgdatahub.errors import TransientDatabaseError
from pgdatahub.postgres.server.connect import open_connection
from tests.integration.runs.conftest import write_workbook
from tests.integration.servers.test_settings import load
from tests.servers import cutting_proxy


@pytest.mark.parametrize("statement", [b"version()", b"statement_timeout", b"READ ONLY", b"etl_imports"])
def test_connection_lost_in_the_first_transaction_is_retried(
    statement: bytes, database_url: str, tmp_path: Path
) -> None:
    write_workbook(tmp_path / "data/t/a.xlsx", [["id"], [1]])
    with cutting_proxy(database_url, statement) as url:
        assert load(url, tmp_path).exit_code == 0


def test_failure_that_is_gone_at_a_second_look_is_transient(database_url: str) -> None:
    # As when a server completes its start between the two looks; the application's name is in the first message.
    with cutting_proxy(database_url, b"application_name") as url, pytest.raises(TransientDatabaseError):
        open_connection(url)


_TWO_ERRORS = """
import sys
from contextlib import suppress
from pgdatahub.postgres.server.connect import open_connection
with open_connection(sys.stdin.read()) as connection, suppress(ValueError), connection.pipeline():
    connection.execute("SELECT 1/0")
    raise ValueError
"""


def test_errors_that_psycopg_ignores_are_not_printed(database_url: str) -> None:
    command = [sys.executable, "-c", _TWO_ERRORS]
    ended = subprocess.run(command, input=database_url, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr == ""
