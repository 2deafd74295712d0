"""Laws of contracts, for random rules and files, against a checker that looks at one cell at a time."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgdatahub.load.contracts.aside_cells import value_of
from pgdatahub.load.staging.checking import read_and_judge
from pgdatahub.model.results import Outcome
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from pgdatahub.values.cells import UNCACHED, ErrorValue, Value
from tests.integration.contracts.cell_checker import Fault, Rules, faults_of, text_of

if TYPE_CHECKING:
    from pgdatahub.model.faults import Fault as Told
    from tests.integration.contracts.conftest import Bench

EXAMPLES = 300 if os.environ.get("PGDATAHUB_HEAVY") == "1" else 6
WIDTH = 3
Sheets = dict[str, list[list[Value]]]

law = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
values: st.SearchStrategy[Any] = st.one_of(
    st.integers(-3, 12),
    st.sampled_from([1.5, 7.0, "7", "1.5", "open", "Open", "x", " ", "n/a", "a\\b\tc", True, None, None]),
    st.sampled_from([ErrorValue("#N/A"), UNCACHED, date(2025, 1, 31)]),
)
rows: st.SearchStrategy[list[list[Value]]] = st.lists(
    st.lists(values, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=7
)


@st.composite
def rules(draw: st.DrawFn) -> list[Rules]:
    """Draw the rules of each column; some have none."""
    found = []
    for _ in range(WIDTH):
        wanted = draw(st.sampled_from([None, None, "integer", "numeric", "text"]))
        ordered = wanted in ("integer", "numeric")
        found.append(
            Rules(
                type=wanted,
                required=draw(st.booleans()) and draw(st.booleans()),
                unique=draw(st.booleans()) and draw(st.booleans()),
                values=draw(st.sampled_from([(), (), ("7", "1", "2"), ("7", "1", "open") if not ordered else ()])),
                pattern=draw(st.sampled_from([None, None, "[0-9.]+", ".*"])),
                min=draw(st.sampled_from([None, 0, 2])) if ordered else None,
                max=draw(st.sampled_from([None, 5, 7])) if ordered else None,
            )
        )
    return found


@st.composite
def files(draw: st.DrawFn) -> Sheets:
    """Draw a file of one or two sheets."""
    header: list[Value] = ["A", "B", "C"]
    names = draw(st.sampled_from([["S"], ["S", "T"]]))
    return {name: [list(header), *draw(rows)] for name in names}


def yaml(found: list[Rules], on_bad: str) -> str:
    columns = "\n".join(f"  {name}: {rule.yaml}" for name, rule in zip("abc", found, strict=True))
    return f"on_bad: {on_bad}\nmax_bad: 100%\nsheet: '*'\nnulls: ['n/a']\ncolumns:\n{columns}\n"


def addresses(faults: set[Fault]) -> set[str]:
    return {fault.address for fault in faults}


def named(faults: tuple[Told, ...]) -> set[str]:
    return {f"{fault.rule} {fault.sheet} {cell.cell}" for fault in faults for cell in fault.cells}


def filled(row: list[Value]) -> bool:
    return any(value is not None and not (isinstance(value, str) and not value.strip()) for value in row)


def without(sheets: Sheets, faults: set[Fault]) -> Sheets:
    bad = {(fault.sheet, fault.row) for fault in faults}
    return {
        sheet: [row for number, row in enumerate(content, start=1) if (sheet, number) not in bad]
        for sheet, content in sheets.items()
    }


def emptied(sheets: Sheets, faults: set[Fault]) -> Sheets:
    cells = {(fault.sheet, fault.row, fault.column) for fault in faults}
    return {
        sheet: [
            [None if (sheet, number, at) in cells else value for at, value in enumerate(row)]
            for number, row in enumerate(content, start=1)
        ]
        for sheet, content in sheets.items()
    }


@law
@given(rules(), files(), st.sampled_from([1, 2, 10_000]))
def test_faults_and_rows_are_those_of_the_checker(bench: Bench, found: list[Rules], sheets: Sheets, chunk: int) -> None:
    expected = faults_of(sheets, found)
    read = sum(filled(row) for content in sheets.values() for row in content[1:])
    bad = {(fault.sheet, fault.row) for fault in expected}

    table = bench.new_table()  # laws 1, 2, 3 and 4 under quarantine
    result = bench.process(yaml(found, "quarantine"), sheets, table=table, chunk=chunk)
    assert result.outcome is Outcome.LOADED, result.failure
    assert named(result.faults) == addresses(expected)
    assert (result.rows + result.quarantined, result.quarantined) == (read, len(bad))
    assert bench.counts(table) == [(result.rows, len(bad))]
    good = bench.new_table()
    bench.process(yaml(found, "fail"), without(sheets, expected), table=good)
    assert bench.dump(table) == bench.dump(good)

    source = bench.source(yaml(found, "quarantine"), sheets, table=table)  # law 8
    file, error = read_and_judge(source, bench.pipeline.stages, bench.config)
    (part,) = file.parts.values()
    assert error is None
    assert part.contract is not None
    assert part.contract.report.grouped == result.faults

    strict = bench.new_table()  # law 7
    failed = bench.process(yaml(found, "fail"), sheets, table=strict, chunk=chunk)
    assert (failed.failure is not None) == bool(expected)
    if failed.failure is not None:
        assert named(failed.failure.faults) == addresses(expected)
        assert bench.dump(strict) == ({}, [])


@law
@given(rules(), files(), st.sampled_from([1, 2, 10_000]))
def test_blank_equals_the_file_with_those_cells_empty(
    bench: Bench, found: list[Rules], sheets: Sheets, chunk: int
) -> None:
    expected = faults_of(sheets, found)
    fails = any(fault.rule in ("required", "uncached") or found[fault.column].required for fault in expected)
    table = bench.new_table()
    result = bench.process(yaml(found, "blank"), sheets, table=table, chunk=chunk)
    assert (result.failure is not None) == fails
    told = result.failure.faults if result.failure is not None else result.faults
    assert named(told) == addresses(expected)
    if fails:
        assert (bench.dump(table), bench.aside(table)) == (({}, []), [])
        return
    types, texts = bench.dump(table)
    empty = emptied(sheets, expected)
    other = bench.new_table()
    bench.process(yaml([Rules(type=rule.type) for rule in found], "fail"), empty, table=other)
    other_types, other_texts = bench.dump(other)
    assert types == other_types
    # A row all of whose cells are emptied stays a row.
    assert [row for row in texts if any(row)] == [row for row in other_texts if any(row)]
    kept = {(row[0], row[1], text) for row in bench.aside(table) for text in row[3].values()}
    assert kept == {
        (fault.sheet, fault.row, text_of(sheets[fault.sheet][fault.row - 1][fault.column])) for fault in expected
    }


@law
@given(rules(), files())
def test_a_rule_that_goes_adds_no_bad_row(bench: Bench, found: list[Rules], sheets: Sheets) -> None:  # law 9
    def bad(some: list[Rules]) -> set[tuple[str, int]]:
        source = bench.source(yaml(some, "quarantine"), sheets, table="t0")
        file, _ = read_and_judge(source, bench.pipeline.stages, bench.config)
        (part,) = file.parts.values()
        assert part.contract is not None
        return {(fault.sheet, fault.row) for fault in part.contract.report.faults}

    all_rules = bad(found)
    without_rule: list[dict[str, Any]] = [
        {"unique": False},
        {"required": False},
        {"values": ()},
        {"pattern": None},
        {"min": None},
    ]
    for without_it in without_rule:
        assert bad([replace(rule, **without_it) for rule in found]) <= all_rules


@law
@given(rules(), files())
def test_a_row_set_aside_can_be_read_back(bench: Bench, found: list[Rules], sheets: Sheets) -> None:  # law 11
    table = bench.new_table()
    bench.process(yaml(found, "quarantine"), sheets, table=table)
    for sheet, number, action, cells, kinds, _ in bench.aside(table):
        assert action == "row"
        names = sorted(cells)
        back = {name: value_of(kind, cells[name]) for name, kind in zip(names, kinds, strict=True)}
        written = dict(zip("abc", sheets[sheet][number - 1], strict=True))
        assert {name: plain(value) for name, value in back.items()} == {
            name: plain(value) for name, value in written.items() if plain(value) != ""
        }


def plain(value: Value) -> Any:
    """Return a value in a form in which equal cells are equal."""
    if isinstance(value, ErrorValue) or value is UNCACHED:
        return value
    return (
        text_of(value) if not isinstance(value, bool | str) else (type(value).__name__, value) if text_of(value) else ""
    )


@law
@given(rules(), st.lists(files(), min_size=2, max_size=3))
def test_the_order_of_files_does_not_matter(bench: Bench, found: list[Rules], several: list[Sheets]) -> None:  # law 5
    states = []
    for order in list(permutations(range(len(several))))[:: max(1, len(several) - 1)]:
        table = bench.new_table()
        for number in order:
            bench.process(yaml(found, "quarantine"), several[number], table=table, file=f"f{number}")
        types, texts = bench.dump(table)
        aside = [repr(row) for row in bench.aside(table)]
        states.append((types, sorted(map(repr, texts)), sorted(aside)))
    assert all(state == states[0] for state in states)


@settings(law, max_examples=EXAMPLES // 3)
@given(rules(), files(), files())
def test_a_reverted_file_was_never_loaded(
    bench: Bench, found: list[Rules], one: Sheets, other: Sheets
) -> None:  # law 6
    alone, both = bench.new_table(), bench.new_table()
    bench.process(yaml(found, "quarantine"), one, table=alone, file="one")
    bench.process(yaml(found, "quarantine"), one, table=both, file="one")
    second = bench.process(yaml(found, "quarantine"), other, table=both, file="other")
    if second.outcome is Outcome.LOADED:
        ((number,),) = bench.execute("SELECT max(id) FROM etl_imports WHERE table_name = %s", both)
        revert(bench.config, UndoRequest(import_id=number, schema=True))
    assert (bench.dump(both), bench.aside(both)) == (bench.dump(alone), bench.aside(alone))
