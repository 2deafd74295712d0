"""The core's readers of one sheet, and what they found as batches."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.xlsx.native.interface import (
    BATCH_ROWS,
    KIND_CODES,
    ColumnState,
    NativeError,
    SheetState,
    TableSettings,
    bytes_at,
    load_core,
    options_of,
)
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.native.styles import styles_bytes
from pgdatahub.values.cells import Column, ColumnTally, Kind, Place, TextColumn
from pgdatahub.values.fields import FieldBuffer
from pgdatahub.values.tallies import EMPTY, ERROR, KINDS, UNCACHED_FORMULA, MixedColumn

_NONE: Final = 2**64 - 1
_NO_STYLE: Final = 2**32 - 1
_FAMILIES: Final = {
    frozenset({Kind.INTEGER}): Kind.NUMBER,
    frozenset({Kind.NUMBER}): Kind.NUMBER,
    frozenset({Kind.INTEGER, Kind.NUMBER}): Kind.NUMBER,
    frozenset({Kind.DATE}): Kind.TIMESTAMP,
    frozenset({Kind.TIMESTAMP}): Kind.TIMESTAMP,
    frozenset({Kind.DATE, Kind.TIMESTAMP}): Kind.TIMESTAMP,
    frozenset({Kind.BOOLEAN}): Kind.BOOLEAN,
    frozenset({Kind.TIME}): Kind.TIME,
    frozenset({Kind.INTERVAL}): Kind.INTERVAL,
    frozenset({Kind.TEXT}): Kind.TEXT,
}
"""Kinds that texts of one kind may hold together."""
_BY_NAME: Final = sorted(KINDS.items(), key=lambda item: item[1].value)


class Status(IntEnum):
    """The core's answer to a piece of input."""

    MORE = 0
    """More input is wanted."""
    FULL = 1
    """The batch is full; input is left."""
    ENDED = 2
    """The items end at the beginning of the rest."""
    DECLINED = 3
    """The next item, at the beginning of the rest, is for the reader in Python."""


class Scanner:
    """Reads the rows of a sheet.

    Args:
        sheet: The core's sheet; see the functions below.
    """

    def __init__(self, sheet: int | None) -> None:
        if not sheet:
            raise NativeError("the compiled reader did not take the workbook's styles")
        self._sheet: int | None = sheet
        self._library = load_core()
        self._state = SheetState()
        self._column = ColumnState()

    def feed(self, data: bytes, *, last: bool = False) -> Status:
        """Take the rows of a piece, until the batch is full; feed no bytes to go on after that."""
        status = self._library.pgh_sheet_feed(self._sheet, data, len(data), last)
        if status < 0:
            raise NativeError
        return Status(status)

    @property
    def rest(self) -> bytes:
        """The input that was not consumed."""
        size = ctypes.c_size_t()
        address = self._library.pgh_sheet_rest(self._sheet, ctypes.byref(size))
        return bytes_at(address, size.value)

    def skip(self, count: int, last_row: int) -> None:
        """Consume so many bytes of the rest, which another parser read up to the row ``last_row``."""
        self._library.pgh_sheet_skip(self._sheet, count, last_row)

    def limit_batch(self, rows: int) -> None:
        """End the next batches after so many rows."""
        self._library.pgh_sheet_limit_batch(self._sheet, rows)

    @property
    def last_row(self) -> int:
        """The number of the last row."""
        return int(self._read_state().last_row)

    @property
    def cleaned(self) -> tuple[int, int, int]:
        """Cells from which characters were removed that PostgreSQL cannot store; row and position of the first one."""
        state = self._read_state()
        return state.cleaned, state.cleaned_row, state.cleaned_column

    @property
    def formulas(self) -> tuple[int, int, int]:
        """Cells with a formula, of records; row and position of the first one."""
        state = self._read_state()
        return state.formulas, state.formula_row, state.formula_column

    @property
    def repetition(self) -> tuple[int, int]:
        """Cells with a value in a table, as they are written; those that repeat one of them."""
        state = self._read_state()
        return state.written, state.repeated

    def resume(self, repetition: tuple[int, int], *, hidden: bool) -> None:
        """Go on in a table with these counts of cells, in a hidden group of rows or not."""
        self._library.pgh_sheet_resume(self._sheet, *repetition, hidden)

    def take(self) -> Batch | None:
        """Return the rows since the last call, None if there are none."""
        state = self._read_state()
        count = state.rows
        if not count:
            return None
        numbers = state.row_numbers
        first, last = numbers[0], numbers[count - 1]
        rows: Sequence[int] = range(first, last + 1) if last - first + 1 == count else numbers[:count]
        hidden = frozenset(state.hidden_numbers[: state.hidden])
        columns: dict[int, Column] = {}
        # The core passes on a row for its cells, of which some may have turned out empty.
        filled = True
        for index in range(state.columns):
            column = self._take_column(index, count)
            filled = filled and not self._column.counts[EMPTY]
            if column is not None:
                columns[self._column.position] = column
        self._library.pgh_sheet_clear(self._sheet)
        return Batch(rows=rows, columns=columns, hidden_rows=hidden, filled=filled)

    def close(self) -> None:
        """Free the memory; may be called twice."""
        if self._sheet:
            self._library.pgh_sheet_free(self._sheet)
            self._sheet = None

    def _read_state(self) -> SheetState:
        if self._library.pgh_sheet_state(self._sheet, ctypes.byref(self._state)):
            raise NativeError
        return self._state

    def _take_column(self, index: int, rows: int) -> Column | None:
        state = self._column
        if self._library.pgh_sheet_column(self._sheet, index, ctypes.byref(state)):
            raise NativeError
        counts = state.counts[:]
        if not any(counts[1:]):
            return None
        present = [(code, kind) for code, kind in _BY_NAME if counts[code]]
        tally = ColumnTally(
            counts={kind: counts[code] for code, kind in present},
            firsts={kind: Place(index=state.first_rows[code], at=state.first_at[code]) for code, kind in present},
            largest=None if state.largest_row == _NONE else Place(index=state.largest_row, at=state.largest_at),
        )
        fields = FieldBuffer(None, bytes_at(state.fields, state.fields_bytes - 1), rows)
        has_issues = bool(counts[ERROR] or counts[UNCACHED_FORMULA])
        if not state.kinds and not has_issues:
            return TextColumn(kind=_FAMILIES[frozenset(tally.counts)], texts=fields, tally=tally)
        if state.kinds:
            codes = bytes_at(state.kinds, rows)
        else:
            codes = bytes([next(code for code in range(1, KIND_CODES) if counts[code])])
        return MixedColumn(fields, tally, codes, has_issues=has_issues)


def open_sheet_data(
    strings: NativeStrings,
    styles: Sequence[NumberFormat],
    limits: Limits,
    *,
    prefixes: Iterable[str],
    epoch: date | None,
    trim: bool = False,
    batch_rows: int = BATCH_ROWS,
) -> Scanner:
    """Return a reader of the rows within ``<sheetData>``.

    Args:
        strings: The workbook's shared strings.
        styles: The number formats of the cell styles.
        limits: Bounds of a workbook.
        prefixes: The namespace prefixes that are declared where the rows are.
        epoch: Day 0 of the date system, None for Excel's of 1900.
        trim: White space around ``<t>`` without ``xml:space="preserve"`` is trimmed.
        batch_rows: Rows of a batch.
    """
    options = options_of(limits, epoch=epoch, trim=trim, batch_rows=batch_rows)
    encoded, declared = styles_bytes(styles), "\0".join(prefixes).encode()
    return Scanner(
        load_core().pgh_sheet_new(strings.handle, ctypes.byref(options), encoded, len(encoded), declared, len(declared))
    )


def open_records(
    strings: NativeStrings,
    styles: Sequence[NumberFormat],
    limits: Limits,
    *,
    epoch: date | None,
    batch_rows: int = BATCH_ROWS,
) -> Scanner:
    """Return a reader of the rows of a binary worksheet; the arguments are those of :func:`open_sheet_data`."""
    options = options_of(limits, epoch=epoch, batch_rows=batch_rows)
    encoded = styles_bytes(styles)
    return Scanner(load_core().pgh_record_sheet_new(strings.handle, ctypes.byref(options), encoded, len(encoded)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNames:
    """The names in a document of OpenDocument.

    Attributes:
        table: The prefix of the namespace of tables.
        office: The prefix of the namespace of values.
        text: The prefix of the namespace of texts.
        calcext: The prefix of LibreOffice's namespace, empty if it is not declared.
        declared: All prefixes, each of a namespace of its own.
    """

    table: str
    office: str
    text: str
    calcext: str
    declared: Collection[str]


def open_table(
    strings: NativeStrings,
    styles: Mapping[str, NumberFormat],
    limits: Limits,
    *,
    names: TableNames,
    columns: Sequence[tuple[int, str]],
    notes_areas: bool,
    epoch: date,
    batch_rows: int = BATCH_ROWS,
) -> Scanner:
    """Return a reader of the rows of a table.

    Args:
        strings: No strings.
        styles: The number formats of the cell styles by name; of others, cells show plain numbers.
        limits: Bounds of a workbook.
        names: The names in the document.
        columns: For each group of columns the position behind its last and the style of its cells that name none; empty if
            these styles do not matter.
        notes_areas: Rows with a merged area are for the parser.
        epoch: Day 0 of the date system.
        batch_rows: Rows of a batch.
    """
    options = options_of(limits, epoch=epoch, batch_rows=batch_rows)
    indexes = {name: index for index, name in enumerate(styles)}
    pairs = [number for end, style in columns for number in (end, indexes.get(style, _NO_STYLE))]
    encoded = styles_bytes(list(styles.values()))
    namespaces = "\0".join((names.table, names.office, names.text, names.calcext)).encode()
    declared, style_names = "\0".join(names.declared).encode(), "\0".join(styles).encode()
    settings = TableSettings(
        namespaces=namespaces,
        namespaces_bytes=len(namespaces),
        declared=declared,
        declared_bytes=len(declared),
        style_names=style_names,
        style_names_bytes=len(style_names),
        columns=(ctypes.c_uint32 * len(pairs))(*pairs),
        columns_count=len(pairs),
        notes_areas=notes_areas,
    )
    return Scanner(
        load_core().pgh_table_sheet_new(
            strings.handle, ctypes.byref(options), encoded, len(encoded), ctypes.byref(settings)
        )
    )


def core_has_table_tag(data: bytes) -> bool:
    """Return whether a piece of OpenDocument's XML may have a tag of a table: a third of the time of an expression."""
    return bool(load_core().pgh_has_table_tag(data, len(data)))
