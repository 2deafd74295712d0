"""Location of the table in a sheet: header, first row and last row.

A reader passes on the whole sheet; this module returns the rows of one table, and counts of the cells left out. The module
cuts and filters whole columns, and examines single cells only if a setting requires it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, compress
from operator import not_
from typing import TYPE_CHECKING, TypeAlias

from pgdatahub.errors import CellError, SheetError
from pgdatahub.model.batches import Table
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.header_doubts import ROWS, describe_doubt, family, is_header_text, may_be_wider
from pgdatahub.values.cells import UNCACHED, Column, ErrorValue, Kind, TextColumn, cell_address, column_letters
from pgdatahub.values.copytext import escape, unescape
from pgdatahub.values.fields import FieldBuffer
from pgdatahub.values.numbers import canonical_number, parse_number
from pgdatahub.values.python_values import type_value
from pgdatahub.values.tallies import MixedColumn

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions

AUTO_ROWS = 100
"""Number of rows with a value that ``header_row: auto`` examines."""


class EmptySheetError(SheetError):
    """The sheet has no cell with a value, so no header and no table.

    ``left_out`` names the visible sheets with data that the settings leave out.
    """

    left_out: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class LayoutCounts:
    """Counts of the rows and columns that were left out of a sheet or are hidden; complete after the last batch.

    Attributes:
        counts: Numbers of ``blank rows`` (between the header and the last row), ``hidden rows``, ``hidden columns``, ``rows
            above the header``, ``skipped rows`` and ``rows below the end``. A row without a value counts as a blank row
            or not at all. Hidden rows and columns count even if they are loaded.
        examples: For each key of ``counts`` the first row or column, as ``row 17`` or ``column C``.
        notices: Notices for the user.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def add(self, key: str, number: int, example: str) -> None:
        """Count ``number`` more of ``key``."""
        if number:
            self.counts[key] = self.counts.get(key, 0) + number
            self.examples.setdefault(key, example)


def locate(
    batches: Iterable[Batch],
    *,
    sheet: str,
    options: FolderOptions,
    hidden_columns: frozenset[int] = frozenset(),
) -> tuple[Table, Iterator[Batch], LayoutCounts]:
    """Find the table in a sheet.

    - ``header_row: first`` takes the first row with a value; empty rows above count as blank rows. ``n`` takes row n of the
      sheet, counted from 1, empty rows included. ``auto`` examines the first 100 rows with a value. ``auto`` takes the first
      row with more than half as many filled cells as the fullest row, if all its cells are texts (or years: whole numbers
      from 1900 to 2100) and no two are equal. Without such a row, ``auto`` takes the first row whose other cells stand only
      above values of other kinds, such as dates above numbers. A notice names the row. ``none``: all rows are data.
    - ``skip_rows: n`` leaves out the n rows of the sheet right below the header, such as a row of units; without a header,
      the first n rows of the sheet.
    - ``stop_at: blank`` ends the table at the first empty row below a row with a value. Any other text ends the table at
      the row with this text in the table's first column (without a header: in the row's first cell with a value); the
      comparison ignores case and outer white space. That row and all rows below are left out.
    - ``hidden: skip`` leaves out hidden rows and columns. A hidden header row is still the header.
    - Rows without any value and columns with neither header nor value are always left out.

    Args:
        batches: The sheet as the reader yields it.
        sheet: The sheet's name.
        options: The settings of the folder.
        hidden_columns: Positions (from 0) of the columns that the sheet hides.

    Returns:
        The table, its rows (an iterator to consume once), and the counts of what was left out.

    Raises:
        EmptySheetError: The sheet has no value.
        SheetError: The header row is empty, or no row looks like a header.
        CellError: A header is an error or an uncached formula, under a policy that forbids it.
    """
    counts = LayoutCounts()
    source = iter(batches)
    if options.header_row == "none":
        row, source = 0, _nonempty(source, sheet)
    elif options.header_row == "auto":
        row, source = _find_header(source, sheet, counts)
    elif options.header_row == "first":
        row, source = _first_row(source, sheet, counts)
    else:
        row = int(options.header_row)
        source = _seek(source, row, sheet, counts)
    header, source = _split_header(source, row)
    headers = _headers(header, sheet, options)
    if header is not None and options.header_row != "auto":
        source = _note_doubt(row, header, source, counts)
    skipped = hidden_columns if options.hidden == "skip" else frozenset()
    table = Table(
        sheet=sheet,
        headers={position: text for position, text in headers.items() if position not in skipped},
        header_row=row,
        hidden_columns=hidden_columns - skipped,
    )
    body = _Body(table, options, counts, hidden_columns, hidden_columns & headers.keys())
    return table, body.batches(source), counts


# ── the header ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _nonempty(source: Iterator[Batch], sheet: str) -> Iterator[Batch]:
    for batch in source:
        if any(_selectors(batch)):
            return chain((batch,), source)
    raise _empty(sheet)


def _first_row(source: Iterator[Batch], sheet: str, counts: LayoutCounts) -> tuple[int, Iterator[Batch]]:
    """Return the number of the first row with a value, and the rows from that row on."""
    source = _nonempty(source, sheet)
    batch = next(source)
    row = _filled_rows(batch)[0]
    counts.add("blank rows", row - 1, "row 1")
    return row, chain((batch,), source)


def _seek(source: Iterator[Batch], row: int, sheet: str, counts: LayoutCounts) -> Iterator[Batch]:
    """Return the rows from ``row`` on; ``row`` must have a value."""
    above: list[int] = []
    for batch in source:
        start = bisect_left(batch.rows, row)
        filled = _filled_rows(_cut(batch, 0, start))
        counts.add("rows above the header", len(filled), f"row {filled[0]}" if filled else "")
        above += filled[: 1 - len(above)]
        batch = _cut(batch, start, len(batch.rows))
        below = _filled_rows(batch)
        if below[:1] == [row]:
            return chain((batch,), source)
        if below:
            raise _no_header(row, (above + below)[0], sheet)
    if above:
        raise _no_header(row, above[0], sheet)
    raise _empty(sheet)


def _empty(sheet: str) -> EmptySheetError:
    return EmptySheetError("the sheet is empty", where=sheet, hint="no cell of it has a value")


def _no_header(row: int, first: int, sheet: str) -> SheetError:
    return SheetError(
        f"row {row}, which should have the headers, is empty; the first row with a value is row {first}",
        where=sheet,
        hint=f"set header_row: first, {first}, auto or none for the folder",
    )


_Cells: TypeAlias = "dict[int, tuple[Kind | None, str]]"
"""Position → kind and text of a cell with a value."""


def _find_header(source: Iterator[Batch], sheet: str, counts: LayoutCounts) -> tuple[int, Iterator[Batch]]:
    """Return the number of the row that looks like a header, and the rows from that row on.

    Raises:
        EmptySheetError: The sheet has no value.
        SheetError: No row looks like a header.
    """
    candidates, source = _look_ahead(source, AUTO_ROWS)
    if not candidates:
        raise _empty(sheet)
    width = max(len(cells) for _, cells in candidates)
    wide = [above for above, (_, cells) in enumerate(candidates) if 2 * len(cells) > width]
    for above in wide:
        row, cells = candidates[above]
        if _are_header_texts(cells):
            why = f"the first with {len(cells)} texts, no two alike, where the fullest row has {width} cells"
            break
    else:
        found = next((above for above in wide if _heads_other_kinds(candidates, above)), None)
        if found is None:
            raise SheetError(
                f"none of the first {len(candidates)} rows with a value looks like a header",
                where=sheet,
                hint="set header_row to the number of the row, or none, for the folder",
            )
        above = found
        row, cells = candidates[above]
        why = f"the first of {len(cells)} cells, no two alike, with values of other kinds below its dates and numbers"
    counts.notices.append(f"header_row: auto took row {row}: {why}")
    counts.add("rows above the header", above, f"row {candidates[0][0]}")
    return row, source


def _look_ahead(source: Iterator[Batch], most: int) -> tuple[list[tuple[int, _Cells]], Iterator[Batch]]:
    """Return the first ``most`` rows with a value, each with its number, and an iterator over all rows."""
    read: list[Batch] = []
    found: list[tuple[int, _Cells]] = []
    for batch in source:
        read.append(batch)
        for row in _filled_rows(batch)[: most - len(found)]:
            index = bisect_left(batch.rows, row)
            shown = ((position, _shown(column, index)) for position, column in batch.columns.items())
            found.append((row, {position: cell for position, cell in shown if cell[1]}))
        if len(found) >= most:
            break
    return found, chain(read, source)


def _are_header_texts(cells: _Cells) -> bool:
    return _differ(cells) and all(is_header_text(kind, text) for kind, text in cells.values())


def _heads_other_kinds(rows: Sequence[tuple[int, _Cells]], above: int) -> bool:
    """Return whether no two cells of a row are equal and each is a header's text or only above values of other kinds."""
    cells = rows[above][1]
    if not _differ(cells):
        return False
    for position, (kind, text) in cells.items():
        if is_header_text(kind, text):
            continue
        below = {family(found[position][0]) for _, found in rows[above + 1 :] if position in found}
        if not below or family(kind) in below:
            return False
    return True


def _differ(cells: _Cells) -> bool:
    return len({text.strip().casefold() for _, text in cells.values()}) == len(cells)


def _note_doubt(row: int, header: Batch, source: Iterator[Batch], counts: LayoutCounts) -> Iterator[Batch]:
    """Add a notice if the header row does not look like a header; return the rows below, from ``source``."""
    headers = [cell for column in header.columns.values() if (cell := _shown(column, 0))[1]]
    read: list[Batch] = []
    positions: set[int] = set()
    for batch in source:
        read.append(batch)
        positions.update(batch.columns)
        if sum(len(batch.rows) for batch in read) >= ROWS:
            break
    source = chain(read, source)
    widths: list[int] = []
    if may_be_wider(len(positions), headers):
        # Cell by cell, a tenth of the time that a small file takes.
        below, source = _look_ahead(source, ROWS)
        widths = [len(cells) for _, cells in below]
    doubt = describe_doubt(row, headers, widths)
    if doubt:
        counts.notices.append(doubt)
    return source


def _split_header(source: Iterator[Batch], row: int) -> tuple[Batch | None, Iterator[Batch]]:
    """Return the header row as a batch, and the batches below; ``row`` is in ``source``, or 0 for no header."""
    if not row:
        return None, source
    for batch in source:
        start = bisect_left(batch.rows, row)
        if start < len(batch.rows):
            return _cut(batch, start, start + 1), chain((_cut(batch, start + 1, len(batch.rows)),), source)
    raise AssertionError(f"row {row} was seen and is gone")


def _headers(header: Batch | None, sheet: str, options: FolderOptions) -> Mapping[int, str]:
    if header is None:
        return {}
    texts = {}
    for position, column in sorted(header.columns.items()):
        cell = None if isinstance(column, TextColumn) else column[0]
        where = f"{sheet} › {cell_address(header.rows[0], position)}"
        if isinstance(cell, ErrorValue) and options.errors != "text":
            if options.errors == "fail":
                raise CellError(f"the header is the error {cell.code}", where=where)
            continue
        if cell is UNCACHED:
            if options.uncached == "fail":
                raise CellError(
                    "the header is a formula whose result is not in the file",
                    where=where,
                    hint="open the workbook in Excel and save it, or set uncached: blank",
                )
            continue
        text = _shown(column, 0)[1]
        if text:
            texts[position] = text
    return texts


# ── the rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Body:
    """The rows below the header."""

    def __init__(
        self,
        table: Table,
        options: FolderOptions,
        counts: LayoutCounts,
        hidden_columns: frozenset[int],
        hidden_headers: frozenset[int],
    ) -> None:
        self._headers = table.headers
        self._options = options
        self._counts = counts
        self._hidden_columns = hidden_columns
        self._seen_hidden: set[int] = set()
        self._first_row = table.header_row + options.skip_rows + 1
        self._last_row = self._first_row - 1  # the last row with a value so far
        self._begun = False
        self._ended = False
        self._stop = options.stop_at.strip().casefold() if options.stop_at else ""
        self._first_column = min(table.headers, default=None)
        self._count_hidden_columns(hidden_headers)

    def batches(self, source: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the table's rows."""
        for batch in source:
            rest = self._without_end(self._without_blank_rows(self._without_columns(self._without_top(batch))))
            if rest.rows:
                self._count_blank_rows(rest.rows)
                rest = self._without_hidden_rows(rest)
            if rest.rows:
                yield rest
        if self._stop not in ("", "blank") and not self._ended:
            self._counts.notices.append(f"stop_at: no row begins with {self._options.stop_at!r}; all were taken")

    def _without_top(self, batch: Batch) -> Batch:
        """Leave out the rows that ``skip_rows`` names."""
        start = bisect_left(batch.rows, self._first_row) if batch.rows and batch.rows[0] < self._first_row else 0
        if not start:
            return batch
        skipped = _filled_rows(_cut(batch, 0, start))
        self._counts.add("skipped rows", len(skipped), f"row {skipped[0]}" if skipped else "")
        return _cut(batch, start, len(batch.rows))

    def _without_columns(self, batch: Batch) -> Batch:
        """Leave out columns with neither header nor value, and hidden columns if the folder's settings skip them."""
        hidden = self._hidden_columns & batch.columns.keys()
        empty = {
            position
            for position in (batch.columns.keys() - self._headers.keys()) | hidden
            if not any(_column_selectors(batch.columns[position]))
        }
        self._count_hidden_columns(hidden - empty)
        left_out = hidden if self._options.hidden == "skip" else frozenset[int]()
        left_out |= empty - self._headers.keys()
        if not left_out:
            return batch
        kept = {position: column for position, column in batch.columns.items() if position not in left_out}
        return replace(batch, columns=kept)

    def _without_blank_rows(self, batch: Batch) -> Batch:
        selectors = _selectors(batch)
        return batch if all(selectors) else _sieve(batch, selectors)

    def _without_end(self, batch: Batch) -> Batch:
        """Leave out the rows after the end of the table; all rows of ``batch`` have a value."""
        if not self._stop or not batch.rows:
            return batch
        end = 0 if self._ended else self._end(batch)
        if end < len(batch.rows):
            self._ended = True
            self._counts.add("rows below the end", len(batch.rows) - end, f"row {batch.rows[end]}")
            batch = _cut(batch, 0, end)
        return batch

    def _end(self, batch: Batch) -> int:
        rows = batch.rows
        if self._stop == "blank":
            last = self._last_row if self._begun else rows[0] - 1
            if rows[-1] - last == len(rows):
                return len(rows)
            return next(index for index, row in enumerate(rows) if row != last + 1 + index)
        # Without a header, the table's first column is unknown until the sheet is read: compare each row's first cell.
        first = sorted(batch.columns) if self._first_column is None else [self._first_column]
        columns = [batch.columns[position] for position in first if position in batch.columns]
        if not any(_may_hold(column, self._stop) for column in columns):
            return len(rows)
        for index in range(len(rows)):
            text = next((text for column in columns if (text := _shown(column, index)[1])), "")
            if text.strip().casefold() == self._stop:
                return index
        return len(rows)

    def _count_blank_rows(self, rows: Sequence[int]) -> None:
        blank = rows[-1] - self._last_row - len(rows)
        if blank:
            before = chain((self._last_row,), rows)
            first = next(previous + 1 for previous, row in zip(before, rows, strict=False) if row != previous + 1)
            self._counts.add("blank rows", blank, f"row {first}")
        self._last_row = rows[-1]
        self._begun = True

    def _without_hidden_rows(self, batch: Batch) -> Batch:
        if not batch.hidden_rows:
            return batch
        hidden = batch.hidden_rows.intersection(batch.rows)
        self._counts.add("hidden rows", len(hidden), f"row {min(hidden, default=0)}")
        if self._options.hidden == "load":
            return replace(batch, hidden_rows=hidden)
        batch = replace(batch, hidden_rows=frozenset())
        return _sieve(batch, [row not in hidden for row in batch.rows]) if hidden else batch

    def _count_hidden_columns(self, hidden: frozenset[int]) -> None:
        for position in sorted(hidden - self._seen_hidden):
            self._seen_hidden.add(position)
            self._counts.add("hidden columns", 1, f"column {column_letters(position)}")


# ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cut(batch: Batch, start: int, stop: int) -> Batch:
    return batch if start == 0 and stop == len(batch.rows) else batch.slice(start, stop)


def _sieve(batch: Batch, selectors: Sequence[object]) -> Batch:
    columns: dict[int, Column] = {
        position: replace(column, texts=list(compress(column.texts, selectors)))
        if isinstance(column, TextColumn)
        else list(compress(column, selectors))
        for position, column in batch.columns.items()
    }
    return replace(batch, rows=tuple(compress(batch.rows, selectors)), columns=columns)


def _column_selectors(column: Column) -> Sequence[object]:
    """Return a true object for each cell with a value and a false object for each empty cell."""
    if isinstance(column, TextColumn | MixedColumn):
        texts = column.texts if isinstance(column, TextColumn) else column.fields
        full = isinstance(texts, FieldBuffer) and texts.is_full
        return (True,) * len(column) if full else texts
    kinds = set(map(type, column))
    if type(None) not in kinds and not any(issubclass(kind, str) for kind in kinds):
        return (True,) * len(column)
    return [value is not None and not (isinstance(value, str) and not value.strip()) for value in column]


def _selectors(batch: Batch) -> Sequence[object]:
    """Return a true object for each row with a value and a false object for each empty row.

    Most first columns have no empty cell, and then the other columns are not examined. A row is not examined after its first
    value either.
    """
    empty: Sequence[int] = range(len(batch.rows))
    for position in sorted(batch.columns):
        if not empty:
            break
        selectors = _column_selectors(batch.columns[position])
        if isinstance(empty, range):
            empty = list(compress(empty, map(not_, selectors)))
        else:
            empty = [index for index in empty if not selectors[index]]
    filled = [True] * len(batch.rows)
    for index in empty:
        filled[index] = False
    return filled


def _filled_rows(batch: Batch) -> list[int]:
    return list(compress(batch.rows, _selectors(batch)))


def _may_hold(column: Column, text: str) -> bool:
    """Return whether a cell of ``column`` may be the casefolded ``text``: a quick test with false positives only."""
    if not isinstance(column, TextColumn):
        return True
    if column.kind is Kind.NUMBER:
        return any(map(str.isdigit, text))
    return escape(text).decode() in b"\n".join(column.texts).decode().casefold()


def _shown(column: Column, index: int) -> tuple[Kind | None, str]:
    """Return the kind and the canonical text of a cell; ``(None, "")`` for an empty cell; an error's kind is None."""
    if not isinstance(column, TextColumn):
        value = column[index]
        if value is UNCACHED:
            return None, UNCACHED.value
        kind, text = type_value(value)
        return (None if isinstance(value, ErrorValue) else kind), unescape(text)
    text = column.texts[index]
    if column.kind is Kind.NUMBER and text:
        number = parse_number(text)
        return (Kind.INTEGER if isinstance(number, int) else Kind.NUMBER), canonical_number(number).decode()
    return (column.kind if text else None), unescape(text)
