"""Rows of a part on their way into the spool: encoded, counted and hashed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pgdatahub.load.content_hash import ContentHash
from pgdatahub.load.spool import Spool
from pgdatahub.load.tally import Tally
from pgdatahub.model.batches import ColumnBatch, NormalizedBatch, Origin
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName, TableSchema
from pgdatahub.values.fields import lines_of


@dataclass(slots=True, kw_only=True)
class StagedRows:
    """The rows of a part so far.

    Attributes:
        source: The file with the part's table.
        spool: Receives the rows.
        content: The hash of their content.
        tally: Their columns, counts and notices.
        sheets: The sheets that the rows come from.
    """

    source: SourceFile
    spool: Spool
    content: ContentHash = field(default_factory=ContentHash)
    tally: Tally = field(default_factory=Tally)
    sheets: list[str] = field(default_factory=list)

    @property
    def observed(self) -> TableSchema:
        """The columns that the rows so far need."""
        return TableSchema(table=self.source.table, columns=tuple(self.tally.columns.values()))

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:
        """Add a batch from some rows of a sheet to the counts, stage it, and yield the staged batch."""
        self.tally.add(batch)
        self.content.update(batch)
        if batch.rows:
            positions = {column.name: column.position for column in batch.columns if column.position is not None}
            encoded = encode(batch, Origin(sheet=sheet, rows=_compact(rows), positions=positions))
            self.spool.append(encoded)
            yield encoded


@dataclass(slots=True, kw_only=True)
class FileRows:
    """The rows of all parts of a file so far.

    Attributes:
        source: The file.
        spool: The spool of the first part; the other parts have others in the same file.
        parts: Table → the rows of its part, in the order of loading.
        sheets_left_out: The visible sheets with data that the folder's settings leave out.
    """

    source: SourceFile
    spool: Spool
    parts: dict[TableName, StagedRows] = field(default_factory=dict)
    sheets_left_out: tuple[str, ...] = ()

    def begin(self, source: SourceFile) -> StagedRows:
        """Begin a part and return its rows."""
        spool = self.spool.another() if self.parts else self.spool
        rows = self.parts[source.table] = StagedRows(source=source, spool=spool)
        return rows

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(part.tally.rows for part in self.parts.values())


def _compact(rows: Sequence[int]) -> Sequence[int]:
    """Return ascending numbers, as a range if none is missing: ten thousand numbers in 30 bytes of the spool."""
    whole = range(rows[0], rows[-1] + 1)
    return whole if len(whole) == len(rows) else tuple(rows)


def encode(batch: NormalizedBatch, origin: Origin | None = None) -> ColumnBatch:
    """Return the rows of a batch in staged form.

    Raises:
        ValueError: A column is shorter or longer than the batch.
    """
    if any(len(column.texts) != batch.rows for column in batch.columns):
        raise ValueError(f"a column is shorter or longer than {batch.rows:,} rows")
    return ColumnBatch(
        names=tuple(column.name for column in batch.columns),
        rows=batch.rows,
        columns=tuple(lines_of(column.texts) for column in batch.columns),
        origin=origin,
    )
