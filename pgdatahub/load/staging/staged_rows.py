"""Rows of a part on their way into the spool: encoded, counted and hashed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pgdatahub.errors import ContractError
from pgdatahub.load.contracts.column_keys import ColumnKeys
from pgdatahub.load.contracts.contract import Contract
from pgdatahub.load.contracts.fault_report import contract_error
from pgdatahub.load.contracts.uniqueness import Suspects
from pgdatahub.load.parts import Part
from pgdatahub.load.staging.aside_rows import AsideRows
from pgdatahub.load.staging.content_hash import ContentHash
from pgdatahub.load.staging.long_texts import check_rows
from pgdatahub.load.staging.spool import Spool
from pgdatahub.load.staging.tally import Tally
from pgdatahub.model.batches import ColumnBatch, NormalizedBatch, Origin
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName, TableSchema
from pgdatahub.values.fields import lines_of

_LABELS: Final = 3
"""Sheets of a part that a fault of all its rows names."""


@dataclass(slots=True, kw_only=True)
class StagedRows:
    """The rows of a part so far.

    Attributes:
        source: The file with the part's table.
        spool: Receives the rows.
        content: The hash of their content.
        tally: Their columns, counts and notices.
        sheets: The sheets that the rows come from.
        keys: The keys under ``columns:`` of the file that mean a column.
        contract: The rules for the rows, if the settings have some.
        aside: The rows with a fault.
    """

    source: SourceFile
    spool: Spool
    contract: Contract | None = None
    keys: ColumnKeys = field(default_factory=ColumnKeys)
    content: ContentHash = field(default_factory=ContentHash)
    tally: Tally = field(default_factory=Tally)
    sheets: list[str] = field(default_factory=list)
    aside: AsideRows = field(init=False)

    def __post_init__(self) -> None:
        """Begin without rows that are set aside."""
        self.aside = AsideRows(file=self.spool.file)

    @property
    def observed(self) -> TableSchema:
        """The columns that the rows so far need."""
        return TableSchema(table=self.source.table, columns=tuple(self.tally.columns.values()))

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:
        """Add a batch from some rows of a sheet to the counts, stage it, and yield the staged batch."""
        self.tally.add(batch)
        if batch.aside:
            self.aside.add(batch.aside, self.tally.rows - batch.rows + self.aside.rows)
        if batch.rows or not batch.aside:
            self.content.update(batch)
        if batch.rows:
            positions = {column.name: column.position for column in batch.columns if column.position is not None}
            encoded = encode(batch, Origin(sheet=sheet, rows=_compact(rows), positions=positions))
            self.spool.append(encoded)
            check_rows(self.source, self.spool.bytes)
            yield encoded

    def end(self, sheet: str, counts: Mapping[str, int], examples: Mapping[str, str], notices: Iterable[str]) -> None:
        """Add the counts and notices of a sheet that was read to its end."""
        self.sheets.append(sheet)
        self.tally.count(counts, examples)
        self.tally.note(notices)


class PostponedRows:
    """Rows of a second table on one sheet for the same part: they follow those of the first table.

    Args:
        rows: The rows of the part.
    """

    def __init__(self, rows: StagedRows) -> None:
        self.tally = Tally()
        self.keys = rows.keys
        self.contract = rows.contract
        self._rows = rows
        self._file = rows.spool.file
        self._starts: list[int] = []
        self._end: Callable[[], None] = lambda: None

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:
        """Keep a batch; yield nothing."""
        self.tally.add(batch)
        self._starts.append(self._file.append((batch, sheet, rows)))
        return iter(())

    def end(self, sheet: str, counts: Mapping[str, int], examples: Mapping[str, str], notices: Iterable[str]) -> None:
        """Keep the counts and notices of the sheet."""
        self._end = partial(self._rows.end, sheet, counts, examples, notices)

    def take_place(self) -> Iterator[ColumnBatch]:
        """Add everything to the part, and yield the staged batches."""
        for start in self._starts:
            batch, sheet, rows = self._file.read(start)
            yield from self._rows.add(batch, sheet=sheet, rows=rows)
        self._end()


@dataclass(slots=True, kw_only=True)
class FileRows:
    """The rows of all parts of a file so far.

    Attributes:
        source: The file.
        spool: The spool of the first part; the other parts have others in the same file.
        parts: Table → the rows of its part, in the order of loading.
        sheets_left_out: The visible sheets with data that the folder's settings leave out.
        notices: Notices about the file as a whole.
        known: The parts that need no reading, since an import with the file's bytes counts already.
        order: The tables of all parts that are loaded or known, in the order of loading.
        tables: All tables of the file, also those of parts that the user did not select.
        keys: The keys under ``columns:`` that mean a column.
        suspects: Table → the cells of equal values that an earlier reading found; None in the first reading.
        kind: The class of the rows of a part.
    """

    source: SourceFile
    spool: Spool
    suspects: Mapping[TableName, Mapping[str, Suspects]] | None = None
    parts: dict[TableName, StagedRows] = field(default_factory=dict)
    sheets_left_out: tuple[str, ...] = ()
    notices: list[str] = field(default_factory=list)
    known: dict[TableName, SourceFile] = field(default_factory=dict)
    order: list[TableName] = field(default_factory=list)
    tables: list[TableName] = field(default_factory=list)
    keys: ColumnKeys = field(default_factory=ColumnKeys)
    kind: type[StagedRows] = StagedRows

    def begin(self, part: Part) -> StagedRows:
        """Begin a part and return its rows."""
        source = part.source
        spool = self.spool.another() if self.parts else self.spool
        contract = None
        if any(sheet.source.options.has_contract for sheet in part.sheets):
            labels = list(dict.fromkeys(sheet.label for sheet in part.sheets)) if self.source.options.is_routed else []
            contract = Contract(
                sheets=", ".join([*labels[:_LABELS], *(["…"] if len(labels) > _LABELS else [])]),
                suspects=None if self.suspects is None else self.suspects.get(source.table, {}),
            )
        rows = self.parts[source.table] = self.kind(source=source, spool=spool, keys=self.keys, contract=contract)
        return rows

    def judge(self) -> ContractError | None:
        """Judge the parts after their last row; return the error if they break rules that fail the file."""
        contracts = [(rows.source.options, rows.contract) for rows in self.parts.values() if rows.contract]
        for options, contract in contracts:
            contract.finish(options)
        return self.broken

    @property
    def broken(self) -> ContractError | None:
        """The error of the faults so far under contracts, if they fail the file."""
        reports = [rows.contract.report for rows in self.parts.values() if rows.contract]
        return contract_error(reports) if any(report.fails for report in reports) else None

    def equal_values(self) -> Mapping[TableName, Mapping[str, Suspects]] | None:
        """Return the cells of equal values for which the file must be read again; None if that is not needed."""
        found = {
            table: suspects
            for table, rows in self.parts.items()
            if rows.contract is not None and (suspects := rows.contract.equal_values()) is not None
        }
        return {**(self.suspects or {}), **found} if found else None

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
