from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pgdatahub.cli import app, fault_lines
from pgdatahub.config import load_config
from pgdatahub.errors import ExitCode
from pgdatahub.load.contracts import hidden_values
from pgdatahub.runs.checks.check import check
from pgdatahub.runs.files.folder_warnings import folder_warnings
from pgdatahub.testing.workbooks import make_workbook

RULES = "sales:\n  columns:\n    status: {values: [open, paid]}\n    id: {required: true, unique: true}\n"
GOOD: list[list[Any]] = [["id", "status"], [1, "open"], [2, "paid"]]
BAD: list[list[Any]] = [["id", "status"], [1, "Open"], [None, "paid"], [1, "open"]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("check")
    (directory / "config").mkdir()
    (directory / "config" / "etl_config.yaml").write_text(RULES)
    make_workbook(directory / "data" / "sales" / "good.xlsx", {"S": GOOD})
    make_workbook(directory / "data" / "sales" / "bad.xlsx", {"S": BAD})
    make_workbook(directory / "data" / "other" / "free.xlsx", {"S": BAD})
    (directory / "data" / "sales" / "notes.txt").write_text("x")
    make_workbook(directory / "outbox" / "march.xlsx", {"S": BAD})
    (directory / "outbox" / "broken.xlsx").write_bytes(b"PK\3\4 no workbook")
    return directory


def main(arguments: list[str]) -> int:
    """Run the console script; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["pgdatahub", *arguments])
        with pytest.raises(SystemExit) as end:
            app.main()
    return int(end.value.code or 0)


@pytest.fixture(autouse=True)
def in_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def states(*paths: str, folder: str | None = None) -> dict[str, str]:
    results = check(load_config(), map(Path, paths), folder=folder)
    return {result.source.identity: f"{result.status} {result.verdict} {result.bad_rows}" for result in results}


def test_check_judges_each_file_by_its_folder() -> None:
    assert states("data") == {
        "sales/good.xlsx": "ok load 0",
        "sales/bad.xlsx": "faulty fail 3",
        "sales/notes.txt": "ignored load 0",
        "other/free.xlsx": "ok load 0",
    }


def test_check_takes_a_contract_to_files_anywhere() -> None:
    assert states("outbox") == {"broken.xlsx": "unreadable fail 0", "march.xlsx": "ok load 0"}
    assert states("outbox/march.xlsx", folder="Sales") == {"march.xlsx": "faulty fail 3"}


def test_check_refuses_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "outbox/march.xlsx", "--folder", "sale"]) == ExitCode.USAGE
    assert "no folder 'sale' is in the settings or the data root (did you mean sales?)" in capsys.readouterr().err
    assert states("outbox/march.xlsx", folder="Sales/2025") == {"march.xlsx": "faulty fail 3"}
    assert states("outbox/march.xlsx", folder="other") == {"march.xlsx": "ok load 0"}  # no options, but there


def test_check_names_files_elsewhere_by_their_path(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apart = make_workbook(project.parent / "apart.xlsx", {"S": GOOD})
    main(["check", "outbox", "data/sales/good.xlsx", "data/other/../other/free.xlsx", str(apart), "--format", "json"])
    files = [file["file"] for file in json.loads(capsys.readouterr().out)["files"]]
    assert files == ["outbox/broken.xlsx", "outbox/march.xlsx", "sales/good.xlsx", "other/free.xlsx", str(apart)]
    main(["check", "outbox/march.xlsx", "--folder", "sales"])
    assert "fail    outbox/march.xlsx: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["data/sales/good.xlsx"], ExitCode.OK),
        (["data"], ExitCode.FAILED),
        (["outbox/broken.xlsx"], ExitCode.FAILED),
        (["nowhere"], ExitCode.USAGE),
        (["data/sales/notes.txt", "--config", "missing.yaml"], ExitCode.USAGE),
        ([], ExitCode.USAGE),
    ],
)
def test_check_ends_with_its_exit_code(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("rule", ["min: 5", "type: integer, min: 9, max: 1", "pattern: '('"])
def test_a_wrong_rule_ends_with_2_at_its_line(rule: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "wrong.yaml").write_text(f"sales:\n  columns:\n    id: {{{rule}}}\n")
    assert main(["check", "data", "--config", "wrong.yaml"]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: wrong.yaml:3: ")


def test_check_names_cells_and_the_nearest_word(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "data/sales/bad.xlsx", "data/other"])
    output = capsys.readouterr()
    assert 'status (values): 1 cell is not one of open, paid: S › B2 "Open" (did you mean open?)' in output.out
    assert "no contract: checked that it can be read" in output.out
    assert "not checked: types: freeze" in output.err


def test_rules_of_one_sheet_entry_are_a_contract(project: Path) -> None:
    settings = project / "entries.yaml"
    settings.write_text(
        "sales:\n  sheets:\n    S: {table: sales, columns: {status: {values: [open]}, at: {type: inet}}}\n    T: {optional: true}\n"
    )
    (result,) = check(load_config(config_file=settings), [project / "data" / "sales" / "good.xlsx"])
    assert (result.status, result.notices) == ("faulty", ("only the server can check at (inet)",))


def test_a_fault_of_all_rows_names_the_sheets_of_its_table(project: Path) -> None:
    make_workbook(project / "data" / "both" / "b.xlsx", {"S": [["a"], ["x"]], "T": [["a"], [1], [2]]})
    settings = project / "both.yaml"
    settings.write_text(
        "both:\n  on_bad: quarantine\n  columns: {a: {type: integer}}\n"
        "  sheets: {S: {table: s}, T: {table: t, min_rows: 3}}\n"
    )
    (result,) = check(load_config(config_file=settings), [project / "data" / "both" / "b.xlsx"])
    found = {(fault.rule, fault.sheet, fault.cells[0].value) for fault in result.faults}
    assert found == {("max-bad", "S", "1 of 1 row"), ("type", "S", "x"), ("min-rows", "T", "2")}


@pytest.mark.parametrize("on_bad", ["fail", "quarantine"])
def test_faults_of_two_tables_on_a_sheet_are_counted(
    project: Path, on_bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[list[Any]] = [["id", None, "id"], [1, None, 7], [1, None, "x"], ["y", None, 7], [2, None, 7]]
    make_workbook(project / "data" / "beside" / "b.xlsx", {"S": rows})
    (project / "beside.yaml").write_text(
        f"beside:\n  on_bad: {on_bad}\n  max_bad: 100%\n  columns: {{id: {{type: integer, unique: true}}}}\n"
        "  sheets: {S: [{table: s, range: A1:A9}, {table: t, range: C1:C9}]}\n"
    )
    (result,) = check(load_config(config_file=project / "beside.yaml"), [project / "data" / "beside"])
    found = {fault.rule: (fault.count, [cell.cell for cell in fault.cells]) for fault in result.faults}
    assert found == {"unique": (5, ["A2", "A3", "C2", "C4", "C5"]), "type": (2, ["A4", "C3"])}
    assert len(result.faults) == len(found)
    assert result.failure is None or result.failure.message == "7 faults in 7 of 8 rows; nothing was loaded"
    main(["check", "data/beside", "--config", "beside.yaml", "--format", "sarif"])
    (log,) = json.loads(capsys.readouterr().out)["runs"]
    assert len({one["partialFingerprints"]["pgdatahub/v1"] for one in log["results"]}) == len(log["results"]) == 2


def test_a_file_whose_read_sheet_has_no_rules_has_no_contract(project: Path) -> None:
    settings = project / "others.yaml"
    settings.write_text("sales:\n  sheets:\n    S: {}\n    T: {optional: true, columns: {status: {values: [open]}}}\n")
    (result,) = check(load_config(config_file=settings), [project / "data" / "sales" / "good.xlsx"])
    assert (result.status, result.notices) == ("ok", ("no contract: checked that it can be read",))


def test_check_gives_the_faults_of_a_run_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "data/sales/bad.xlsx", "--format", "json"])
    (file,) = json.loads(capsys.readouterr().out)["files"]
    main(["run", "data/sales/bad.xlsx", "--dry-run", "--format", "json"])
    (loaded,) = json.loads(capsys.readouterr().out)["files"]
    assert file["faults"] == loaded["failure"]["faults"]
    assert [(fault["rule"], fault["count"]) for fault in file["faults"]] == [
        ("unique", 2),
        ("values", 1),
        ("required", 1),
    ]


def test_check_gives_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", "data", "outbox/broken.xlsx", "--format", "sarif"])
    (log,) = json.loads(capsys.readouterr().out)["runs"]
    results = {result["ruleId"]: result for result in log["results"]}
    assert set(results) == {"unique", "values", "required", "unreadable"}
    place = results["values"]["locations"][0]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "data/sales/bad.xlsx", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 2},
    }
    assert place["logicalLocations"] == [{"fullyQualifiedName": "S!B2"}]
    assert results["values"]["level"] == "error"
    assert len(results["values"]["partialFingerprints"]["pgdatahub/v1"]) == 64
    assert results["values"]["partialFingerprints"]["primaryLocationLineHash"].endswith(":1")
    rules = log["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted(results)
    assert all(rules[result["ruleIndex"]]["id"] == rule for rule, result in results.items())
    assert all(rule[text]["text"] for rule in rules for text in ("shortDescription", "fullDescription", "help"))


def test_sarif_paths_start_at_the_root_of_the_repository(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project.parent / ".git").mkdir(exist_ok=True)
    main(["check", "data/sales/bad.xlsx", "--format", "sarif"])
    (log,) = json.loads(capsys.readouterr().out)["runs"]
    (project.parent / ".git").rmdir()
    artifact = log["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": f"{project.name}/data/sales/bad.xlsx", "uriBaseId": "%SRCROOT%"}
    assert log["originalUriBaseIds"]["%SRCROOT%"]["uri"] == f"{project.parent.as_uri()}/"


def test_sarif_tells_files_of_one_name_apart(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in "ab":
        make_workbook(project / "apart" / folder / "x.xlsx", {"S": BAD})
    main(["check", "apart/a/x.xlsx", "apart/b/x.xlsx", "--folder", "sales", "--format", "sarif"])
    (log,) = json.loads(capsys.readouterr().out)["runs"]
    assert len({result["partialFingerprints"]["pgdatahub/v1"] for result in log["results"]}) == 6


def test_each_rule_has_a_sentence() -> None:
    assert set(fault_lines.RULES) == set(fault_lines._TEXTS) | set(fault_lines._OF_THE_FILE)
    assert set(fault_lines._OF_THE_FILE) == set(hidden_values._OF_THE_FILE)


def test_a_draft_of_a_file_holds_for_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body: list[list[Any]] = [[number, "a: b" if number % 2 else "c"] for number in range(40)]
    make_workbook(project / "outbox" / "draft.xlsx", {"S": [["Nr #", "yes"], *body]})
    assert main(["check", "outbox/draft.xlsx", "--draft", "--folder", "new"]) == ExitCode.OK
    draft = capsys.readouterr().out
    assert '"Nr #": {type: integer, required: true, unique: true}' in draft
    assert 'yes: {type: text, required: true, values: ["a: b", c]}' in draft
    Path("draft.yaml").write_text(draft)
    assert main(["check", "outbox/draft.xlsx", "--folder", "new", "--config", "draft.yaml"]) == ExitCode.OK


def test_a_draft_does_not_depend_on_the_rules_of_now(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = project / "now.yaml"
    rules = (
        "columns: {status: {values: [gone]}, id: {min: 9, type: bigint}}, max_rows: 1, new_columns: listed, key: other"
    )
    for on_bad in ("fail", "quarantine"):
        settings.write_text(f"sales: {{on_bad: {on_bad}, {rules}}}\n")
        assert main(["check", "data/sales/bad.xlsx", "--draft", "--config", str(settings)]) == ExitCode.OK
        draft = capsys.readouterr().out
        assert "3 rows" in draft
        assert "id: {type: bigint, required: column}" in draft


def test_a_draft_keeps_the_reading_of_cells(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[list[Any]] = [
        ["When", "Price", "Junk", "Number", "Name", "none", None, "x", "x"],
        ["31.12.2024", "1.000,50 €", "x", 1, " a ", None, "free", 1, 2],
        ["01.02.2025", "3,5", "y", "-", "a", None, None, 3, 4],
    ]
    path = make_workbook(project / "outbox" / "read.xlsx", {"S": rows})
    settings = project / "read.yaml"
    settings.write_text(
        "read:\n  columns:\n"
        "    When: {type: date, format: '%d.%m.%Y', rename: at}\n"
        "    Price: {type: numeric, decimal: ',', thousands: '.', unit: €, max: 5}\n"
        "    Junk: {skip: true, required: true}\n"
        "    Nr: {type: integer, aliases: [Number], nulls: '-'}\n"
        "    name: {trim: true}\n"
        "    none: {type: numeric, decimal: ','}\n"
        "    column_7: {rename: remark}\n"
        "    x: {rename: y}\n",
        encoding="utf-8",
    )
    assert main(["check", str(path), "--draft", "--folder", "read", "--config", str(settings)]) == ExitCode.OK
    draft = capsys.readouterr().out
    assert '    When: {type: date, required: true, format: "%d.%m.%Y", rename: at}\n' in draft
    settings.write_text(draft, encoding="utf-8")
    (result,) = check(load_config(config_file=settings), [path], folder="read")
    assert (result.status, result.rows) == ("ok", 2), (result.faults, draft)


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ("sheet: '*'", [{"S": [["a", "b"], [1, "x"]], "T": [["a", "c"], [2, "y"]]}]),
        ("sheet: '*'", [{"S": [["a", "b"], [1, "x"]], "T": [["a", "b"], [1, None]]}]),
        ("header_row: none", [{"S": [[1, "x"], [2, None], [3, None]]}]),
        ("header_row: auto", [{"S": [["a"], [1]]}, {"S": [["a", "b"], [1, "x"]]}, {"S": [["a", "b"], ["n/a", 1.5]]}]),
        ("sheets: {S: {table: t}, '*': {table: u}}", [{"S": [["a"], [1]]}, {"S": [["b"], [1]], "T": [["b"], [1]]}]),
    ],
)
def test_a_draft_holds_for_all_sheets_and_files(
    project: Path, capsys: pytest.CaptureFixture[str], options: str, files: list[dict[str, Any]], tmp_path: Path
) -> None:
    for number, sheets in enumerate(files):
        make_workbook(tmp_path / f"{number}.xlsx", sheets)
    settings = project / "all.yaml"
    settings.write_text(f"all:\n  {options}\n")
    arguments = [str(tmp_path), "--folder", "all", "--config", str(settings)]
    assert main(["check", "--draft", *arguments]) == ExitCode.OK
    draft = capsys.readouterr().out
    assert draft.count("all:\n") == 1
    settings.write_text(draft if "sheets" in options else draft.replace("all:\n", f"all:\n  {options}\n"))
    results = check(load_config(config_file=settings), [tmp_path], folder="all")
    assert [result.status for result in results] == ["ok"] * len(files), (draft, results)


def test_a_draft_of_several_tables_holds_for_its_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = [["a", None, "b"], ["x", None, 1], ["y", None, 2]]
    sheets: Any = {"S 1": first, "T": [["Имя", "n"], ["Анна", 1], [None, 2]]}
    make_workbook(project / "data" / "several" / "b.xlsx", sheets)
    settings = project / "several.yaml"
    settings.write_text(
        "several:\n  sheets:\n    S 1: [{table: s, range: A1:A}, {table: b, range: C1:C}]\n"
        "    T: {table: t, columns: {n: {max: 0, type: numeric}}}\n"
    )
    assert main(["check", "data/several/b.xlsx", "--draft", "--config", str(settings)]) == ExitCode.OK
    draft = capsys.readouterr().out
    settings.write_text(draft)
    assert "      - table: t\n        new_columns: listed\n" in draft
    (result,) = check(load_config(config_file=settings), [project / "data" / "several" / "b.xlsx"])
    assert (result.status, result.notices, result.rows) == ("ok", (), 6)


def test_a_draft_without_samples_has_no_value(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_workbook(project / "data" / "private" / "b.xlsx", {"S": [["a"], *[["secret"]] * 20]})
    for samples in ("true", "false"):
        (project / "private.yaml").write_text(f"samples: {samples}\n")
        main(["check", "data/private/b.xlsx", "--draft", "--config", "private.yaml"])
        assert ("secret" in capsys.readouterr().out) == (samples == "true")
        (project / "typed.yaml").write_text(f"private: {{samples: {samples}, columns: {{a: {{type: integer}}}}}}\n")
        main(["check", "data/private/b.xlsx", "--draft", "--config", "typed.yaml"])
        assert ("secret" in capsys.readouterr().err) == (samples == "true")


def test_a_table_on_a_sheet_keeps_its_values_to_itself(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_workbook(project / "data" / "people" / "b.xlsx", {"S": [["a"], ["secret"]], "T": [["a"], [1]]})
    for rules in ("type: integer", "type: integer, min: 0"):
        (project / "people.yaml").write_text(
            f"people: {{sheets: {{S: {{table: s, samples: false, columns: {{a: {{{rules}}}}}}}, T: {{table: t}}}}}}\n"
        )
        for output in ("text", "json", "sarif"):
            main(["check", "data/people", "--config", "people.yaml", "--format", output])
            told = "".join(capsys.readouterr())
            assert "secret" not in told
            assert "A2" in told


@pytest.mark.parametrize(
    "rows",
    [
        [["Title", None, None], [None, "id", 5], [None, "a", 1.5]],
        [["col", "col", "other"], [1, date(2024, 1, 1), "x"], [2, date(2024, 1, 2), "y"]],
        [["Col", "Col", " Col"], [1, "a", None], [2, "b", None]],
        [["a", "a_2", "a"], [1, "x", 1.5], [2, "y", None]],
        [["Order ID", "order_id", "ORDER  ID"], [1, "x", 1.5], [2, "y", 2.5]],
        [["a\u00a0b", 'say "x"', "tab\tand\nline", "\u0085", "😀", "no", "~", "<<", "#1"], list(range(9))],
        [["Preis €", "preis", "naïve", "naive", "x" * 2000, 2024, True], ["a", "b", "c", "d", "e", "f", "g"]],
        [["kind"], *([text] for text in ("no", "1.50", "", "a: b", "[x]", " y ", "\u2028") * 20)],
    ],
)
def test_a_draft_of_unusual_headers_holds(project: Path, capsys: pytest.CaptureFixture[str], rows: Any) -> None:
    make_workbook(project / "outbox" / "unusual.xlsx", {"S": rows})
    assert main(["check", "outbox/unusual.xlsx", "--draft", "--folder", "new"]) == ExitCode.OK
    Path("draft.yaml").write_text(capsys.readouterr().out, encoding="utf-8")
    end = main(["check", "outbox/unusual.xlsx", "--folder", "new", "--config", "draft.yaml"])
    output = capsys.readouterr()
    assert end == ExitCode.OK, output.out + output.err + Path("draft.yaml").read_text()
    assert "no contract" not in output.out


def test_check_names_types_that_only_the_server_knows(project: Path) -> None:
    (project / "own.yaml").write_text("own:\n  on_bad: quarantine\n  columns: {id: {type: my_enum}}\n")
    (result,) = check(load_config(config_file=Path("own.yaml")), [Path("data/sales/good.xlsx")], folder="own")
    assert result.notices == ("only the server can check id (my_enum)",)


def test_a_listed_number_without_a_type_is_warned_of(project: Path) -> None:
    (project / "texts.yaml").write_text("a:\n  columns:\n    n: {values: ['1.50', '2', x]}\n")
    warnings = list(folder_warnings((), load_config(config_file=Path("texts.yaml"))))
    assert any(
        "texts.yaml:3: without type: the value '1.50'" in text and "did you mean 1.5?" in text for text in warnings
    )
    assert not any("'2'" in text for text in warnings)
