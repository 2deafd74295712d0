"""CSV files through a whole run, into a table of a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import pgdatahub
from pgdatahub.testing import make_workbook, temporary_database


@pytest.fixture
def database_url() -> Iterator[str]:
    with temporary_database() as url:
        yield url


def test_csv_files_and_workbooks_meet_in_one_table(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "sales"
    make_workbook(folder / "january.xlsx", {"Sales": [["id", "amount", "day"], [1, 2.5, None]]})
    (folder / "february.csv").write_text("id;amount;day\n2;3.5;2024-02-29\n007;;\n", encoding="utf-8")
    config = pgdatahub.load_config(
        overrides={"database_url": database_url, "data_root": str(tmp_path / "data"), "state_dir": str(tmp_path)},
        directory=tmp_path,
    )
    report = pgdatahub.run(config)
    assert [result.failure for result in report.results] == [None, None]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT id, amount, day::text FROM sales ORDER BY id").fetchall()
    # One id is not a number, so the column is TEXT; the others read as they did.
    assert rows == [("007", None, None), ("1", 2.5, None), ("2", 3.5, "2024-02-29")]
    assert {result.outcome.value for result in pgdatahub.run(config).results} == {"skipped"}
