"""Listings of many files and sheets, each fact once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pgdatahub.cli import app
from pgdatahub.testing import make_workbook


def main(*arguments: str) -> int:
    """Run the console script; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["pgdatahub", *arguments])
        with pytest.raises(SystemExit) as end:
            app.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(("files", "lines"), [(3, 3), (4, 1)])
def test_files_without_a_contract_are_counted(
    files: int, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(files):
        make_workbook(tmp_path / f"data/a/{number}.xlsx", {"S": [["id"], [number]]})
    assert main("check", "data") == 0
    out = capsys.readouterr().out
    assert out.count("no contract: checked that") == lines
    assert ("4 files have no contract" in out) == (files == 4)
    assert out.count("ok      a/") == files


def test_an_empty_sheet_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_workbook(tmp_path / "data/a/a.xlsx", {"First": [["id"], [1]], "Second": []})
    assert main("inspect", "data/a/a.xlsx") == 0
    assert "Second (not loaded by a run): the sheet is empty" in capsys.readouterr().out


def test_a_long_header_is_shown_cut_and_whole_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    header = "long " * 1000
    make_workbook(tmp_path / "data/a/a.xlsx", {"S": [["id", header], [1, 2]]})
    assert main("inspect", "data/a/a.xlsx") == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 40
    assert "…" in out
    assert main("inspect", "data/a/a.xlsx", "--format", "json") == 0
    assert header in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["inspect", "no.xlsx"], ["config", "--config", "no.yaml"]])
def test_an_error_breaks_between_words_on_a_terminal(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "a folder with a long name of many words" / "and a folder below it of as many words"
    directory.mkdir(parents=True)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("COLUMNS", "60")
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", stream)
    assert main(*arguments) == 2
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("error:")
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
