"""The table found by whole columns is the one that a reader with a pencil finds row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.config import FolderOptions
from pgdatahub.errors import SheetError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.layout import locate
from pgdatahub.values.cells import Column, Kind, TextColumn, Value

Row = tuple[int, dict[int, Value]]
Draw = Callable[[st.SearchStrategy[Any]], Any]

CELLS = st.sampled_from([None, None, "", " ", "x", "y", "End", " end ", 0, 7, 2.5, False])
WIDTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    rows: Mapping[int, Sequence[Value]]
    hidden_rows: frozenset[int]
    hidden_columns: frozenset[int]
    options: FolderOptions


HEADER_ROWS: list[int | str] = [1, 2, 3, "none"]


@st.composite
def drawn_sheets(draw: st.DrawFn) -> Drawn:
    cells = draw(st.lists(st.lists(CELLS, min_size=WIDTH, max_size=WIDTH), max_size=12))
    start = draw(st.integers(1, 3))
    options = FolderOptions(
        header_row=draw(st.sampled_from(HEADER_ROWS)),
        skip_rows=draw(st.integers(0, 2)),
        stop_at=draw(st.sampled_from([None, "blank", "end"])),
        hidden=draw(st.sampled_from(["load", "skip"])),
    )
    return Drawn(
        rows=dict(enumerate(cells, start)),
        hidden_rows=draw(st.frozensets(st.integers(1, 14), max_size=4)),
        hidden_columns=draw(st.frozensets(st.integers(0, WIDTH), max_size=2)),
        options=options,
    )


def filled(value: Value) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def by_hand(sheet: Drawn) -> tuple[dict[int, Value], list[Row], dict[str, int]] | None:
    """Return headers, rows and some counts, or None without a table."""
    options = sheet.options
    skip = sheet.hidden_columns if options.hidden == "skip" else frozenset()
    if not any(filled(value) for row in sheet.rows.values() for value in row):
        return None
    header_row = 0 if options.header_row == "none" else int(options.header_row)
    headers: dict[int, Value] = {}
    if header_row:
        header = sheet.rows.get(header_row, ())
        if not any(map(filled, header)):
            return None
        headers = {position: value for position, value in enumerate(header) if filled(value) and position not in skip}
    rows: list[Row] = []
    counts = {"blank rows": 0, "hidden rows": 0, "rows below the end": 0, "skipped rows": 0}
    ended = begun = False
    blank = 0
    for number in range(header_row + 1, max(sheet.rows) + 1):
        cells = {position: value for position, value in enumerate(sheet.rows.get(number, ())) if filled(value)}
        if number <= header_row + options.skip_rows:
            counts["skipped rows"] += bool(cells)
            continue
        cells = {position: value for position, value in cells.items() if position not in skip}
        if not cells:
            blank += 1
            ended = ended or (options.stop_at == "blank" and begun)
            continue
        if options.stop_at == "end":
            first = min(headers) if headers else min(cells)
            text = cells.get(first)
            ended = ended or (isinstance(text, str) and text.strip().lower() == "end")
        if ended:
            counts["rows below the end"] += 1
            continue
        begun = True
        counts["blank rows"] += blank
        blank = 0
        hidden = number in sheet.hidden_rows
        counts["hidden rows"] += hidden
        if not (hidden and options.hidden == "skip"):
            rows.append((number, cells))
    return headers, rows, counts


def batched(sheet: Drawn, draw: Draw) -> list[Batch]:
    """Return the sheet in batches of any size, in either form, with rows and columns left out where they may be."""
    batches = []
    numbers = [number for number, row in sheet.rows.items() if any(map(filled, row)) or draw(st.booleans())]
    while numbers:
        size = draw(st.integers(1, len(numbers)))
        taken, numbers = numbers[:size], numbers[size:]
        columns: dict[int, Column] = {}
        for position in range(WIDTH):
            values = [sheet.rows[number][position] for number in taken]
            if any(map(filled, values)) or draw(st.booleans()):
                columns[position] = formed(values, draw)
        batches.append(Batch(rows=tuple(taken), columns=columns, hidden_rows=sheet.hidden_rows & set(taken)))
    return batches


def formed(values: list[Value], draw: Draw) -> Column:
    if all(isinstance(value, str) or value is None for value in values) and draw(st.booleans()):
        texts = [value.encode() if isinstance(value, str) and value.strip() else b"" for value in values]
        return TextColumn(kind=Kind.TEXT, texts=texts)
    return values


def plain(column: Column) -> Sequence[Value]:
    return [text.decode() for text in column.texts] if isinstance(column, TextColumn) else column


@given(drawn_sheets(), st.data())
def test_table_does_not_depend_on_the_batches_of_the_sheet(sheet: Drawn, data: st.DataObject) -> None:
    expected = by_hand(sheet)
    try:
        table, body, layout = locate(
            batched(sheet, data.draw), sheet="S", options=sheet.options, hidden_columns=sheet.hidden_columns
        )
    except SheetError:
        assert expected is None
        return
    assert expected is not None
    headers, rows, counts = expected
    found: list[Row] = []
    for batch in body:
        for index, number in enumerate(batch.rows):
            cells = {position: plain(column)[index] for position, column in batch.columns.items()}
            found.append((number, {position: value for position, value in cells.items() if filled(value)}))
    assert found == rows
    assert table.headers == {
        position: ("false" if value is False else str(value)) for position, value in headers.items()
    }
    assert {key: layout.counts.get(key, 0) for key in counts} == counts
