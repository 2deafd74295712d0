"""Workbook of Excel 2 to 2003 and its sheets, whose cells a reading process reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.model.file_notice import OUTDATED_RESULTS, FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.workbooks import Batch, RangeInfo, SheetInfo, sheet_labels
from pgdatahub.readers.advice import ASK_SENDER
from pgdatahub.readers.encrypted.passwords import hints_for, passwords_of
from pgdatahub.readers.isolated.process import ReadingProcess, local_path
from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.number_formats import NumberFormat, built_in_format
from pgdatahub.readers.ranges.name_tokens import XLS, NameTokens, range_of_tokens
from pgdatahub.readers.tables.covered_cells import describe_covered
from pgdatahub.readers.tables.merged_areas import Area, areas_that_begin, fill_merged_areas
from pgdatahub.readers.tables.pieces import has_value
from pgdatahub.readers.xls.columns import Columns
from pgdatahub.values.cells import cell_address

if TYPE_CHECKING:
    from pgdatahub.values.cells import Column

_PROGRAM: Final = "pgdatahub.readers.xls.program"
MEMORY_BYTES: Final = 384 << 20
"""Smallest limit of the process's address space; the interpreter alone takes some 60 MiB."""
MEMORY_FACTOR: Final = 20
"""Bytes of address space to add for each byte of the file. A cell takes 17 bytes or more; a text of two characters takes 60
bytes, and 5 in the file."""
TIMEOUT_SECONDS: Final = 120.0
"""Shortest time limit for an answer, enough for a busy machine."""
PROCESSOR_SECONDS: Final = 8
"""Smallest limit of processor time; a column of 65,536 rows takes less than a second."""
PROCESSOR_PER_MEBIBYTE: Final = 4


class XlsWorkbook:
    """An ``.xls`` workbook that implements :class:`pgdatahub.model.workbooks.Workbook`.

    Args:
        source: The file, with the settings of its folder.
        memory: Limit of the process's address space in bytes; by default in proportion to the file's size.

    Raises:
        ReadError: The workbook cannot be read.
    """

    def __init__(self, source: SourceFile, *, memory: int | None = None) -> None:
        self._name = source.name
        self._fill = source.options.merged == "fill"
        self._ranges: Sequence[RangeInfo] | None = None
        self._notices: tuple[str, ...] = ()
        if source.suffix not in (".xls", ".xlt", ".xla"):
            ending = source.suffix or "without an ending"
            self._notices = (f"the file is named {ending}, its content is .xls",)
        mebibytes = source.size / (1 << 20)
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(local_path(source))
            self._process = ReadingProcess(
                _PROGRAM,
                memory=memory or MEMORY_BYTES + MEMORY_FACTOR * source.size,
                timeout=TIMEOUT_SECONDS + mebibytes,
                processor=PROCESSOR_SECONDS + int(PROCESSOR_PER_MEBIBYTE * mebibytes),
                hints=hints_for(source.options),
            )
            stack.callback(self._process.close)
            try:
                sheets, _ = self._process.ask("open", path, passwords_of(source.options))
            except FileError as error:
                raise error.located(source.name) from error
            self._sheets = tuple(SheetInfo(name=str(name), visible=bool(visible)) for name, visible in sheets)
            self._resources = stack.pop_all()

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The worksheets in their order; sheets of other kinds have no cells and are left out."""
        return self._sheets

    @property
    def pid(self) -> int:
        """The process ID of the reading process."""
        return self._process.pid

    @property
    def ranges(self) -> Sequence[RangeInfo]:
        """The defined names; read at the first use. The lists of Excel 2003 have no names.

        Raises:
            ReadError: The workbook cannot be read.
        """
        if self._ranges is None:
            found = self._process.ask("names")
            if found["too_many"]:
                raise CorruptError("there are too many names of ranges", where=self._name, hint=ASK_SENDER)
            references, listed = found["references"], found["listed"]

            def sheets_of(index: int) -> tuple[int, int] | None:
                return references[index] if index < len(references) else (-1, -1)

            self._ranges = [
                range_of_tokens(
                    NameTokens(name=name, tokens=tokens, scope=scope, hidden=hidden), XLS, sheets_of, listed
                )
                for name, tokens, scope, hidden in found["names"]
            ]
        return self._ranges

    def open(self, position: int) -> XlsSheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: The sheet cannot be read.
        """
        label = sheet_labels(self._sheets)[position]
        where = f"{self._name} › {label}"
        return XlsSheet(self._process, position, label, where, fill=self._fill, notices=self._notices)

    def has_values(self, position: int) -> bool:
        """Return whether the sheet ``sheets[position]`` has a cell with a value.

        Raises:
            ReadError: The sheet cannot be read.
        """
        return bool(self._process.ask("has_values", position))

    def close(self) -> None:
        """End the reading process; a second call has no effect."""
        self._resources.close()


class XlsSheet:
    """A sheet that implements :class:`pgdatahub.model.workbooks.Sheet`."""

    def __init__(
        self, process: ReadingProcess, position: int, label: str, where: str, *, fill: bool, notices: Sequence[str]
    ) -> None:
        self._process = process
        self._name = label
        self._where = where
        self._fill = fill
        try:
            found = process.ask("sheet", position, fill)
            self._hidden_columns = frozenset(map(int, found["hidden_columns"]))
            self._areas = [
                Area(first_row=top + 1, last_row=bottom + 1, first_column=left, last_column=right)
                for top, bottom, left, right in found["areas"]
            ]
            formats = {int(number): _number_format(*format_) for number, format_ in found["formats"].items()}
            self._columns = Columns(date1904=bool(found["date1904"]), formats=formats)
            self._notices = (*notices, *_remarks(label, found))
        except FileError as error:
            raise error.located(where) from error
        except (TypeError, ValueError, KeyError) as error:
            raise CorruptError("the workbook is damaged: reading it gave nonsense", where=where) from error

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self._name

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of the columns that the sheet hides."""
        return self._hidden_columns

    @property
    def notices(self) -> Sequence[str]:
        """Notices for the user about the reading of the sheet."""
        return self._notices

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet's rows that have a value; callers call this once.

        Raises:
            ReadError: The rest of the sheet cannot be read.
        """
        try:
            with contextlib.closing(self._process.answers("batch", max_rows)) as answers:
                found = map(self._batch, answers)
                yield from fill_merged_areas(found, self._areas) if self._areas and self._fill else found
        except FileError as error:
            raise error.located(self._where) from error

    def header_areas(self, first: int, last: int) -> Sequence[Area]:
        """Return the merged areas that begin in some rows."""
        return areas_that_begin(self._areas, first, last)

    def _batch(self, answer: Any) -> Batch:
        numbers, hidden, messages = answer
        rows = [row + 1 for row in memoryview(numbers).cast("H")]
        columns: dict[int, Column] = {}
        for position, message in messages.items():
            piece = self._columns.column(message, len(rows))
            if has_value(piece):
                columns[position] = piece
        return Batch(rows=rows, columns=columns, hidden_rows=frozenset(row + 1 for row in hidden))


def _number_format(key: int, code: str | None) -> NumberFormat:
    """Return the number format: a code in the file has priority over the built-in format of the same number."""
    return built_in_format(key) if code is None else parse_format(code)


def _remarks(label: str, found: dict[str, Any]) -> Iterator[str]:
    count, first = found["covered"]
    if count:
        yield describe_covered(count, label, cell_address(first[0] + 1, first[1]))
    count, first = found["recalculated"]
    if count:
        formulas = "formula asks" if count == 1 else "formulas ask"
        text = (
            f"{count:,} {formulas} to be calculated when the workbook is opened, and 0 is stored; the stored results may be"
            f" out of date; the first is {_place(label, first)}"
        )
        yield FileNotice(text, OUTDATED_RESULTS)


def _place(label: str, place: tuple[int, int]) -> str:
    return f"{label} › {cell_address(place[0] + 1, place[1])}"
