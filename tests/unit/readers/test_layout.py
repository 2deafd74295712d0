from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from pgdatahub.config import FolderOptions
from pgdatahub.errors import PgDataHubError, SheetError
from pgdatahub.model.batches import Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.batch_rows import row_selectors
from pgdatahub.readers.tables.layout import EmptySheetError, LayoutCounts, locate
from pgdatahub.values.cells import UNCACHED, Column, ErrorValue, InvalidValue, Kind, TextColumn, Value


def grid(*rows: Sequence[Value], first: int = 1, hidden: frozenset[int] = frozenset()) -> Batch:
    width = max(map(len, rows), default=0)
    columns: dict[int, Column] = {
        position: [row[position] if position < len(row) else None for row in rows] for position in range(width)
    }
    return Batch(rows=range(first, first + len(rows)), columns=columns, hidden_rows=hidden)


def laid_out(
    *batches: Batch, options: FolderOptions | None = None, hidden_columns: frozenset[int] = frozenset()
) -> tuple[Table, list[tuple[int, dict[int, Value]]], LayoutCounts]:
    table, body, counts = locate(batches, sheet="S", options=options or FolderOptions(), hidden_columns=hidden_columns)
    rows: list[tuple[int, dict[int, Value]]] = []
    for batch in body:
        assert len(batch.rows) > 0
        cells: dict[int, Sequence[Value]] = {
            position: [text.decode() or None for text in column.texts] if isinstance(column, TextColumn) else column
            for position, column in batch.columns.items()
        }
        assert all(len(column) == len(batch.rows) for column in cells.values())
        rows += [
            (row, {position: column[index] for position, column in cells.items()})
            for index, row in enumerate(batch.rows)
        ]
    return table, rows, counts


TABLE: tuple[Sequence[Value], ...] = (["Name", "Amount"], ["Ann", 1], ["Bob", 2.5])


def test_the_first_row_is_the_header_unless_said_otherwise() -> None:
    table, rows, counts = laid_out(grid(*TABLE))
    assert table == Table(sheet="S", headers={0: "Name", 1: "Amount"}, header_row=1, first_row=2)
    assert rows == [(2, {0: "Ann", 1: 1}), (3, {0: "Bob", 1: 2.5})]
    assert (counts.counts, counts.examples, counts.notices) == ({}, {}, [])


def test_the_header_may_come_in_any_batch() -> None:
    batches = (grid(["Title"], ["of it"]), grid([None], first=3), grid(*TABLE[:1], first=5), grid(*TABLE[1:], first=6))
    table, rows, counts = laid_out(*batches, options=FolderOptions(header_row=5))
    assert table.headers == {0: "Name", 1: "Amount"}
    assert [row for row, _ in rows] == [6, 7]
    assert counts.counts == {"rows above the header": 2}
    assert counts.examples == {"rows above the header": "row 1"}


def test_header_row_number_counts_rows_that_the_reader_left_out() -> None:
    batch = Batch(rows=(2, 4, 9), columns={1: ["Title", "Head", "x"]})
    table, rows, _ = laid_out(batch, options=FolderOptions(header_row=4))
    assert (table.headers, table.header_row) == ({1: "Head"}, 4)
    assert rows == [(9, {1: "x"})]


@pytest.mark.parametrize(
    ("batch", "header_row", "first"),
    [
        (grid([None], ["Head"], ["x"]), 1, 2),
        (grid(["Head"], ["x"], [" "], ["y"]), 3, 1),
        (grid(["Head"], ["x"]), 7, 1),
        (Batch(rows=(5,), columns={0: ["Head"]}), 1, 5),
    ],
)
def test_empty_header_row_error_names_the_first_row_with_values(batch: Batch, header_row: int, first: int) -> None:
    with pytest.raises(
        SheetError, match=rf"^S: row {header_row}, .* is row {first} \(set header_row: first, {first}, auto"
    ):
        laid_out(batch, options=FolderOptions(header_row=header_row))


@pytest.mark.parametrize("header_row", [1, 3, "auto", "none"])
@pytest.mark.parametrize("batches", [(), (grid(),), (grid([None, ""], ["  ", None]), grid([None], first=3))])
def test_a_sheet_without_a_value_is_an_error_of_its_own(header_row: int, batches: tuple[Batch, ...]) -> None:
    with pytest.raises(EmptySheetError, match=r"^S: the sheet is empty") as raised:
        laid_out(*batches, options=FolderOptions(header_row=header_row))
    copy = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - its own pickle
    assert type(copy) is EmptySheetError
    assert isinstance(copy, PgDataHubError)


def test_a_sheet_with_a_header_alone_has_columns_and_no_rows() -> None:
    table, rows, _ = laid_out(grid(["a", "b"]))
    assert (table.headers, rows) == ({0: "a", 1: "b"}, [])


def test_without_a_header_every_row_is_data() -> None:
    table, rows, _ = laid_out(grid(["a", None], [1, None]), options=FolderOptions(header_row="none"))
    assert (table.headers, table.header_row) == ({}, 0)
    assert rows == [(1, {0: "a"}), (2, {0: 1})]


@pytest.mark.parametrize(
    ("cell", "header"),
    [
        (2024, "2024"),
        (2024.0, "2024"),
        (0.10, "0.1"),
        (1e22, "10000000000000000000000"),
        (True, "true"),
        (date(2024, 1, 31), "2024-01-31"),
        (datetime(2024, 1, 31), "2024-01-31"),  # noqa: DTZ001 - workbooks know no time zones
        (datetime(2024, 1, 31, 8, 30), "2024-01-31 08:30:00"),  # noqa: DTZ001 - likewise
        (time(8, 30), "08:30:00"),
        (timedelta(hours=30), "30:00:00"),
        (" Amount\n(EUR)\t", " Amount\n(EUR)\t"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_headers_of_any_kind_become_their_canonical_text(cell: Value, header: str) -> None:
    assert laid_out(grid([cell]))[0].headers == {0: header}


@pytest.mark.parametrize(
    ("column", "header"),
    [
        (TextColumn(kind=Kind.NUMBER, texts=[b"2.024E3", b"1"]), "2024"),
        (TextColumn(kind=Kind.TEXT, texts=[rb"a\tb\\n\n", b"x"]), "a\tb\\n\n"),
        (TextColumn(kind=Kind.TIMESTAMP, texts=[b"2024-01-31", b""]), "2024-01-31"),
        (TextColumn(kind=Kind.BOOLEAN, texts=[b"true", b""]), "true"),
    ],
)
def test_headers_in_the_fast_form_are_the_same_texts(column: TextColumn, header: str) -> None:
    assert laid_out(Batch(rows=range(1, 3), columns={4: column}))[0].headers == {4: header}


def test_headers_that_are_errors_follow_the_policy_for_errors() -> None:
    batch = grid(["a", ErrorValue("#REF!")], [1, 2])
    assert laid_out(batch)[0].headers == {0: "a"}
    assert laid_out(batch, options=FolderOptions(errors="text"))[0].headers == {0: "a", 1: "#REF!"}
    faults = laid_out(batch, options=FolderOptions(errors="fail"))[2].faults
    assert [str(fault) for fault in faults] == ["S › B1: the header is the error #REF!"]


def test_headers_of_uncached_formulas_follow_their_policy() -> None:
    batch = grid(["a", UNCACHED], [1, 2])
    assert laid_out(batch, options=FolderOptions(uncached="blank"))[0].headers == {0: "a"}
    (fault,) = laid_out(batch)[2].faults
    assert str(fault).startswith("S › B1: the header is a formula")
    assert str(fault.hint).startswith("open the workbook in Excel")


def test_a_header_that_is_invalid_is_a_fault() -> None:
    table, _, counts = laid_out(grid(["a", InvalidValue("'1E400' is too large")], [1, 2]))
    assert table.headers == {0: "a"}
    assert [str(fault) for fault in counts.faults] == ["S › B1: '1E400' is too large (correct the header)"]


def test_auto_finds_header_below_banner_and_names_row_and_reason() -> None:
    batch = grid(
        ["Sales report"], ["Printed", date(2024, 1, 1)], [], ["Region", "2023", 2024, "Note"], ["North", 1, 2, "x"]
    )
    table, rows, counts = laid_out(batch, options=FolderOptions(header_row="auto"))
    assert table.header_row == 4
    assert table.headers == {0: "Region", 1: "2023", 2: "2024", 3: "Note"}
    assert [row for row, _ in rows] == [5]
    assert counts.notices == [
        "header_row: auto took row 4: the first with 4 texts, no two alike, where the fullest row has 4 cells"
    ]
    assert counts.counts == {"rows above the header": 2}


def test_auto_looks_beyond_the_first_batch() -> None:
    batches = [grid([f"line {index}"], first=index) for index in range(1, 9)] + [grid(["a", "b", "c"], first=9)]
    assert laid_out(*batches, options=FolderOptions(header_row="auto"))[0].header_row == 9


@pytest.mark.parametrize(
    "rows", [([1, 2], [3, 4]), (["x", "x"], [1, 2]), (["a", 3.5], ["b", 4.5]), (["a", 1800], ["b", 4.5])]
)
def test_auto_fails_with_a_hint_if_no_row_looks_like_a_header(rows: tuple[Sequence[Value], ...]) -> None:
    with pytest.raises(SheetError, match=r"no header among the first 2 rows .*\(set header_row"):
        laid_out(grid(*rows), options=FolderOptions(header_row="auto"))


def test_skip_rows_skips_sheet_rows_right_below_the_header() -> None:
    batch = grid(["a", "b"], ["kg", "m"], [], [1, 2], [3, 4])
    _, rows, counts = laid_out(batch, options=FolderOptions(skip_rows=2))
    assert [row for row, _ in rows] == [4, 5]
    assert (counts.counts, counts.examples) == ({"skipped rows": 1}, {"skipped rows": "row 2"})


def test_skip_rows_may_reach_over_batches() -> None:
    batches = [grid(["a"])] + [grid([index], first=index) for index in range(2, 8)]
    _, rows, counts = laid_out(*batches, options=FolderOptions(skip_rows=3))
    assert [row for row, _ in rows] == [5, 6, 7]
    assert counts.counts == {"skipped rows": 3}


def test_skip_rows_without_a_header_leaves_out_the_first_rows() -> None:
    _, rows, _ = laid_out(grid([1], [2], [3]), options=FolderOptions(header_row="none", skip_rows=2))
    assert rows == [(3, {0: 3})]


def test_stop_at_blank_ends_at_first_empty_row_after_a_value() -> None:
    batch = grid(["a"], [], [1], [2], [" "], ["Total"], [3])
    _, rows, counts = laid_out(batch, options=FolderOptions(stop_at="blank"))
    assert [row for row, _ in rows] == [3, 4]
    assert counts.counts == {"blank rows": 1, "rows below the end": 2}
    assert counts.examples == {"blank rows": "row 2", "rows below the end": "row 6"}


def test_stop_at_blank_sees_gaps_between_batches_and_numbers() -> None:
    options = FolderOptions(stop_at="blank")
    assert [row for row, _ in laid_out(grid(["a"], [1]), grid([2], first=4), options=options)[1]] == [2]
    gap = Batch(rows=(1, 2, 4), columns={0: ["a", 1, 2]})
    assert [row for row, _ in laid_out(gap, options=options)[1]] == [2]


@pytest.mark.parametrize("text", ["total", " TOTAL ", "Total"])
def test_stop_at_text_leaves_out_that_row_and_all_below(text: str) -> None:
    batch = Batch(
        rows=range(1, 7), columns={2: ["a", "x", "Total!", "  Total", "y", None], 3: ["b", "Total", None, 1, 2, 3]}
    )
    _, rows, counts = laid_out(batch, grid([None, None, "z"], first=7), options=FolderOptions(stop_at=text))
    assert [row for row, _ in rows] == [2, 3]
    assert (counts.counts, counts.examples) == ({"rows below the end": 4}, {"rows below the end": "row 4"})
    assert counts.notices == []


def test_stop_at_knows_the_fast_form() -> None:
    column = TextColumn(kind=Kind.TEXT, texts=[b"a", b"x", rb"Grand\\total", b"y"])
    batch = Batch(rows=range(1, 5), columns={0: column})
    assert [row for row, _ in laid_out(batch, options=FolderOptions(stop_at="grand\\TOTAL"))[1]] == [2]


def test_a_text_to_stop_at_that_never_comes_is_a_notice() -> None:
    _, rows, counts = laid_out(grid(*TABLE), options=FolderOptions(stop_at="Total"))
    assert len(rows) == 2
    assert counts.notices == ["stop_at: no row begins with 'Total'; all were taken"]


def test_empty_rows_are_counted_up_to_the_last_row_with_a_value() -> None:
    batches = (grid(["a", "b"], [None, ""], [None, 0]), grid([], ["  "], ["x"], first=4), grid([], [], first=7))
    _, rows, counts = laid_out(*batches)
    assert [row for row, _ in rows] == [3, 6]
    assert (counts.counts, counts.examples) == ({"blank rows": 3}, {"blank rows": "row 2"})


def test_rows_that_the_reader_left_out_count_like_empty_ones() -> None:
    batch = Batch(rows=(1, 3, 6), columns={0: ["a", 1, 2]})
    assert laid_out(batch)[2].counts == laid_out(grid(["a"], [], [1], [], [], [2]))[2].counts == {"blank rows": 3}


@pytest.mark.parametrize(
    ("value", "kind"), [(ErrorValue("#N/A"), "error #N/A"), (UNCACHED, "formula without a result")]
)
def test_header_that_is_left_out_is_named(value: Value, kind: str) -> None:
    table, _, counts = laid_out(grid(["a", value], [1, 2]), options=FolderOptions(uncached="blank"))
    assert dict(table.headers) == {0: "a"}
    assert [str(notice) for notice in counts.notices if kind in notice and "B1" in notice]


@pytest.mark.parametrize("value", [0, 0.0, False, time(0), timedelta(0), ErrorValue("#N/A"), UNCACHED])
def test_a_value_that_python_takes_for_false_is_a_value(value: Value) -> None:
    assert laid_out(grid(["a"], [value]))[1] == [(2, {0: value})]


def test_hidden_rows_and_columns_are_loaded_and_counted() -> None:
    batch = grid(["a", "b", "c"], [1, 2, 3], [], [4, 5, 6], hidden=frozenset({3, 4}))
    table, rows, counts = laid_out(batch, hidden_columns=frozenset({1, 2, 8}))
    assert rows == [(2, {0: 1, 1: 2, 2: 3}), (4, {0: 4, 1: 5, 2: 6})]
    assert table.headers == {0: "a", 1: "b", 2: "c"}
    assert counts.counts == {"hidden columns": 2, "blank rows": 1, "hidden rows": 1}
    assert counts.examples == {"hidden columns": "column B", "blank rows": "row 3", "hidden rows": "row 4"}


def test_hidden_rows_and_columns_are_skipped_and_counted_if_set() -> None:
    batch = grid(["a", "b", None], [1, 2, 9], [3, 4, None], hidden=frozenset({1, 2}))
    options = FolderOptions(hidden="skip")
    table, rows, counts = laid_out(batch, options=options, hidden_columns=frozenset({1, 2, 8}))
    assert table == Table(sheet="S", headers={0: "a"}, header_row=1, first_row=2)
    assert rows == [(3, {0: 3})]
    assert counts.counts == {"hidden columns": 2, "hidden rows": 1}


def test_columns_with_neither_header_nor_value_are_left_out() -> None:
    batch = Batch(
        rows=range(1, 3),
        columns={
            0: ["a", None],
            1: [None, None],
            2: TextColumn(kind=Kind.TEXT, texts=[b"", b""]),
            3: ["", 5],
            4: ["", " "],
        },
    )
    table, rows, _ = laid_out(batch)
    assert table.headers == {0: "a"}
    assert rows == [(2, {0: None, 3: 5})]


def test_a_batch_that_needs_nothing_passes_as_it_is() -> None:
    later = Batch(rows=range(3, 5), columns={0: TextColumn(kind=Kind.TEXT, texts=(b"x", b"y")), 1: [None, 2]})
    _, body, _ = locate([grid(["a", "b"], [1, 2]), later], sheet="S", options=FolderOptions())
    assert list(body)[1] is later


def test_the_sheet_is_read_as_its_rows_are_asked_for() -> None:
    taken = []

    def batches() -> Iterator[Batch]:
        for index in range(5):
            taken.append(index)
            yield grid(*([f"v{row}"] for row in range(30)), first=1 + 30 * index)

    _, body, _ = locate(batches(), sheet="S", options=FolderOptions())
    assert taken == [0]
    next(body)
    next(body)
    assert taken == [0, 1]


def test_first_header_row_is_the_first_with_a_value() -> None:
    table, rows, counts = laid_out(grid([None], [None], ["a"], [1]), options=FolderOptions())
    assert (table.header_row, table.headers, rows) == (3, {0: "a"}, [(4, {0: 1})])
    assert counts.counts["blank rows"] == 2


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((["Sales 2024"], ["region", "q1", "q2"]), "it has 1 value, and a row below has 3"),
        (([5, 6.5], [1, 2]), "2 of its 2 cells are not texts, such as '5'"),
    ],
)
def test_doubtful_header_row_gives_a_warning(rows: tuple[list[Value], ...], reason: str) -> None:
    _, _, counts = laid_out(grid(*rows), options=FolderOptions())
    assert len(counts.notices) == 1
    assert reason in counts.notices[0]
    assert "header_row:" in counts.notices[0]


@pytest.mark.parametrize("header", [["a", "b"], ["a", 2024], ["a", date(2024, 1, 1), "c"]])
def test_usual_header_row_gives_no_warning(header: list[Value]) -> None:
    _, _, counts = laid_out(grid(header, [1, 2], [3, 4]), options=FolderOptions())
    assert counts.notices == []


def test_auto_takes_dates_above_numbers_as_headers() -> None:
    batch = grid(["Pivot"], ["Region", date(2024, 1, 1), date(2024, 2, 1)], ["North", 5, 6], ["South", 7, 8.5])
    table, _, _ = laid_out(batch, options=FolderOptions(header_row="auto"))
    assert (table.header_row, table.headers[1]) == (2, "2024-01-01")


@pytest.mark.parametrize(
    ("above", "header_row"),
    [
        (["Name", date(2024, 1, 1), date(2024, 1, 2)], 1),  # a list of attendances
        ([date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)], 1),
        (["Report of", date(2024, 1, 1), None], 2),
        ([1, 2, 3], 2),
    ],
    ids=["attendance", "months", "title", "column numbers"],
)
def test_auto_takes_dates_above_texts_as_headers(above: list[Value], header_row: int) -> None:
    batch = grid(above, ["Ada", "present", "absent"], ["Bob", "absent", "present"])
    assert laid_out(batch, options=FolderOptions(header_row="auto"))[0].header_row == header_row


def test_rows_that_the_reader_knows_are_not_examined() -> None:
    sparse = Unread([None, 1])
    batch = Batch(rows=(2, 3), columns={0: sparse, 1: sparse}, filled=True)
    assert row_selectors(batch) == (True, True)
    with pytest.raises(AssertionError, match="examined"):
        row_selectors(replace(batch, filled=False))


def test_row_with_values_in_hidden_columns_alone_is_blank() -> None:
    batches = (grid(*TABLE[:1]), replace(grid(["Ann", None], ["Bob", 2], first=2), filled=True))
    _, rows, _ = laid_out(*batches, options=FolderOptions(hidden="skip"), hidden_columns=frozenset({0}))
    assert [row for row, _ in rows] == [3]


class Unread(list[Value]):
    """A column whose cells must not be read."""

    def __iter__(self) -> Iterator[Value]:
        raise AssertionError("a cell was examined")
