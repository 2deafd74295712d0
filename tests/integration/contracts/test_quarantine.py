"""Rows that break rules: kept out of the table, or loaded with empty cells; edge cases with their numbers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.values.cells import UNCACHED, ErrorValue
from tests.integration.contracts.conftest import told

if TYPE_CHECKING:
    from tests.integration.contracts.conftest import Bench

HEAVY = os.environ.get("PGDATAHUB_HEAVY") == "1"
Q = "on_bad: quarantine\n"
B = "on_bad: blank\n"


def column(*values: Any, header: str = "a") -> list[list[Any]]:
    return [[header], *([value] for value in values)]


def of(options: str) -> str:
    return f"columns: {{a: {{{options}}}}}"


def refused(bench: Bench, contract: str, sheets: Any, table: str) -> set[str]:
    result = bench.process(contract, sheets, table=table)
    assert result.failure is not None, result
    assert bench.dump(table) == ({}, [])
    assert bench.aside(table) == []
    return told(result.failure.faults)


def test_a_row_of_another_type_is_set_aside(bench: Bench) -> None:  # 1
    table = bench.new_table()
    result = bench.process(Q + of("type: integer"), column(*range(50), "n/a", *range(49)), table=table)
    assert result.outcome is Outcome.LOADED, result.failure
    assert (len(bench.texts(table)), bench.types(table)) == (99, {"a": "integer"})
    assert bench.aside(table) == [("Sheet1", 52, "row", {"a": "n/a"}, "x", {"type A52"})]
    assert bench.counts(table) == [(99, 1)]


def test_good_rows_alone_make_the_type(bench: Bench) -> None:  # 3
    table = bench.new_table()
    bench.process(Q + of("values: [1, 2]"), column(1, 2, "abc"), table=table)
    assert bench.dump(table) == ({"a": "integer"}, [("1",), ("2",)])


def test_a_fault_of_the_file_fails_it_under_quarantine(bench: Bench) -> None:  # 9
    sheets = {"A": column(1), "B": column(1, header="b")}
    contract = f"{Q}sheet: [A, B]\n{of('required: column')}"
    assert refused(bench, contract, sheets, bench.new_table()) == {"missing-column B a"}


@pytest.mark.parametrize(("chunk", "rows"), [(7, 30_000 if HEAVY else 3_000), (10_000, 30_000)])
def test_all_cells_of_equal_values_are_set_aside(bench: Bench, chunk: int, rows: int) -> None:  # 17
    table = bench.new_table()
    bench.process(Q + of("unique: true"), column(*range(rows), 0), table=table, chunk=chunk)
    assert bench.counts(table) == [(rows - 1, 2)]
    assert [(row[1], row[5]) for row in bench.aside(table)] == [(2, {"unique A2"}), (rows + 2, {f"unique A{rows + 2}"})]


@pytest.mark.parametrize(("bad", "fails"), [(10, False), (11, True)])
def test_max_bad_is_exact(bench: Bench, bad: int, fails: bool) -> None:  # 25
    table = bench.new_table()
    sheets = column(*["x"] * bad, *range(1000 - bad))
    contract = f"{Q}max_bad: 1%\n{of('type: integer')}"
    if fails:
        assert refused(bench, contract, sheets, table) == {f"type A{row}" for row in range(2, 13)} | {"max-bad"}
    else:
        bench.process(contract, sheets, table=table)
        assert bench.counts(table) == [(990, 10)]


def test_a_file_of_bad_rows_fails_unless_max_bad_allows_it(bench: Bench) -> None:  # 26, 27
    table = bench.new_table()
    assert refused(bench, Q + of("type: integer"), column("x"), table) == {"type A2", "max-bad"}
    bench.process(f"{Q}max_bad: 100%\n{of('type: integer')}", [["a", "b"], ["x", "y"], ["z", None]], table=table)
    assert bench.dump(table) == ({"a": "integer", "b": "text"}, [])
    assert bench.counts(table) == [(0, 2)]


def test_a_blanked_cell_is_null_and_its_text_is_kept(bench: Bench) -> None:  # 29
    table = bench.new_table()
    rows: list[list[Any]] = [["email", "n"], ["a@b", 1], ["nobody", 2]]
    result = bench.process(B + "columns: {email: {pattern: '.+@.+'}}", rows, table=table)
    assert bench.texts(table) == [("a@b", "1"), (None, "2")]
    assert bench.aside(table) == [("Sheet1", 3, "cells", {"email": "nobody"}, "x", {"pattern A3"})]
    assert (result.counts["blanked cells"], result.counts["rows with blanked cells"]) == (1, 1)
    assert bench.counts(table) == [(2, 0)]


@pytest.mark.parametrize(
    ("contract", "rows", "fault"),
    [
        (of("required: true, values: [1]"), column(1, 2), "values A3"),  # 30
        (of("required: true"), [["a", "b"], [1, 1], [None, 2]], "required A3"),
        (f"uncached: fail\n{of('type: integer')}", column(1, UNCACHED), "uncached A3"),  # 8
        (f"errors: fail\n{of('type: integer')}", column(1, ErrorValue("#N/A")), "error A3"),
    ],
)
def test_blank_cannot_empty_some_cells(bench: Bench, contract: str, rows: Any, fault: str) -> None:
    assert fault in refused(bench, B + contract, rows, bench.new_table())


def test_an_error_under_quarantine_is_set_aside(bench: Bench) -> None:
    table = bench.new_table()
    rows: list[list[Any]] = [["a", "b"], [1, UNCACHED], [ErrorValue("#N/A"), 2.5], [3, True]]
    bench.process(f"{Q}max_bad: 99%\nerrors: fail\nuncached: fail", rows, table=table)
    assert bench.texts(table) == [("3", "true")]
    assert bench.aside(table) == [
        ("Sheet1", 2, "row", {"a": "1", "b": ""}, "iu", {"uncached B2"}),
        ("Sheet1", 3, "row", {"a": "#N/A", "b": "2.5"}, "en", {"error A3"}),
    ]


def test_a_row_with_three_faults_is_one_row(bench: Bench) -> None:  # 31
    table = bench.new_table()
    rows: list[list[Any]] = [["a", "b"], [1, "y"], [7, "x"]]
    bench.process(Q + "columns: {a: {type: integer, min: 5, values: [7]}, b: {pattern: x}}", rows, table=table)
    ((*_, faults),) = bench.aside(table)
    assert faults == {"min A2", "values A2", "pattern B2"}


def test_a_frozen_type_fails_the_file_under_quarantine(bench: Bench) -> None:  # 32
    table = bench.new_table()
    contract = f"{Q}types: freeze\n{of('values: [1, 1.5]')}"
    bench.process(contract, column(1), table=table, file="first")
    result = bench.process(contract, column(1.5), table=table, file="second")
    assert result.failure is not None
    assert (result.failure.kind, bench.counts(table)) == ("SchemaError", [(1, 0)])


def test_a_check_of_the_table_fails_the_file(bench: Bench) -> None:  # 33
    table = bench.new_table()
    contract = Q + of("type: integer, max: 100")
    bench.process(contract, column(1), table=table, file="first")
    bench.execute(f"ALTER TABLE {table} ADD CHECK (a < 50)")
    result = bench.process(contract, column(60, 200), table=table, file="second")
    assert result.failure is not None
    assert (result.failure.kind, bench.aside(table)) == ("LoadError", [])


def test_files_that_differ_in_bad_rows_only_are_both_loaded(bench: Bench) -> None:  # 34
    table = bench.new_table()
    contract = Q + of("type: integer")
    for file, bad in (("a", "x"), ("b", "y")):
        assert bench.process(contract, column(1, 2, bad), table=table, file=file).outcome is Outcome.LOADED
    assert bench.process(contract, column(1, 2, "x"), table=table, file="c").outcome is Outcome.SKIPPED
    assert bench.counts(table) == [(2, 1), (2, 1)]


def test_a_fixed_file_takes_the_place_of_the_first(bench: Bench) -> None:  # 36
    table = bench.new_table()
    contract = Q + of("type: integer")
    bench.process(contract, column(1, 2, "x"), table=table)
    bench.process(contract, column(1, 2, 3), table=table)
    assert bench.texts(table) == [("1",), ("2",), ("3",)]
    assert (bench.aside(table), bench.counts(table)) == ([], [(3, 0)])


def test_more_rows_than_the_limit_fail_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:  # 42
    monkeypatch.setattr("pgdatahub.load.contracts.contract.MAX_ROWS", 100)
    contract = f"{Q}max_bad: 100%\n{of('type: integer')}"
    assert "quarantine-limit" in refused(bench, contract, column(*["x"] * 101), bench.new_table())
    assert bench.process(contract, column(*["x"] * 100), table=bench.new_table()).outcome is Outcome.LOADED


@pytest.mark.skipif(not HEAVY, reason="PGDATAHUB_HEAVY=1 tries the real limit")
def test_100_001_bad_rows_fail_the_file(bench: Bench) -> None:  # 42
    contract = f"{Q}max_bad: 100%\n{of('type: integer')}"
    rows = ["x"] * 100_001
    assert "quarantine-limit" in refused(bench, contract, column(*rows), bench.new_table())
    table = bench.new_table()
    bench.process(contract, column(*rows[1:]), table=table)
    assert bench.counts(table) == [(0, 100_000)]
