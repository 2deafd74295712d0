"""Columns that the settings create with a type of the server."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from pgdatahub.config import load_config
from pgdatahub.errors import ConfigError
from pgdatahub.model.results import Outcome
from pgdatahub.runs.checks.check import check
from pgdatahub.runs.plans.plan import plan
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

ID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


@pytest.mark.parametrize(
    ("type_name", "value", "stored"),
    [
        ("uuid", ID, "uuid"),
        ("varchar(20)", "abc", "character varying(20)"),
        ("numeric(12,2)", 12.5, "numeric(12,2)"),
        ("timestamptz", "2025-03-01 10:00:00+00", "timestamp with time zone"),
        ("jsonb", '{"a": 1}', "jsonb"),
        ("character varying(8)", "abc", "character varying(8)"),
        ("integer[]", "{1,2}", "integer[]"),
    ],
)
def test_a_column_is_created_with_a_type_of_the_server(
    warehouse: Warehouse, type_name: str, value: object, stored: str
) -> None:
    warehouse.configure(f'm:\n  columns: {{c: {{type: "{type_name}"}}}}\n')
    warehouse.write("m/a.xlsx", [["c", "n"], [value, 1], [None, 2]])
    planned = {column.name: column.type for table in plan(warehouse.config).tables for column in table.columns}
    warehouse.load()
    assert warehouse.columns("m")["c"] == stored
    assert planned["c"] == type_name
    assert {result.outcome for result in warehouse.run().results} == {Outcome.SKIPPED}


def test_an_enum_is_a_type_of_the_server(warehouse: Warehouse) -> None:
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
    warehouse.configure("m:\n  columns: {c: {type: colour}}\n")
    warehouse.write("m/a.xlsx", [["c"], ["red"]])
    warehouse.load()
    warehouse.write("m/b.xlsx", [["c"], ["blue"]])
    results = {result.source.name: result for result in warehouse.run().results}
    assert results["b.xlsx"].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("type_name", "bad", "good"), [("numeric(4,1)", 1.25, 1.5), ("varchar(2)", "abc", "ab"), ("uuid", "x", ID)]
)
def test_cells_that_the_server_would_change_fail_the_file(
    warehouse: Warehouse, type_name: str, bad: float | str, good: float | str
) -> None:
    warehouse.configure(f'm:\n  columns: {{c: {{type: "{type_name}"}}}}\n')
    path = warehouse.write("m/a.xlsx", [["c"], [bad], [good], [bad]])
    (checked,) = check(warehouse.config, [path])
    (planned,) = plan(warehouse.config).files
    failure = warehouse.fail().failure
    assert (checked.verdict, planned.action, failure and failure.kind) == ("fail", "fail", "ContractError")
    assert failure is not None
    (fault,) = failure.faults
    assert (fault.rule, fault.expected, [cell.cell for cell in fault.cells]) == ("type", type_name, ["A2", "A4"])
    assert checked.faults == failure.faults
    assert planned.failure is not None
    assert planned.failure.faults == failure.faults
    assert "m" not in warehouse.tables()


def test_a_type_that_the_server_lacks_fails_the_file(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  columns: {c: {type: nothing_such}}\n")
    path = warehouse.write("m/a.xlsx", [["c"], ["x"]])
    (checked,) = check(warehouse.config, [path])
    assert (checked.status, checked.notices) == ("ok", ("only the server can check c (nothing_such)",))
    (planned,) = plan(warehouse.config).files
    assert planned.action == "fail"
    failure = warehouse.fail().failure
    assert failure is not None
    assert "does not have the type" in failure.message
    assert "m" not in warehouse.tables()


def test_a_column_of_such_a_type_is_added_and_dropped(warehouse: Warehouse) -> None:
    warehouse.configure("m:\n  columns: {c: {type: uuid}}\n")
    warehouse.write("m/a.xlsx", [["n"], [1]])
    warehouse.load()
    path = warehouse.write("m/b.xlsx", [["n", "c"], [2, ID]])
    warehouse.run()
    assert warehouse.rows("m") == [(1, None), (2, UUID(ID))]
    revert(warehouse.config, UndoRequest(source_file=str(path), schema=True))
    assert "c" not in warehouse.columns("m")


@pytest.mark.parametrize("type_name", ["intger", "text; DROP TABLE x", "uuid)--", "numeric(a)", "'x'"])
def test_a_text_that_is_not_a_type_is_refused(warehouse: Warehouse, type_name: str) -> None:
    warehouse.configure(f'm:\n  columns: {{c: {{type: "{type_name}"}}}}\n')
    with pytest.raises(ConfigError):
        load_config(directory=warehouse.directory)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "varchar(20)", "code TEXT instead of VARCHAR(20)"),
        ("varchar(20)", "varchar(30)", "code CHARACTER VARYING(20) instead of VARCHAR(30)"),
        ("varchar(20)", "character varying (20)", None),
        ("varchar", "varchar", None),
        ("varchar", "text", None),
        ("char(6)", "bpchar(6)", None),
        ("short", "short", None),
        ("short", "varchar(20)", "code SHORT instead of VARCHAR(20)"),
    ],
)
def test_a_type_that_a_column_does_not_have_is_noticed(
    warehouse: Warehouse, before: str, after: str, told: str | None
) -> None:
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE DOMAIN short AS varchar(20)")
    notices: list[str] = []
    for number, kind in enumerate((before, after)):
        warehouse.configure(f'd: {{columns: {{code: {{type: "{kind}"}}}}}}\n' if kind else "")
        warehouse.write(f"d/{number}.xlsx", [["code"], [f"abc{number:03}"]])
        planned = [notice for table in plan(warehouse.config).tables for file in table.files for notice in file.notices]
        result = next(one for one in warehouse.run().results if one.source.name == f"{number}.xlsx")
        assert result.outcome is Outcome.LOADED
        notices = list(result.notices)
        assert planned == notices
    found = [notice for notice in notices if "instead of" in notice]
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


@pytest.mark.parametrize(("type_name", "told"), [("date", "d TEXT instead of DATE"), ("text", None)])
def test_a_column_wider_than_its_type_is_noticed(warehouse: Warehouse, type_name: str, told: str | None) -> None:
    first = warehouse.write("m/a.xlsx", [["d"], ["2025-01-02"]])
    warehouse.load()
    form = "" if told is None else ', format: "%Y-%m-%d"'
    warehouse.configure(f"m: {{columns: {{d: {{type: {type_name}{form}}}}}}}\n")
    warehouse.write("m/b.xlsx", [["d"], ["2025-01-03"]])
    planned = [notice for table in plan(warehouse.config).tables for file in table.files for notice in file.notices]
    result = next(one for one in warehouse.run().results if one.source.name == "b.xlsx")
    assert planned == list(result.notices)
    assert [told in notice for notice in planned if told] == [True] * bool(told)
    if told:
        revert(warehouse.config, UndoRequest(source_file=str(first), schema=True))
        warehouse.run()
        assert warehouse.columns("m")["d"] == "date"
        assert sorted(warehouse.rows("m")) == [(date(2025, 1, 2),), (date(2025, 1, 3),)]
