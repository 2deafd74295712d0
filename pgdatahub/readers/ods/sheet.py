"""A sheet of an OpenDocument spreadsheet that is open for reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods.cells import Converter
from pgdatahub.readers.ods.content import Content
from pgdatahub.readers.ods.native_source import NativeSource, table_names
from pgdatahub.readers.ods.sheet_parser import SheetParser
from pgdatahub.readers.ods.sheet_source import PythonSource, SheetSource
from pgdatahub.readers.ods.styles import Styles
from pgdatahub.readers.tables.covered_cells import describe_covered
from pgdatahub.readers.tables.merged_areas import Area, areas_that_begin, fill_merged_areas
from pgdatahub.readers.xlsx.reader_choice import Reader, describe_reader

_LARGE_BYTES = 128 * 1024 * 1024
"""XML of large spreadsheets: a million cells."""
_COLUMNS = 16_384
"""Columns of a sheet; no more areas stand side by side."""


class OdsSheet:
    """A sheet, as :class:`pgdatahub.model.workbooks.Sheet` asks for.

    Args:
        name: The sheet's name.
        where: The workbook and the sheet, for errors.
        part: The part's name, for errors.
        content: The part.
        table: The number of the sheet's table.
        styles: The styles of the workbook.
        null_date: The date of the number 0.
        limits: How much the sheet may ask.
        fill_merged: A merged area's value stands in all its cells.
        reader: The reader of the rows.

    Raises:
        ReadError: The beginning of the sheet is damaged.
    """

    def __init__(
        self,
        *,
        name: str,
        where: str,
        part: str,
        content: Content,
        table: int,
        styles: Styles,
        null_date: date,
        limits: Limits,
        fill_merged: bool,
        reader: Reader,
    ) -> None:
        self._name = name
        self._where = where
        self._areas: list[Area] | None = [] if fill_merged else None

        def make_parser(areas: list[Area] | None) -> SheetParser:
            number = 0 if content.is_searchable else table
            return SheetParser(part, limits, styles, Converter(null_date), table=number, areas=areas)

        self._make_parser = make_parser
        self._content = content
        self._table = table
        self._parser = make_parser(self._areas)
        pieces = content.table(table) if content.is_searchable else content.whole()
        document = table_names(content) if reader == "native" else None
        self._source: SheetSource
        if document is None:
            self._source = PythonSource(self._parser, pieces)
        else:
            self._source = NativeSource(
                self._parser,
                pieces,
                document,
                styles,
                limits,
                null_date=null_date,
                notes_areas=fill_merged,
                part_bytes=content.size,
            )
        self._reader_notice = ""
        if reader == "python" and content.size >= _LARGE_BYTES:
            self._reader_notice = describe_reader(reader)

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self._name

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return frozenset(self._parser.columns.hidden)

    @property
    def notices(self) -> Sequence[str]:
        """Remarks for the user on how the sheet was read; complete after the last batch."""
        found = [self._reader_notice] if self._reader_notice else []
        count = self._parser.covered
        if count and self._areas is None:
            found.append(describe_covered(count, self.name, self._parser.first_covered))
        return found

    def header_areas(self, first: int, last: int) -> Sequence[Area]:
        """Return the merged areas that begin in some rows; the rows down to them are read again.

        Raises:
            CorruptError: The sheet is damaged.
        """
        areas: list[Area] = []
        parser = self._make_parser(areas)
        content = self._content
        pieces = content.table_again(self._table) if content.is_searchable else content.whole()
        for batch in PythonSource(parser, pieces).batches(1):
            if batch.rows[-1] > last:
                break
        return areas_that_begin(areas, first, last)

    def break_before(self, rows: Sequence[int]) -> None:
        """Let batches begin at these rows, ascending, where this costs nothing; to be called before the first batch."""
        self._source.breaks = rows

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet from its first row to its last, at most ``max_rows`` rows at a time; to be called once.

        Raises:
            CorruptError: The sheet is damaged, or asks too much.
        """
        try:
            found = self._source.batches(max_rows)
            yield from found if self._areas is None else fill_merged_areas(found, self._areas, _COLUMNS)
        except FileError as error:
            raise error.located(self._where) from error
