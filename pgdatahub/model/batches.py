"""Batches of a table's rows: under SQL names, as staged, and as ``COPY`` takes them.

All are plain values that can be pickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pgdatahub.errors import CellFault
from pgdatahub.model.aside import ROW, AsideRow
from pgdatahub.values.cells import cell_address
from pgdatahub.values.evidence import Observed
from pgdatahub.values.sql_types import SqlType


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Place of the table in a sheet, found by ``readers/tables/layout.py``.

    Attributes:
        sheet: The sheet's label, see :func:`sheet_labels`.
        headers: Position of a column (from 0) → its header as written; positions without a header are absent.
        header_row: The row of the headers, from 1, the last one of several; 0 if the table has none.
        hidden_columns: Positions of hidden columns.
        header_rows: The first and the last of several rows of headers; empty for one row.
        first_column: The position of the first column of the table's range, from which columns without a header count.
        first_row: The first row of data, at the earliest.
    """

    sheet: str
    headers: Mapping[int, str]
    header_row: int
    hidden_columns: frozenset[int] = frozenset()
    header_rows: tuple[int, ...] = ()
    first_column: int = 0
    first_row: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedColumn:
    r"""A column of a batch under its SQL name, ready to be staged.

    Attributes:
        name: Its SQL name.
        header: Its header as written, if any.
        texts: One field of COPY text a row, ``b""`` for NULL, in canonical form, which every type that can hold the value
            accepts.
        observed: Evidence of these cells for the column's type.
        configured_type: The type that the settings give the column; UNDECIDED if the values decide.
        position: Its position in the sheet (from 0), for cell addresses; None for a column that is not in the sheet.
        created_as: The type of the server that the settings give the column where a table lacks it.
        description: The description in the settings; empty to remove one, None for none.
    """

    name: str
    header: str | None
    texts: Sequence[bytes]
    observed: Observed
    configured_type: SqlType = SqlType.UNDECIDED
    position: int | None = None
    created_as: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedBatch:
    """Rows under SQL names.

    Attributes:
        columns: The columns with a header, or with a value so far.
        rows: The number of rows.
        counts: Treatment of cells → number of cells, such as ``"error cells"``.
        examples: For each key of ``counts`` the address of the first such cell.
        notices: Notices to the user; the same notice may come with every batch.
        misfits: The cells that cannot be loaded, each with the index of its row and the position of its column; they are
            empty in ``columns``. Only under a contract, which needs all of them; else the first ones fail the file.
        aside: The rows with a fault that do not fail the file.
        sheet_rows: The numbers of the rows in the sheet, if some rows of the batch were set aside.
    """

    columns: tuple[NormalizedColumn, ...]
    rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    misfits: tuple[tuple[int, int, CellFault], ...] = ()
    aside: tuple[AsideRow, ...] = ()
    sheet_rows: Sequence[int] | None = None

    @property
    def rows_read(self) -> int:
        """The number of rows, those that were set aside included."""
        return self.rows + sum(row.action == ROW for row in self.aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Place of a batch's rows in a workbook.

    Attributes:
        sheet: The sheet's name.
        rows: The number of each row in the sheet, from 1.
        positions: Name of a column → its position in the sheet, from 0.
    """

    sheet: str
    rows: Sequence[int]
    positions: Mapping[str, int]

    def place(self, index: int, column: str | None = None) -> str:
        """Return the place of a row, or of a cell in it: ``Sheet1 › B17``."""
        row = self.rows[index]
        position = self.positions.get(column) if column is not None else None
        return f"{self.sheet} › {f'row {row}' if position is None else cell_address(row, position)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The import of rows: the values of the two reserved columns of every imported table.

    Attributes:
        source_file: The location of the file.
        load_timestamp: The time of the import, UTC.
    """

    source_file: str
    load_timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnBatch:
    r"""Rows of a file as columns of COPY text, as staged.

    Attributes:
        names: The columns' SQL names.
        rows: The number of fields in each column; at least one.
        columns: The fields of each column, joined by ``\n``; empty fields are NULL.
        origin: The rows' place in the workbook, for errors that name a cell; None if unknown.
        lineage: The import; None until the rows belong to an import.
    """

    names: tuple[str, ...]
    rows: int
    columns: tuple[bytes, ...]
    origin: Origin | None = None
    lineage: Lineage | None = None

    @property
    def size(self) -> int:
        """The bytes of all fields."""
        return sum(map(len, self.columns))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBatch:
    r"""Rows of ``COPY``, with ``source_file`` and ``load_timestamp``.

    Attributes:
        names: The columns' SQL names, in the order of the fields.
        rows: The number of rows in ``data``.
        data: Text: fields separated by tabs, each line ended by ``\n``; empty fields are NULL.
        origin: The rows' place in the workbook, for errors that name a cell; None if unknown.
        binary: ``data`` is rows of the binary format, without header and trailer. Plugins get text.
    """

    names: tuple[str, ...]
    rows: int
    data: bytes
    origin: Origin | None = None
    binary: bool = False
