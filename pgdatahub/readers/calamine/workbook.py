"""Workbook and sheets whose cells a reading process reads with python-calamine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pgdatahub.errors import CorruptError, ReadError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.workbooks import Batch, SheetInfo, sheet_labels
from pgdatahub.readers.detect import Format
from pgdatahub.readers.isolated.process import ReadingProcess, local_path

if TYPE_CHECKING:
    from pgdatahub.values.cells import Value

MEMORY_BYTES = 2 << 30
"""Smallest limit of a reading process's address space."""
MEMORY_FACTOR = 32
"""Bytes of address space to add for each byte of the file. A cell of an .ods takes three to ten bytes in the file and some
150 in memory."""
TIMEOUT_SECONDS = 120.0
"""Shortest time limit for an answer: ten times the time of a full .xls sheet on a slow machine."""
TIMEOUT_PER_MEBIBYTE = 1.0
"""Seconds to add to the time limit for each mebibyte of the file."""

_PROGRAM = "pgdatahub.readers.calamine.program"
_BLIND = (
    "read by python-calamine: errors and formulas without a result may look like empty cells in this format, codes such as"
    " 00501 are numbers, and hidden rows and columns are not known"
)


class CalamineWorkbook:
    """An ``.xls``, ``.xlsb`` or ``.ods`` workbook.

    Args:
        source: The file, with the settings of its folder.
        content: The format of the file's content.
        memory: Limit of the reading process's address space in bytes; by default 2 GiB and 32 times the file's size.
        timeout: Seconds to wait for an answer; by default 120 and one for each mebibyte.

    Raises:
        ReadError: The workbook cannot be read.
    """

    def __init__(
        self, source: SourceFile, content: Format, *, memory: int | None = None, timeout: float | None = None
    ) -> None:
        self._options = source.options
        self._notices = [_BLIND]
        if source.suffix != content.value:
            self._notices.append(
                f"the file is named {source.suffix or 'without an ending'}, its content is {content.value}"
            )
        with contextlib.ExitStack() as stack:
            path = stack.enter_context(local_path(source, suffix=content.value))
            self._process = ReadingProcess(
                _PROGRAM,
                memory=memory or MEMORY_BYTES + MEMORY_FACTOR * source.size,
                timeout=timeout or TIMEOUT_SECONDS + TIMEOUT_PER_MEBIBYTE * source.size / (1 << 20),
            )
            stack.callback(self._process.close)
            sheets = self._process.ask("open", path)
            self._sheets = tuple(SheetInfo(name=str(name), visible=bool(visible)) for _, name, visible in sheets)
            self._indexes = tuple(int(index) for index, _, _ in sheets)
            self._resources = stack.pop_all()

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The worksheets in their order; sheets of other kinds have no cells and are left out."""
        return self._sheets

    @property
    def pid(self) -> int:
        """The process ID of the reading process."""
        return self._process.pid

    def open(self, position: int) -> CalamineSheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: The sheet cannot be read, or another sheet has the same name: the library finds sheets by name only.
        """
        label = sheet_labels(self._sheets)[position]
        if label != self._sheets[position].name:
            raise ReadError(
                "two sheets have this name, and python-calamine cannot tell them apart",
                where=label,
                hint="rename one of them, or save the workbook as .xlsx",
            )
        index, fill = self._indexes[position], self._options.merged == "fill"
        return CalamineSheet(self._process, index, label, fill=fill, notices=self._told())

    def close(self) -> None:
        """End the reading process."""
        self._resources.close()

    def _told(self) -> Sequence[str]:
        if self._options.hidden == "skip":
            return (*self._notices, "hidden: skip has no effect: hidden rows and columns cannot be told in this format")
        return tuple(self._notices)


class CalamineSheet:
    """A sheet of a :class:`CalamineWorkbook`."""

    def __init__(self, process: ReadingProcess, index: int, label: str, *, fill: bool, notices: Sequence[str]) -> None:
        self._process = process
        self._name = label
        self._notices = list(notices)
        try:
            merged_known = self._process.ask("sheet", index, fill)
        except ReadError as error:
            raise error.located(label) from error
        if fill and not merged_known:
            self._notices.append("merged: fill has no effect: merged areas cannot be told in this format")

    @property
    def name(self) -> str:
        """The sheet's name."""
        return self._name

    @property
    def hidden_columns(self) -> frozenset[int]:
        """An empty set: the library does not report hidden columns."""
        return frozenset()

    @property
    def notices(self) -> Sequence[str]:
        """Notices for the user about the reading of the sheet."""
        return tuple(self._notices)

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield the sheet's rows; the process prepares the next batch while the caller uses one.

        Raises:
            ReadError: The rest of the sheet cannot be read.
        """
        try:
            with contextlib.closing(self._process.answers("batch", max_rows)) as answers:
                yield from map(_batch, answers)
        except ReadError as error:
            raise error.located(self._name) from error


def _batch(answer: Any) -> Batch:
    try:
        first, count, columns = answer
        return Batch(
            rows=range(first, first + count),
            columns={position: _decoded(column) for position, column in columns.items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptError("the workbook is damaged: reading it gave nonsense") from error


_VALUES: Mapping[str, Callable[..., Value]] = {
    "interval": timedelta,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def _decoded(column: list[Any]) -> list[Value]:
    if tuple not in set(map(type, column)):
        return column
    return [_VALUES[cell[0]](*cell[1:]) if type(cell) is tuple else cell for cell in column]
