"""CSV files through whole runs, into tables of a real server; the plugin must be installed."""

from __future__ import annotations

import gzip
import os
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


def configured(database_url: str, directory: Path, folders: str = "") -> pgdatahub.Config:
    if folders:
        (directory / "config").mkdir(exist_ok=True)
        (directory / "config" / "etl_config.yaml").write_text(folders, encoding="utf-8")
    return pgdatahub.load_config(
        overrides={"database_url": database_url, "data_root": str(directory / "data"), "state_dir": str(directory)},
        directory=directory,
    )


def failures(report: pgdatahub.RunReport) -> dict[str, str]:
    return {
        result.source.identity: f"{result.failure.where} › {result.failure.message}"
        for result in report.results
        if result.failure
    }


def test_csv_files_and_workbooks_meet_in_one_table(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "sales"
    make_workbook(folder / "january.xlsx", {"Sales": [["id", "amount", "day"], [1, 2.5, None]]})
    (folder / "february.csv").write_text("id;amount;day\n2;3.5;2024-02-29\n007;;\n", encoding="utf-8")
    config = configured(database_url, tmp_path)
    report = pgdatahub.run(config)
    assert [result.failure for result in report.results] == [None, None]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT id, amount, day::text FROM sales ORDER BY id").fetchall()
    # One id is not a number, so the column is TEXT; the others read as they did.
    assert rows == [("007", None, None), ("1", 2.5, None), ("2", 3.5, "2024-02-29")]
    assert {result.outcome.value for result in pgdatahub.run(config).results} == {"skipped"}


def test_reverted_csv_leaves_the_table_of_the_others(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "towns"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,people\n1,100\n", encoding="utf-8")
    (folder / "b.tsv.gz").write_bytes(gzip.compress("id\tpeople\tmayor\n2\tn/a\tÖzgür\n".encode()))
    config = configured(database_url, tmp_path)
    assert failures(pgdatahub.run(config)) == {}
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id, people, mayor FROM towns ORDER BY id").fetchall() == [
            (1, "100", None),
            (2, "n/a", "Özgür"),
        ]
    request = pgdatahub.UndoRequest(source_file="towns/b.tsv.gz", rows=True, schema=True)
    assert pgdatahub.revert(config, request).done
    with psycopg.connect(database_url) as connection:
        columns = connection.execute("SELECT * FROM towns").fetchall()
        assert [row[:2] for row in columns] == [(1, 100)]
        assert len(columns[0]) == 4, "mayor is gone; source_file and load_timestamp stay"


def test_same_rows_in_another_encoding_are_skipped(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "towns"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id;name\n1;Köln\n", encoding="utf-8")
    (folder / "b.csv").write_text("id,name\r\n1,Köln\r\n", encoding="utf-16")
    (folder / "c.csv").write_text('"id"|"name"\n"1"|"Köln"\n', encoding="cp1252")
    make_workbook(folder / "d.xlsx", {"Towns": [["id", "name"], [1, "Köln"]]})
    report = pgdatahub.run(configured(database_url, tmp_path, "towns:\n  encoding: cp1252\n"))
    assert sorted(result.outcome.value for result in report.results) == ["loaded", "skipped", "skipped", "skipped"]


def test_bad_csv_fails_alone_and_names_its_row(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "towns"
    folder.mkdir(parents=True)
    (folder / "good.csv").write_text("id,price\n1,1.50\n", encoding="utf-8")
    (folder / "nul.csv").write_text("id,price\n" + "1,2.5\n" * 20_000 + "2,\0\n", encoding="utf-8")
    (folder / "word.csv").write_text('id,price\n1,"two\nlines"\n2,n/a\n', encoding="utf-8")
    settings = "towns:\n  delimiter: comma\n  columns:\n    price: {type: numeric}\n"
    report = pgdatahub.run(configured(database_url, tmp_path, settings))
    told = failures(report)
    assert sorted(told) == ["towns/nul.csv", "towns/word.csv"]
    assert told["towns/nul.csv"].startswith("row 20002 › the row has a NUL character")
    assert told["towns/word.csv"].startswith("word.csv › B2 › ")
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id, price::text FROM towns").fetchall() == [(1, "1.5")]


@pytest.mark.skipif("PGDATAHUB_HEAVY" not in os.environ, reason="takes a minute; PGDATAHUB_HEAVY=1 runs it")
def test_a_million_rows_are_loaded(database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "many"
    folder.mkdir(parents=True)
    with (folder / "many.csv").open("w", encoding="ascii") as file:
        file.write("id,amount,text\n")
        file.writelines(f"{row},{row}.25,row {row}\n" for row in range(1_000_000))
    assert failures(pgdatahub.run(configured(database_url, tmp_path))) == {}
    with psycopg.connect(database_url) as connection:
        totals = connection.execute("SELECT count(*), sum(id), sum(amount), max(length(text)) FROM many").fetchone()
    assert totals == (1_000_000, 499_999_500_000, 499_999_750_000.0, 10)
