"""Descriptions of columns become comments, which keep the header that other promises rest on."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pgdatahub import run
from pgdatahub.config import Config, load_config
from pgdatahub.model.events import Notice
from pgdatahub.model.results import RunReport
from pgdatahub.testing.workbooks import PlainValue, make_workbook

NOTE = "\N{EM DASH} "


class Directory:
    """A directory, its settings, and its database."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url, self.files = path, url, 0

    def load(self, yaml: str = "", *, header: tuple[str, ...] = ("Id", "Amount"), adopt: bool = False) -> RunReport:
        """Run with settings for the folder, and a new file."""
        self.files += 1
        rows: list[list[PlainValue]] = [[*header], [*range(self.files, self.files + len(header))]]
        make_workbook(self.path / f"data/sales/{self.files}.xlsx", {"S": rows})
        (self.path / "config").mkdir(exist_ok=True)
        (self.path / "config/etl_config.yaml").write_text(f"sales:\n  on_changed: append\n{yaml}")
        report = run(self.config, adopt=adopt)
        assert report.exit_code == 0
        return report

    @property
    def config(self) -> Config:
        return load_config(directory=self.path, overrides={"database_url": self.url, "workers": 1})

    def query(self, text: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(text.encode())

    def comment(self, column: str, table: str = "sales") -> str | None:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s",
                (table, column),
            ).fetchone()
        assert row is not None
        return row[0]  # type: ignore[no-any-return]


@pytest.fixture
def directory(tmp_path: Path, database_url: str) -> Directory:
    return Directory(tmp_path, database_url)


def described(text: str, key: str = "Amount") -> str:
    return f"  columns:\n    {key}: {{description: {text!r}}}\n"


def test_description_is_below_the_header_in_the_comment(directory: Directory) -> None:
    directory.load(described("Gross,\n   in 'euros'"))
    assert directory.comment("amount") == f"Amount\n{NOTE}Gross, in 'euros'"
    assert directory.comment("id") == "Id"
    directory.load(described("Gross,\n   in 'euros'"), header=("Id", "Amount", "Late"))
    assert directory.comment("late") == "Late"


def test_changed_description_changes_the_comment(directory: Directory) -> None:
    directory.load()
    assert directory.comment("amount") == "Amount"
    directory.load(described("one"))
    assert directory.comment("amount") == f"Amount\n{NOTE}one"
    directory.load(described("two", key="amount"))
    assert directory.comment("amount") == f"Amount\n{NOTE}two"
    directory.load()
    assert directory.comment("amount") == f"Amount\n{NOTE}two"
    directory.load(described(""))
    assert directory.comment("amount") == "Amount"


def test_run_that_skips_all_files_changes_the_comment(directory: Directory) -> None:
    directory.load(header=("Id", "Amount", "AMOUNT"))
    yaml = "sales:\n  columns:\n    Amount: {description: first}\n    amount_2: {description: second}\n"
    (directory.path / "config/etl_config.yaml").write_text(yaml)
    said: list[str] = []
    run(directory.config, reporter=lambda event: said.append(event.text) if isinstance(event, Notice) else None)
    assert directory.comment("amount") == f"Amount\n{NOTE}first"
    assert directory.comment("amount_2") == f"AMOUNT\n{NOTE}second"
    assert "sales: 2 changed descriptions are in comments" in said
    said.clear()
    run(directory.config, reporter=lambda event: said.append(event.text) if isinstance(event, Notice) else None)
    assert not [text for text in said if "description" in text]


def test_description_changes_no_fingerprint(directory: Directory) -> None:
    directory.load()
    (result,) = run(directory.config).results
    (directory.path / "config/etl_config.yaml").write_text(f"sales:\n{described('new')}")
    (again,) = run(directory.config).results
    assert (result.outcome, result.reason) == (again.outcome, again.reason)


def test_comment_that_a_user_wrote_stays_with_a_notice(directory: Directory) -> None:
    directory.load()
    directory.query("COMMENT ON COLUMN sales.amount IS 'mine'")
    report = directory.load(described("one"))
    assert directory.comment("amount") == "mine"
    notices = [notice for file in report.results for notice in file.notices]
    assert "the column amount keeps its comment, which was written by hand, without the description" in map(
        str, notices
    )


def test_column_of_a_user_gets_no_header(directory: Directory) -> None:
    directory.query("CREATE TABLE sales (id int, amount int)")
    directory.load(described("one"))
    assert directory.comment("amount") == f"{NOTE}one"
    directory.load(described("two"))
    assert directory.comment("amount") == f"{NOTE}two"
    directory.load(described(""))
    assert directory.comment("amount") is None


def test_header_of_another_file_stays_in_the_comment(directory: Directory) -> None:
    directory.load(header=("Id", "AMOUNT"))
    directory.load(described("one"))
    assert directory.comment("amount") == f"AMOUNT\n{NOTE}one"


def test_renamed_column_is_found_by_the_header(directory: Directory) -> None:
    directory.load(described("one"))
    directory.query("ALTER TABLE sales RENAME amount TO total")
    make_workbook(directory.path / "data/sales/9.xlsx", {"S": [["Id", "Amount"], [9, 9]]})
    (failed,) = (one for one in run(directory.config).results if one.failure is not None)
    assert failed.failure is not None
    assert 'the column amount was renamed to total by hand: its comment still is "Amount"' in failed.failure.message


def test_lost_history_is_rebuilt_with_descriptions(directory: Directory) -> None:
    directory.load(described("one"))
    directory.query("DROP TABLE etl_imports, etl_schema_changes, etl_failures, etl_quarantine, etl_tables")
    report = run(directory.config, adopt=True)
    assert report.exit_code == 0
    with psycopg.connect(directory.url) as connection:
        kinds = connection.execute("SELECT DISTINCT change_type FROM etl_schema_changes").fetchall()
    assert kinds == [("create_table",)]
