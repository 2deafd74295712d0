"""Edge cases of contracts, each with its number in the design; rows, types and faults as they must be."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.values.cells import UNCACHED, ErrorValue
from tests.integration.contracts.conftest import told

if TYPE_CHECKING:
    from tests.integration.contracts.conftest import Bench, Sheets

NA = ErrorValue("#N/A")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A contract, a file, and the result: faults that fail it, or the number of loaded rows and the types."""

    contract: str
    sheets: Any
    faults: tuple[str, ...] = ()
    rows: int | None = None
    types: dict[str, str] | None = None


def column(*values: Any, header: str = "a") -> list[list[Any]]:
    return [[header], *([value] for value in values)]


def of(options: str) -> str:
    return f"columns: {{a: {{{options}}}}}"


CASES = {
    "2 a text without a type is no fault": Case(
        contract="", sheets=column(*range(99), "n/a"), rows=100, types={"a": "text"}
    ),
    "4 nulls come before values": Case(
        contract=of("values: [1, 2], nulls: [abc]"), sheets=column(1, 2, "abc"), rows=3, types={"a": "integer"}
    ),
    "5 white space is empty": Case(
        contract=of("required: true"), sheets=[["a", "b"], ["x", 1], [" ", 2]], faults=("required A3",)
    ),
    "6 an emptied error is empty": Case(
        contract=f"errors: blank\n{of('required: true')}", sheets=column("x", NA), faults=("required A3",)
    ),
    "7 an error as text has no number": Case(
        contract=f"errors: text\n{of('type: numeric, min: 0')}", sheets=column(1, NA), faults=("type A3",)
    ),
    "9 a column is missing in the second sheet": Case(
        contract=f"sheet: [A, B]\n{of('required: column')}",
        sheets={"A": column(1), "B": column(1, header="b")},
        faults=("missing-column B a",),
    ),
    "10 a column that is there may be empty": Case(
        contract=of("required: column"), sheets=[["a", "b"], [None, 1], [None, 2]], rows=2
    ),
    "11 an alias stands for its column": Case(
        contract=of("required: true, aliases: [Nr]"), sheets=column(1, header="Nr"), rows=1
    ),
    "12 equal headers are unique each by itself": Case(
        contract="columns: {A: {unique: true}}", sheets=[["A", "A"], [1, 2], [2, 1]], rows=2
    ),
    "12 equal headers: a fault in one of them": Case(
        contract="columns: {A: {unique: true}}", sheets=[["A", "A"], [1, 2], [2, 2]], faults=("unique B2", "unique B3")
    ),
    "13 a number and its text are equal": Case(
        contract=of("unique: true"), sheets=column(7, "7", 8), faults=("unique A2", "unique A3")
    ),
    "14 empty cells are never equal": Case(contract=of("unique: true"), sheets=[["a", "b"], *[[None, 1]] * 3], rows=3),
    "15 equal values in two sheets": Case(
        contract=f"sheet: [A, B]\n{of('unique: true')}",
        sheets={"A": column(1, 7), "B": column(7)},
        faults=("unique A3", "unique A2"),
    ),
    "18 a text is parsed before min": Case(
        contract=of("type: numeric, min: 0"), sheets=column("-5", 1), faults=("min A2",)
    ),
    "19 limits compare exactly": Case(
        contract=of("type: numeric, max: 100000"),
        sheets=column(Decimal("100000.00000000000001"), 100000),
        faults=("max A2",),
    ),
    "20 a limit is inclusive": Case(contract=of("type: numeric, max: 0.1"), sheets=column(0.1), rows=1),
    "22 a pattern reads canonical text": Case(
        contract=of(r"pattern: '\d+'"), sheets=column(12.0, 12.5), faults=("pattern A3",)
    ),
    "23 a dot is no line break": Case(contract=of("pattern: 'a.b'"), sheets=column("a\nb"), faults=("pattern A2",)),
    "23 unless a flag says it": Case(contract=of("pattern: '(?s)a.b'"), sheets=column("a\nb"), rows=1),
    "24 a pattern reads tab and backslash": Case(contract=of(r"pattern: 'a\t\\b'"), sheets=column("a\t\\b"), rows=1),
    "28 a header without rows": Case(contract="min_rows: 1", sheets=column(), faults=("min-rows",)),
    "28 no cell at all": Case(contract="min_rows: 1", sheets=[], faults=("min-rows",)),
    "31 a row with three faults": Case(
        contract="columns: {a: {type: integer, min: 5, values: [7]}, b: {pattern: x}}",
        sheets=[["a", "b"], [1, "y"], [7, "x"]],
        faults=("min A2", "values A2", "pattern B2"),
    ),
    "an unlisted column": Case(
        contract="new_columns: listed\ncolumns: {a: {type: text}}",
        sheets=[["a", "b"], ["x", 1]],
        faults=("unknown-column B1",),
    ),
    "an unlisted column without a header": Case(
        contract="new_columns: listed\ncolumns: {a: {type: text}}",
        sheets=[["a"], ["x"], ["y", 1]],
        faults=("unknown-column B3",),
    ),
    "a positional column is required": Case(
        contract="columns: {column_2: {required: true}}", sheets=[["a"], [1], [2, 5]], faults=("required B2",)
    ),
    "skip switches the rules off": Case(
        contract=of("required: true, skip: true"), sheets=[["a", "b"], [None, 1]], rows=1
    ),
    "a missing column that is skipped": Case(contract=of("required: true, skip: true"), sheets=[["b"], [1]], rows=1),
    "errors that fail are all told": Case(
        contract=f"errors: fail\n{of('required: true')}",
        sheets=[["a", "b"], *[[NA, NA]] * 12],
        faults=tuple(f"error {letter}{row}" for row in range(2, 14) for letter in "AB"),
    ),
    "a formula without a value": Case(
        contract=of("required: true"), sheets=column(1, UNCACHED), faults=("uncached A3",)
    ),
    "a date at its last day": Case(
        contract=of("type: timestamp, max: 2025-12-31"),
        sheets=column("2025-12-31", "2025-12-31 08:00"),
        faults=("max A3",),
    ),
    "a time": Case(contract=of("type: time, min: '08:00'"), sheets=column("07:59:59", "08:00"), faults=("min A2",)),
    "an interval": Case(
        contract=of("type: interval, max: '10:00'"), sheets=column("9:59", "100:00"), faults=("max A3",)
    ),
    "too many rows": Case(contract="max_rows: 2", sheets=column(1, 2, 3), faults=("max-rows",)),
    "a type of the server": Case(
        contract="columns: {a: {type: varchar(3), unique: true}, b: {type: 'numeric(4,2)', min: 0}, c: {type: uuid}}",
        sheets=[
            ["a", "b", "c"],
            ["abcd", 1.25, "0b6a4b1e-7f0c-4f6e-9b53-3f8a0e7c2d11"],
            ["abcd", "99.999", "x"],
            ["abc", 100, None],
        ],
        faults=("type A2", "type A3", "type B3", "type C3", "type B4"),
    ),
    "a moment and JSON for the server": Case(
        contract="columns: {a: {type: timestamptz}, b: {type: jsonb, required: column}}",
        sheets=[["a", "b"], ["2025-01-31 08:00+01:00", '{"x": [1]}'], ["31.1.2025", "{x}"]],
        faults=("type A3", "type B3"),
    ),
    "equal values of types of the server": Case(
        contract="columns: {a: {type: uuid, unique: true}, b: {type: timestamptz, unique: true},"
        " c: {type: char(4), unique: true}, d: {type: jsonb, unique: true}}",
        sheets=[
            ["a", "b", "c", "d"],
            ["0b6a4b1e-7f0c-4f6e-9b53-3f8a0e7c2d11", "2025-01-31 08:00+01:00", "a", '{"x": 1, "y": [true, 2.50]}'],
            ["{0B6A4B1E7F0C4F6E9B533F8A0E7C2D11}", "2025-01-31 07:00", "a  ", '{"y":[true,2.5],"x":1.0}'],
            ["1b6a4b1e-7f0c-4f6e-9b53-3f8a0e7c2d11", "2025-01-31 07:00+01:00", " a", '{"x": true, "y": [1, 2.5]}'],
        ],
        faults=tuple(f"unique {letter}{row}" for letter in "ABCD" for row in (2, 3)),
    ),
    "listed values of a type": Case(
        contract=of("type: numeric, values: ['1.50', 2]"), sheets=column(1.5, "2.0", 3), faults=("values A4",)
    ),
}


@pytest.mark.parametrize("chunk", [10_000, 1], ids=["whole", "row by row"])
@pytest.mark.parametrize("name", CASES)
def test_an_edge_case_gives_its_faults_or_rows(bench: Bench, name: str, chunk: int) -> None:
    case, table = CASES[name], bench.new_table()
    result = bench.process(case.contract, case.sheets, table=table, chunk=chunk)
    if case.faults:
        assert result.failure is not None, result.reason
        assert told(result.failure.faults) == set(case.faults), result.failure.message
        assert bench.dump(table) == ({}, [])
    else:
        assert result.outcome is Outcome.LOADED, result.failure
        assert len(bench.texts(table)) == case.rows
        assert case.types is None or bench.types(table) == case.types


def test_values_of_a_fault_help_the_sender(bench: Bench) -> None:
    rows: list[list[Any]] = [["status", "id", "n"], ["Open", 7, None], ["payd", 8, 5], ["open", "7", " "]]
    contract = "columns: {status: {values: [open, paid]}, id: {unique: true}, n: {required: true, nulls: '5'}}"
    result = bench.process(contract, rows, table=bench.new_table())
    assert result.failure is not None
    assert result.failure.message == "7 faults in 3 of 3 rows; nothing was loaded"
    cells = {cell.cell: (cell.value, cell.hint) for fault in result.failure.faults for cell in fault.cells}
    raw = bench.process(f"errors: blank\n{of('required: true')}", column("x", NA), table=bench.new_table()).failure
    assert raw is not None
    assert raw.faults[0].cells[0].value == "#N/A"  # 6
    assert cells == {
        "A2": ("Open", "did you mean open?"),
        "A3": ("payd", "did you mean paid?"),
        "B2": ("7", "also in B4"),
        "B4": ("7", "also in B2"),
        "C2": (None, None),
        "C3": ("5", None),
        "C4": (None, None),
    }


def test_unique_finds_the_first_and_the_last_of_many(bench: Bench) -> None:  # 17
    for chunk in (997, 10_000):
        sheets = column(*range(30_000), 0)
        result = bench.process(of("unique: true"), sheets, table=bench.new_table(), chunk=chunk)
        assert result.failure is not None
        assert told(result.failure.faults) == {"unique A2", "unique A30002"}


def test_unique_is_a_rule_of_one_file(bench: Bench) -> None:  # 16
    table = bench.new_table()
    for file in ("a", "b"):
        assert bench.process(of("unique: true"), column(1, file), table=table, file=file).outcome is Outcome.LOADED


def test_a_report_counts_all_and_lists_the_first_cells(bench: Bench) -> None:
    body: list[list[Any]] = [["x", 1]] * 3000
    sheets: Sheets = {"Sheet1": [["a", "b"], *body]}
    result = bench.process("columns: {a: {values: [y]}, b: {pattern: 2}}", sheets, table=bench.new_table(), chunk=700)
    assert result.failure is not None
    assert result.failure.message.startswith("6,000 faults in 3,000 of 3,000 rows")
    assert [(fault.count, len(fault.cells), fault.truncated) for fault in result.failure.faults] == [
        (3000, 1000, True)
    ] * 2
    assert result.failure.faults[0].cells[-1].cell == "A1001"
