"""``inspect`` on files that a run would refuse, and on things that are not files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import xlsxwriter
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.config import load_config
from pgdatahub.errors import ConfigError, CorruptError
from pgdatahub.load.staging.file_hash import hash_file
from pgdatahub.runs.inspect import inspect
from pgdatahub.testing import source_file
from pgdatahub.testing.workbooks import make_workbook

CASES = Path(__file__).parents[2] / "cases"


@pytest.mark.parametrize(("name", "exit_code"), [("s15_dup_cell", 1), ("s06_booleans", 0), ("first_sheet_unlinked", 1)])
@pytest.mark.parametrize("output", ["text", "json"])
def test_inspect_exits_1_where_a_run_would_refuse(
    name: str, exit_code: int, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        create_app(only="inspect"), ["inspect", str(CASES / f"{name}.xlsx"), "--format", output]
    )
    assert result.exit_code == exit_code, result.output


def test_inspect_refuses_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe.xlsx")
    result = CliRunner().invoke(create_app(only="inspect"), ["inspect", "pipe.xlsx"])
    assert isinstance(result.exception, ConfigError)
    assert "not a file" in str(result.exception)


def test_sparse_file_is_refused_before_it_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "huge.xlsx"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(300 * 10**9)
    with pytest.raises(CorruptError, match=r"300,000,000,000 bytes only"):
        hash_file(source_file(path))


def test_failure_names_all_cells_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data" / "sales" / "a.xlsx"
    path.parent.mkdir(parents=True)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "etl_config.yaml").write_text("sales:\n  errors: fail\n", encoding="utf-8")
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet("S")
    for column, rows in enumerate(((3, 5), (4,))):
        sheet.write(0, column, f"h{column}")
        for row in range(1, 8):
            sheet.write(row, column, row)
        for row in rows:
            sheet.write_formula(row, column, "=1/0", None, "#DIV/0!")
    workbook.close()
    result = CliRunner().invoke(create_app(only="inspect"), ["inspect", str(path)])
    assert result.exit_code == 1
    assert "S › A4" in result.output
    assert "S › A6" in result.output
    assert "S › B5" in result.output


def test_a_file_outside_the_data_root_has_the_roots_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "etl_config.yaml").write_text("default_sheet: Two\n", encoding="utf-8")
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        for name in ("One", "Two"):
            book.add_worksheet(name).write_column(0, 0, ["head", 1])
    inspection = inspect(load_config(), Path("a.xlsx"))
    assert {sheet.name: sheet.chosen for sheet in inspection.sheets} == {"One": False, "Two": True}


def test_several_files_are_inspected_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = [str(CASES / f"{name}.xlsx") for name in ("s06_booleans", "z02_leading_newline")]
    (tmp_path / "broken.xlsx").write_bytes(b"PK")
    runner = CliRunner()
    both = runner.invoke(create_app(only="inspect"), ["inspect", *files, "--format", "json"])
    assert both.exit_code == 0
    assert [one["file"] for one in json.loads(both.output)] == [Path(file).name for file in files]
    mixed = runner.invoke(create_app(only="inspect"), ["inspect", "broken.xlsx", files[0]])
    assert mixed.exit_code == 1
    assert "s06_booleans.xlsx → table" in mixed.output
    assert "error: broken.xlsx" in mixed.output


def test_rows_with_faults_are_counted(tmp_path: Path) -> None:
    path = make_workbook(tmp_path / "data" / "f" / "a.xlsx", {"S": [["a", "b"], [1, 1], ["x", 2], [-1, 2], [2, 3]]})
    settings = tmp_path / "etl.yaml"
    settings.write_text(
        "f:\n  on_bad: quarantine\n  min_rows: 9\n  columns: {a: {type: integer, min: 0}, b: {unique: true}}\n"
    )
    config = load_config(config_file=settings, overrides={"data_root": str(tmp_path / "data")})
    (sheet,) = inspect(config, path).sheets
    key = "rows with a fault (pgdatahub check names the cells)"
    assert (sheet.rows, sheet.counts[key], sheet.examples[key]) == (2, 2, "S!A3")
    assert sheet.notices == (
        "not looked at here, but by a run and pgdatahub check: equal values and the number of rows",
    )
