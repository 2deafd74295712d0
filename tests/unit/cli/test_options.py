"""Options stand where the documentation says, anywhere on the line, and complete in a shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import xlsxwriter
from typer.testing import CliRunner

from pgdatahub.cli import app
from pgdatahub.cli.app import create_app
from pgdatahub.config.registry import settings
from pgdatahub.errors import ConfigError


def test_every_option_of_a_setting_is_taken_by_run() -> None:
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(create_app(), ["run", "--help"]).output
    group = CliRunner(env={"COLUMNS": "200"}).invoke(create_app(), ["--help"]).output
    options = {setting.explained.option for setting in settings().values()} - {None}
    assert "--state-dir" in options
    assert {option for option in options if not re.search(rf"{option}\b", shown + group)} == set()


@pytest.mark.parametrize("command", ["run", "resume", "watch", "status"])
def test_state_dir_is_an_option_of_every_command_that_uses_it(command: str) -> None:
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(create_app(only=command), [command, "--help"]).output
    assert "--state-dir" in shown


@pytest.mark.parametrize("arguments", [["--debug", "inspect", "no.xlsx"], ["inspect", "no.xlsx", "--debug"]])
def test_debug_may_stand_before_and_after_the_command(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEBUG", "0")
    assert app._run(arguments) == 2
    assert "Traceback" in capsys.readouterr().err


def test_debug_after_two_dashes_is_for_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "0")
    assert app._without_debug(["db", "psql", "--", "--debug"]) == ["db", "psql", "--", "--debug"]
    assert os.environ["DEBUG"] == "0"


def completed(directory: Path, line: str) -> list[str]:
    """The words that bash offers at the end of a line."""
    environment = {
        **os.environ,
        "_PGDATAHUB_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    command = [sys.executable, "-m", "pgdatahub"]
    done = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pgdatahub run --table sal", ["sales", "sales_2024"]),
        ("pgdatahub history --table sales_", ["sales_2024"]),
        ("pgdatahub revert-schema --table st", ["stock"]),
        ("pgdatahub run --on-error ", ["continue", "stop"]),
        ("pgdatahub resume --on-error s", ["stop"]),
        ("pgdatahub run --executor d", ["dask"]),
        ("pgdatahub run --format ", ["text", "json"]),
        ("pgdatahub status --fo", ["--format"]),
    ],
)
def test_tables_and_option_values_complete_in_a_shell(line: str, words: list[str], tmp_path: Path) -> None:
    for folder in ("sales", "sales/2024", "stock"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        with xlsxwriter.Workbook(tmp_path / "data" / folder / "a.xlsx") as book:
            book.add_worksheet().write(0, 0, "head")
    assert sorted(completed(tmp_path, line)) == sorted(words)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["history", "--limit", "0"], "0 is not 1 or more"),
        (["watch", "--settle", "-1"], "-1.0 is not 0 or more"),
        (["db", "start", "--port", "70000"], "70000 is not 1 to 65535"),
        (["run", "--workers", "x"], "'x' is not a whole number"),
        (["run", "--pause-seconds", "x"], "'x' is not a number"),
        (["run", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["history", "--since", "friday"], "'friday' is not a date, such as 2024-03-01 or 2024-03-01T14:30"),
    ],
)
def test_a_wrong_value_is_a_usage_error_in_plain_words(arguments: list[str], message: str) -> None:
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(create_app(), arguments)
    assert shown.exit_code == 2
    assert f": {message}" in shown.output


def test_resume_without_a_paused_run_reports_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no run was paused"):
        CliRunner().invoke(create_app(), ["resume", "--data-root", "elsewhere"], catch_exceptions=False)
