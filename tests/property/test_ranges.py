"""Laws of ranges and of headers of several rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from pgdatahub.config import FolderOptions
from pgdatahub.config.cell_ranges import parse_range
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.tables.header_levels import join_levels
from pgdatahub.readers.tables.layout import locate
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.tables.window import Window
from pgdatahub.values.cells import Value, column_letters
from pgdatahub.values.column_values import as_values

Block = Sequence[Sequence[Value]]
CELLS: st.SearchStrategy[Value] = st.sampled_from([None, "x", "y", 0, 7, 2.5, True])


@st.composite
def blocks(draw: st.DrawFn) -> list[list[Value]]:
    """Draw a header of distinct texts and rows below it."""
    width = draw(st.integers(1, 4))
    header: list[Value] = [f"h{number}" for number in range(width)]
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))
    return [header, *rows]


def _batches(cells: Mapping[tuple[int, int], Value], size: int) -> list[Batch]:
    numbers = sorted({row for row, _ in cells})
    found = []
    for start in range(0, len(numbers), size):
        rows = numbers[start : start + size]
        positions = {position for row, position in cells if row in rows}
        columns = {position: [cells.get((row, position)) for row in rows] for position in positions}
        found.append(Batch(rows=tuple(rows), columns=columns))
    return found


def _place(block: Block, row: int, position: int) -> dict[tuple[int, int], Value]:
    return {
        (row + down, position + right): value
        for down, cells in enumerate(block)
        for right, value in enumerate(cells)
        if value is not None
    }


def _read(
    batches: Sequence[Batch], window: Window | None, row: int, position: int
) -> tuple[dict[int, str], list[tuple[int, dict[int, Value]]]]:
    """Return headers and rows, counted from the block's own corner."""
    table, body, _ = locate(batches, sheet="S", options=FolderOptions(header_row="first"), window=window)
    rows: list[tuple[int, dict[int, Value]]] = []
    for batch in body:
        for index, number in enumerate(batch.rows):
            cells = {at - position: as_values(column)[index] for at, column in batch.columns.items()}
            rows.append((number - row, {at: value for at, value in cells.items() if value is not None}))
    return {at - position: text for at, text in table.headers.items()}, rows


@given(block=blocks(), beside=blocks(), row=st.integers(1, 5), position=st.integers(0, 4), size=st.integers(1, 9),
       is_open=st.booleans(), has_note=st.booleans())  # fmt: skip
def test_law_of_range_a_block_reads_as_alone_at_a1(
    block: Block, beside: Block, row: int, position: int, size: int, is_open: bool, has_note: bool
) -> None:
    width = len(block[0])
    cells: dict[tuple[int, int], Value] = {(1, 0): "title"} if row > 1 else {}
    cells |= _place(block, row, position) | _place(beside, row, position + width + 1)
    if has_note and not is_open:
        cells[row + len(block), position] = "note"
    letters = column_letters(position), column_letters(position + width - 1)
    written = f"{letters[0]}{row}:{letters[1]}{'' if is_open else row + len(block) - 1}"
    area = parse_range(written)
    window = Window(
        text=written,
        first_row=area.first_row,
        last_row=area.last_row,
        first_column=area.first_column,
        last_column=area.last_column,
    )
    alone = _read(_batches(_place(block, 1, 0), 100), None, 1, 0)
    assert _read(_batches(cells, size), window, row, position) == alone


@st.composite
def levels(draw: st.DrawFn) -> tuple[dict[int, dict[int, str]], list[Area]]:
    """Draw header rows with merged areas, of which only the first cell has a text."""
    depth, width = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    texts: dict[int, dict[int, str]] = {row: {} for row in range(1, depth + 1)}
    areas, taken = [], set[tuple[int, int]]()
    for row in range(1, depth + 1):
        for position in range(width):
            if (row, position) in taken:
                continue
            last_row, last = draw(st.integers(row, depth)), draw(st.integers(position, width - 1))
            cells = {(r, p) for r in range(row, last_row + 1) for p in range(position, last + 1)}
            if draw(st.booleans()) and taken.isdisjoint(cells):
                areas.append(Area(first_row=row, first_column=position, last_row=last_row, last_column=last))
            else:
                cells = {(row, position)}
            taken |= cells
            text = draw(st.sampled_from(["", "2025", "Units", "units", "a b", "x" * 70]))
            if text:
                texts[row][position] = text
    return texts, areas


@given(levels())
def test_law_of_header_areas_are_as_written_out(drawn: tuple[dict[int, dict[int, str]], list[Area]]) -> None:
    texts, areas = drawn
    written = {row: dict(cells) for row, cells in texts.items()}
    for area in areas:
        text = texts[area.first_row].get(area.first_column)
        if text is not None:
            for row in range(area.first_row, area.last_row + 1):
                written[row] |= dict.fromkeys(range(area.first_column, area.last_column + 1), text)
    assert join_levels(texts, areas, "merged") == join_levels(written, (), "merged")
    assert join_levels(dict(reversed(texts.items())), areas[::-1], "merged") == join_levels(texts, areas, "merged")
