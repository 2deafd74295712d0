from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pgdatahub.cli.config import config_command
from pgdatahub.cli.init import init_command
from pgdatahub.config import settings

runner = CliRunner()
app = typer.Typer()
app.command("config")(config_command)
app.command("init")(init_command)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in settings().values():
        monkeypatch.delenv(setting.explained.variable, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def test_config_shows_every_setting_its_value_and_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_SCHEMA", "raw")
    result = runner.invoke(app, ["config"])
    assert result.exit_code == 0
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}
    assert lines["ETL_SCHEMA"] == ["ETL_SCHEMA", "raw", "environment", "ETL_SCHEMA"]
    assert lines["ETL_CHUNK_SIZE"] == ["ETL_CHUNK_SIZE", "10000", "default"]
    assert lines["SKIP_DB"] == ["SKIP_DB", "0", "default"]
    assert {setting.explained.variable for setting in settings().values()} <= set(lines)


def test_config_begins_with_where_the_rows_go() -> None:
    assert runner.invoke(app, ["config"]).stdout.startswith("rows go to: the embedded server\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sales: {nulls: [x]}", ["sales    nulls: x"]),
        ("sales: {errors: blank}", ["sales    the default options"]),
        ("default_sheet: A\nsales: {nulls: [x]}", ["(all)    sheet: A", "sales    sheet: A", "nulls: x"]),
        ("{}", ["every folder is read with the default options"]),
    ],
)
def test_config_lists_no_folder_without_options(text: str, shown: list[str], tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text(text, encoding="utf-8")
    lines = runner.invoke(app, ["config"]).stdout.partition("folder options:")[2].splitlines()[1:]
    told = [line.strip() for line in lines if line.strip() and "─" not in line and not line.startswith("folder ")]
    assert len(told) == len(shown), told
    assert all(line.startswith(start) for line, start in zip(told, shown, strict=True)), told


def test_config_fits_eighty_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETL_SCHEMA", "long_" * 12)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("sales: {nulls: [" + "abc, " * 40 + "]}", encoding="utf-8")
    table = runner.invoke(app, ["config"]).stdout.splitlines()[2:]
    assert max(len(line) for line in table if not line.startswith("folder options:")) <= 80


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize(
    "url", ["postgresql://u:hidden@h/d?sslpassword=hidden", "host=h password=hidden", "host=h password='hid den'"]
)
def test_config_shows_no_password(monkeypatch: pytest.MonkeyPatch, output: str, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    result = runner.invoke(app, ["config", "--format", output])
    assert result.exit_code == 0
    assert "hid" not in result.output
    assert "***" in result.stdout


def test_config_as_json_is_for_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETL_WORKERS", "3")
    monkeypatch.setenv("ETL_SHEMA", "x")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text(
        "default_sheet: A\nsales:\n  2024:\n    columns: {Amount: {type: numeric}}\n", encoding="utf-8"
    )
    result = runner.invoke(app, ["config", "--format", "json"])
    shown = json.loads(result.stdout)
    assert shown["destination"]["kind"] == "embedded"
    assert shown["settings"]["workers"] == {"value": 3, "origin": "environment ETL_WORKERS", "variable": "ETL_WORKERS"}
    assert shown["folders"][1] == {
        "folder": "sales/2024",
        "where": "config/etl_config.yaml:3",
        "options": {"sheet": ["A"], "columns": {"Amount": {"type": "numeric"}}},
    }
    assert "ETL_SHEMA" in result.stderr
    assert shown["notices"]


def test_config_shows_what_a_folder_inherits(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("sales:\n  errors: fail\n  2024: {sheet: [a, b]}\n", encoding="utf-8")
    lines = runner.invoke(app, ["config", "--config", "other.yaml"]).stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("sales/2024"))
    assert "sheet: a, b" in lines[at]
    assert "errors: fail" in lines[at + 1]


def test_init_says_what_it_wrote_and_what_to_type_next(tmp_path: Path) -> None:
    result = runner.invoke(app, ["init", "my project"])
    assert result.exit_code == 0
    assert "my project/.env" in result.stdout
    assert result.stdout.rstrip().endswith("cd 'my project' && pgdatahub run")
    assert (tmp_path / "my project/config/etl_config.yaml").is_file()
    again = runner.invoke(app, ["init", "my project"])
    assert again.exit_code == 0
    assert "kept        my project/.env  (it was there; --force overwrites it)" in again.stdout


def test_init_here_needs_no_change_of_directory() -> None:
    assert runner.invoke(app, ["init"]).stdout.endswith("\n  pgdatahub run\n")
