"""Worksheets in memory, read by any reader, for tests that compare readers."""

from __future__ import annotations

from contextlib import ExitStack, closing
from io import BytesIO

from pgdatahub.errors import CellError, ReadError
from pgdatahub.plugins.infer import observe
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.number_formats import DATE, ELAPSED, NUMBER, TIME, zeros_format
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.xlsx.cell_classes import CellClasses
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.native.interface import options_of
from pgdatahub.readers.xlsx.native.source import NativeSource
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.python_source import PythonSource
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.readers.xlsx.sheet import cut_batches
from pgdatahub.readers.xlsx.string_table import SharedStrings
from pgdatahub.values.cells import Column, TextColumn, Value
from pgdatahub.values.column_values import as_values
from pgdatahub.values.tallies import MixedColumn

SECTIONS = parse_format(r"[<1]hh:mm;[>40000]dd/mm/yyyy;00\-00")
STYLES = (NUMBER, DATE, TIME, ELAPSED, zeros_format("00000"), SECTIONS)
STRINGS = (b"alpha", b"", b"  ", b"tab\tline\nback\\slash", "café".encode(), b"_x0000_nul", b"_x005F_x0041_")
LIMITS = Limits(cell_bytes=2000, token_bytes=20_000)
JUDGED = [reader for reader in available_readers() if reader != "parser"]


class Part(BytesIO):
    """A worksheet part in memory."""

    name = "xl/worksheets/sheet1.xml"

    @property
    def size(self) -> int:
        return len(self.getbuffer())


def read(xml: bytes, *, reader: Reader, piece_bytes: int = 100_000, max_rows: int = 1000) -> tuple[object, int, int]:
    """Return all that reading a sheet gives, or how it fails; the rows that the reader took and those of its parser."""
    with ExitStack() as opened:
        strings: SharedStrings | NativeStrings
        if reader == "native":
            strings = opened.enter_context(closing(NativeStrings(options_of(LIMITS))))
            for text in STRINGS:
                strings.add(text)
            strings.finish()
        else:
            strings = opened.enter_context(closing(SharedStrings(LIMITS)))
            strings.extend(STRINGS)
        return read_with(strings, xml, reader, piece_bytes, max_rows)


def read_with(
    strings: SharedStrings | NativeStrings, xml: bytes, reader: Reader, piece_bytes: int, max_rows: int
) -> tuple[object, int, int]:
    converter = Converter(strings, Serials(date1904=False))
    cells: dict[tuple[int, int], tuple[type, Value]] = {}
    hidden: set[int] = set()
    source: PythonSource | NativeSource
    try:
        if isinstance(strings, NativeStrings):
            source = NativeSource(
                Part(xml),
                LIMITS,
                strings,
                STYLES,
                converter,
                date1904=False,
                piece_bytes=piece_bytes,
                batch_rows=max_rows,
            )
        else:
            source = PythonSource(
                Part(xml),
                LIMITS,
                CellClasses(STYLES),
                converter,
                piece_bytes=piece_bytes,
                parser_only=reader == "parser",
            )
        last = 0
        for batch in cut_batches(source.batches(), max_rows):
            assert len(batch.rows) <= max_rows
            assert last < batch.rows[0]
            assert list(batch.rows) == sorted(set(batch.rows))
            last = batch.rows[-1]
            for position, column in batch.columns.items():
                assert len(column) == len(batch.rows)
                check_evidence(column)
                for row, value in zip(batch.rows, as_values(column), strict=True):
                    if value is not None:
                        cells[row, position] = (type(value), value)
            if batch.filled:
                assert {row for row, _ in cells}.issuperset(batch.rows)
            hidden |= batch.hidden_rows & {row for row, _ in cells}
    except (ReadError, CellError):
        # Where several cells are wrong, the one that is named depends on the reader and on the size of pieces.
        return "refused", 0, 0
    taken = source.native_rows if isinstance(source, NativeSource) else source.plain_rows
    return (cells, hidden, source.hidden_columns, source.cleaned[0]), taken, source.parser.rows.count


def check_evidence(column: Column) -> None:
    """Check that what a reader counted is what its values show, and its texts are theirs."""
    if isinstance(column, TextColumn):
        assert all(isinstance(text, bytes) for text in column.texts)
    is_tallied = column.tally is not None if isinstance(column, TextColumn) else isinstance(column, MixedColumn)
    if is_tallied and not (isinstance(column, MixedColumn) and column.has_issues):
        assert observe(column, str) == observe(list(as_values(column)), str)
