"""With ``samples: false`` no value of a cell leaves the tables: a marker in every cell is in no output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from pgdatahub.cli import app
from pgdatahub.model.schema import METADATA_TABLES
from pgdatahub.runs.redact import redact

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

MARK = "Zmarker"
NUMBER = 987654321012
CONTRACT = "{type: numeric, min: 0, values: [1, 2]}"
FILES: dict[str, tuple[str, Rows]] = {
    "wide": ("", [["a", "b"], [1, NUMBER], [MARK, f"{MARK} 2"]]),
    "typed": ("columns: {a: {type: integer}}", [["a"], [1], [MARK]]),
    "contract": (f"columns: {{a: {CONTRACT}, b: {{unique: true}}}}", [["a", "b"], [MARK, MARK], [NUMBER, MARK]]),
    "quarantine": (f"on_bad: quarantine\n  max_bad: 100%\n  columns: {{a: {CONTRACT}}}", [["a"], [1], [MARK]]),
    "blank": (f"on_bad: blank\n  max_bad: 100%\n  columns: {{a: {CONTRACT}}}", [["a", "b"], [1, 1], [MARK, 2]]),
    "frozen": ("types: freeze", [["a"], [MARK]]),
    "checked": ("", [["a"], [MARK]]),
    "unique": ("", [["a"], [MARK], [MARK]]),
    "server": ("columns: {a: {type: uuid}}", [["a"], [MARK]]),
    "cell": (
        "header_row: 3\n  cell_columns: {as_of: B1}\n  columns: {as_of: {type: date}}",
        [["x", MARK], [None], ["a"], [1]],
    ),
    "raised": ("", [["a"], [MARK]]),
    "denied": ("", [["a"], [MARK]]),
    "nan": ("errors: fail", [["a"], [MARK]]),
}


def fill(warehouse: Warehouse, *, samples: str) -> None:
    settings = [f"samples: {samples}"]
    settings += [
        f"{folder}:\n  {options or '{}'}" if options else f"{folder}: {{}}" for folder, (options, _) in FILES.items()
    ]
    warehouse.configure("\n".join(settings))
    for folder in ("frozen", "checked", "unique", "raised", "denied"):
        warehouse.write(f"{folder}/a.xlsx", [["a"], [1]])
    warehouse.run()
    execute(
        warehouse,
        "ALTER TABLE checked ALTER a TYPE text, ADD CHECK (a <> 'Zmarker')",
        'ALTER TABLE "unique" ALTER a TYPE text, ADD UNIQUE (a)',
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'no %', NEW.a USING ERRCODE = TG_ARGV[0], DETAIL = 'row ' || NEW.a, HINT = 'not ' || NEW.a;
           END $$""",
        "ALTER TABLE raised ALTER a TYPE text",
        "ALTER TABLE denied ALTER a TYPE text",
        "CREATE TRIGGER t BEFORE INSERT ON raised FOR EACH ROW EXECUTE FUNCTION refuse('P0001')",
        "CREATE TRIGGER t BEFORE INSERT ON denied FOR EACH ROW EXECUTE FUNCTION refuse('42501')",
    )
    for folder, (_, rows) in FILES.items():
        warehouse.write(f"{folder}/b.xlsx", rows)


def execute(warehouse: Warehouse, *statements: str) -> None:
    with psycopg.connect(warehouse.url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def metadata(warehouse: Warehouse) -> str:
    """Return all metadata tables as text, but the cells of etl_quarantine."""
    return "\n".join(
        text
        for table in METADATA_TABLES
        for (text,) in warehouse.query(f"SELECT (to_jsonb(t) - 'cells')::text FROM {table} t")
    )


def command(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.chdir(warehouse.directory)
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("DEBUG", "0")  # which --debug changes
    monkeypatch.setattr("sys.argv", ["pgdatahub", *arguments])
    with pytest.raises(SystemExit) as end:
        app.main()
    return int(end.value.code or 0)


def has_mark(text: str) -> list[str]:
    return [line for line in text.splitlines() if MARK in line or str(NUMBER) in line]


def test_no_value_of_a_cell_leaves_the_tables(  # law 15
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(warehouse, samples="false")
    for arguments in (
        ("plan",),
        ("plan", "--format", "json"),
        ("check", "data"),
        ("check", "data", "--format", "json"),
        ("check", "data", "--format", "sarif"),
        ("check", "data/wide", "--draft"),
        ("check", "data/typed", "--draft"),
        ("run", "-v", "--debug", "--format", "json"),
        ("run", "-v"),
        ("status",),
        ("status", "--format", "json"),
        ("history",),
        ("history", "--format", "json"),
        ("verify",),
        ("inspect", "data/wide/b.xlsx", "data/typed/b.xlsx", "-v"),
        ("inspect", "data/contract/b.xlsx", "--format", "json"),
    ):
        command(warehouse, monkeypatch, *arguments)
        written = capfd.readouterr()
        assert has_mark(written.out + written.err) == [], arguments
    assert has_mark((warehouse.directory / "etl.log").read_text()) == []
    assert has_mark(metadata(warehouse)) == []
    assert warehouse.query("SELECT count(*) FROM etl_failures WHERE cleared_at IS NULL")[0][0] >= 6
    assert warehouse.query("SELECT cells FROM etl_quarantine ORDER BY 1") != []
    reasons = dict(warehouse.query("SELECT identity, reason || ' ' || coalesce(hint, '') FROM etl_failures"))
    assert (
        reasons["raised/b.xlsx"]
        == "a function or trigger in the database refused the rows: (not shown) (SQLSTATE P0001) "
    )
    assert reasons["checked/b.xlsx"].endswith("the table has a constraint that the file breaks: checked_a_check")


def test_redact_removes_the_values_that_were_recorded(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(warehouse, samples="true")
    warehouse.run()
    assert len(has_mark(metadata(warehouse))) > 6
    assert command(warehouse, monkeypatch, "history", "--redact", "--table", "wide") == 0
    assert "values removed from 1 import, " in capfd.readouterr().out
    assert has_mark(metadata(warehouse)) != []
    redact(warehouse.config)
    assert has_mark(metadata(warehouse)) == []
    before = warehouse.query("SELECT observed FROM etl_imports ORDER BY id")
    assert redact(warehouse.config).imports == 0
    assert warehouse.query("SELECT observed FROM etl_imports ORDER BY id") == before


def test_redact_of_a_table_takes_failures_of_its_files(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    warehouse.configure(
        "m: {sheets: {S: {table: people, columns: {a: {values: [x]}}}, T: {table: b}}}\n"
        "other: {columns: {a: {type: integer}}}\n"
    )
    warehouse.write_sheets("m/a.xlsx", {"S": [["a"], ["x"]], "T": [["a"], [1]]})
    warehouse.write_sheets("m/b.xlsx", {"S": [["a"], [MARK]], "T": [["a"], [2]]})
    warehouse.write("other/a.xlsx", [["a"], [f"{MARK}2"]])
    warehouse.run()
    assert warehouse.query("SELECT count(*) FROM etl_failures") == [(2,)]
    assert redact(warehouse.config, table="people").failures == 1
    faults = dict(warehouse.query("SELECT identity, faults::text || reason FROM etl_failures"))
    assert (MARK in faults["m/b.xlsx"], MARK in faults["other/a.xlsx"]) == (False, True)
    assert command(warehouse, monkeypatch, "history", "--redact", "--table", "peopel") == 2
    assert "the history knows no table 'peopel' (did you mean people?)" in capfd.readouterr().err
