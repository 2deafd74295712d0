"""A connection that is lost while the first transaction begins."""

from __future__ import annotations

from pathlib import Path

import pytest

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
