from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pgdatahub.cli import app
from pgdatahub.errors import ExitCode
from pgdatahub.testing.workbooks import make_workbook

RULES = "sales:\n  columns:\n    status: {values: [open, paid]}\nhidden:\n  samples: false\n  columns:\n    status: {values: [open]}\n"
GOOD: list[list[Any]] = [["id", "status"], [1, "open"]]
BAD: list[list[Any]] = [["id", "status"], [1, "Open"], [2, '=cmd|"x"!A1']]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "etl_config.yaml").write_text(RULES)
    make_workbook(tmp_path / "data" / "sales" / "good.xlsx", {"S": GOOD})
    make_workbook(tmp_path / "data" / "sales" / "bad.xlsx", {"S": BAD})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*arguments: str) -> int:
    """Run ``pgdatahub check``; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["pgdatahub", "check", *arguments])
        with pytest.raises(SystemExit) as end:
            app.main()
    return int(end.value.code or 0)


def listed(path: Path) -> list[tuple[Any, ...]]:
    sheet = openpyxl.load_workbook(path)["pgdatahub faults"]
    return [row for row in sheet.iter_rows(values_only=True) if row[1] is not None]


def test_a_faulty_file_gets_a_marked_copy(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("data/sales/bad.xlsx", "--mark", "out.xlsx") == ExitCode.FAILED
    assert "marked   out.xlsx: 2 cells coloured" in capsys.readouterr().out
    assert listed(Path("out.xlsx")) == [
        ("Sheet", "Cell", "Column", "Value", "What is expected", "Rule"),
        ("S", "B2", "status", "Open", "one of these is expected: open, paid (did you mean open?)", "values"),
        ("S", "B3", "status", '=cmd|"x"!A1', "one of these is expected: open, paid", "values"),
    ]
    assert Path("out.xlsx").stat().st_mode & 0o777 == 0o600


def test_a_marked_copy_has_the_same_faults(capsys: pytest.CaptureFixture[str]) -> None:
    check("data/sales/bad.xlsx", "--mark", "out.xlsx")
    capsys.readouterr()
    found = []
    for path in ("data/sales/bad.xlsx", "out.xlsx"):
        check(path, "--folder", "sales", "--format", "json")
        found.append(json.loads(capsys.readouterr().out)["files"][0]["faults"])
    assert found[0] == found[1]


def test_a_file_without_faults_is_not_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("data/sales/good.xlsx", "--mark", "out.xlsx") == ExitCode.OK
    assert "nothing is marked: the file has no fault" in capsys.readouterr().out
    assert not Path("out.xlsx").exists()


def test_several_files_need_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("data", "--mark", "out.xlsx") == ExitCode.USAGE
    assert "out.xlsx: 2 files are checked, and --mark names one workbook (name a folder)" in capsys.readouterr().err
    assert check("data", "--mark", "marked") == ExitCode.FAILED
    assert [path.as_posix() for path in Path("marked").rglob("*.xlsx")] == ["marked/sales/bad.xlsx"]


def test_the_file_itself_is_never_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("data/sales/bad.xlsx").read_bytes()
    Path("link.xlsx").symlink_to("data/sales/bad.xlsx")
    for out in ("data/sales/bad.xlsx", "link.xlsx", "data"):
        assert check("data/sales/bad.xlsx", "--mark", out) == ExitCode.USAGE
        assert "would replace the file itself" in capsys.readouterr().err
    assert Path("data/sales/bad.xlsx").read_bytes() == before


def test_a_copy_in_the_data_root_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    check("data/sales/bad.xlsx", "--mark", "data/sales/marked.xlsx")
    assert "data/sales/marked.xlsx is in the data root, where a run reads it" in capsys.readouterr().out


def test_an_ending_that_does_not_fit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("data/sales/bad.xlsx", "--mark", "out.xlsm") == ExitCode.USAGE
    assert "(name it out.xlsx)" in capsys.readouterr().err
    assert not Path("out.xlsm").exists()


def test_a_file_that_is_no_workbook_gets_a_new_one() -> None:
    Path("data/sales/page.xlsx").write_text("<html><table></table></html>")
    assert check("data/sales/page.xlsx", "--mark", "out.xlsx") == ExitCode.FAILED
    sheet = openpyxl.load_workbook("out.xlsx")["pgdatahub faults"]
    texts = [cell for row in sheet.iter_rows(values_only=True) for cell in row if cell]
    assert any("the file is not a workbook; it is an HTML page" in str(text) for text in texts)


def test_without_samples_marks_name_no_value(project: Path) -> None:
    make_workbook(project / "data" / "hidden" / "bad.xlsx", {"S": BAD})
    check("data/hidden/bad.xlsx", "--mark", "out.xlsx")
    assert listed(Path("out.xlsx"))[0] == ("Sheet", "Cell", "Column", "What is expected", "Rule")
    comment = openpyxl.load_workbook("out.xlsx")["S"]["B3"].comment
    assert comment is not None
    assert comment.text == "one of these is expected: open"
