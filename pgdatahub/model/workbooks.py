"""Workbooks and their sheets, as a reader opens them, and batches of a sheet's rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pgdatahub.values.cells import Column, TextColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetInfo:
    """A sheet in a workbook's list; its position identifies it, since two sheets can share a name."""

    name: str
    visible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeInfo:
    """A named part of a workbook that a table can be read from.

    Attributes:
        name: Its name.
        is_table: It is an Excel table, with headers of its own; else a defined name.
        sheet: The position of its sheet, from 0; None if it cannot be used.
        scope: The position of the sheet that alone knows the name; None for the workbook.
        rows: First and last row, from 1, without rows of totals.
        columns: Positions of the first and the last column, from 0.
        names: The names of the columns of a table without a header row.
        problem: The reason why the name cannot be used.
        hidden: The workbook does not show the name.
        doubt: A remark about the range for those who load it; empty for none.
    """

    name: str
    is_table: bool = False
    sheet: int | None = None
    scope: int | None = None
    rows: tuple[int, int | None] = (1, None)
    columns: tuple[int, int | None] = (0, None)
    names: tuple[str, ...] | None = None
    problem: str | None = None
    hidden: bool = False
    doubt: str = ""


def sheet_labels(sheets: Sequence[SheetInfo]) -> tuple[str, ...]:
    """Return the label of each sheet in messages and ``sheet_column``: its name, with its position if sheets share a name.

    Two sheets named ``Data`` are ``Data (sheet 1)`` and ``Data (sheet 3)``; positions count from 1, hidden sheets included.
    """
    often = Counter(sheet.name for sheet in sheets)
    return tuple(
        sheet.name if often[sheet.name] == 1 else f"{sheet.name} (sheet {position})"
        for position, sheet in enumerate(sheets, start=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some rows of a sheet, column by column.

    Attributes:
        rows: Row numbers in the sheet, from 1, ascending; rows without cells may be absent.
        columns: Position in the sheet (from 0) → cells, one for each of ``rows``; columns without a value may be absent.
        hidden_rows: The numbers of hidden rows among ``rows``.
        filled: Each row has a value; False if the reader does not know, and then the rows are examined.
    """

    rows: Sequence[int]
    columns: Mapping[int, Column]
    hidden_rows: frozenset[int] = frozenset()
    filled: bool = False

    def slice(self, start: int, stop: int) -> Batch:
        """Return the rows from index ``start`` up to ``stop``."""
        rows = self.rows[start:stop]
        columns: dict[int, Column] = {
            position: column.slice(start, stop) if isinstance(column, TextColumn) else column[start:stop]
            for position, column in self.columns.items()
        }
        return Batch(rows=rows, columns=columns, hidden_rows=self.hidden_rows.intersection(rows), filled=self.filled)

    def with_columns(self, columns: Mapping[int, Column]) -> Batch:
        """Return the rows with other columns, in which a row may have no value."""
        return Batch(rows=self.rows, columns=columns, hidden_rows=self.hidden_rows)


class Sheet(Protocol):
    """A sheet open for reading.

    A sheet may also have ``share`` (the part that was read, from 0 to 1), ``header_areas(first, last)``: the merged areas
    that begin in these rows, for headers of several rows, and ``break_before(rows)``: it is called before ``batches`` with
    the rows, ascending, at which ranges and their data begin and end, and a batch that begins there need not be cut.
    """

    @property
    def name(self) -> str:
        """The sheet's name."""

    @property
    def hidden_columns(self) -> frozenset[int]:
        """The positions of hidden columns."""

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield all rows of the sheet in order, at most ``max_rows`` rows a batch; call this once."""

    @property
    def notices(self) -> Sequence[str]:
        """Notices to the user about reading the sheet; complete after the last batch."""


class Workbook(Protocol):
    """A file open for reading.

    A workbook may also have ``ranges``, a sequence of :class:`RangeInfo`. Without it, a range is an area such as ``B4:H200``.
    It may have ``origins``, a sequence of :class:`~pgdatahub.model.files.MarkedOrigin`, if it is a marked copy.
    """

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The sheets in order."""

    def open(self, position: int) -> Sheet:
        """Open the sheet ``sheets[position]`` (from 0); a sheet opened before can no longer be read.

        Raises:
            ReadError: The sheet cannot be read, or the workbook lists the sheet without having it.
        """

    def close(self) -> None:
        """Release the workbook's resources; may be called twice."""
