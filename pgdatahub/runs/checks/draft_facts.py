"""Facts about the columns of files, from which rules are drafted that all the files keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.config import FolderOptions
from pgdatahub.load.parts import Part
from pgdatahub.load.staging.checking import CheckedFile, CountedRows
from pgdatahub.load.staging.staged_rows import StagedRows
from pgdatahub.model.batches import ColumnBatch, NormalizedBatch, NormalizedColumn
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import ColumnSchema
from pgdatahub.runs.checks.draft_entries import DraftEntries

_MOST_WORDS: Final = 10
"""Maximum number of distinct texts that become ``values:``; there must be ten times as many cells."""
_MOST_KEYS: Final = 200_000
"""Maximum number of values that are compared for ``unique:``."""


@dataclass(slots=True, kw_only=True)
class ColumnFacts:
    """Facts about the cells of a column.

    Attributes:
        filled: The number of cells with a value.
        tables: The number of tables on sheets that have the column: a header, or a value where it has no header.
        texts: The distinct values; None if there are many.
        keys: The values; None if one is there twice in a file, or if there are very many.
    """

    filled: int = 0
    tables: int = 0
    texts: set[bytes] | None = field(default_factory=set)
    keys: set[bytes] | None = field(default_factory=set)
    _latest: int = 0

    def add(self, column: NormalizedColumn, table: int) -> None:
        """Add the cells of a batch of the table with this number."""
        filled = [text for text in column.texts if text]
        self.filled += len(filled)
        if table != self._latest:
            self.tables += 1
            self._latest = table
        if self.keys is not None:
            before = len(self.keys)
            self.keys.update(filled)
            if len(self.keys) < before + len(filled) or len(self.keys) > _MOST_KEYS:
                self.keys = None
        self._add_texts(filled)

    def join(self, other: ColumnFacts) -> None:
        """Add the facts of another file."""
        self.filled += other.filled
        self.tables += other.tables
        if other.keys is None:
            self.keys = None
        if other.texts is None:
            self.texts = None
        else:
            self._add_texts(other.texts)

    def _add_texts(self, texts: Sequence[bytes] | set[bytes]) -> None:
        if self.texts is not None:
            self.texts.update(texts)
            if len(self.texts) > _MOST_WORDS:
                self.texts = None


@dataclass(slots=True, kw_only=True)
class DraftRows(CountedRows):
    """Rows of a part that are counted, with facts about the values of each column.

    Attributes:
        entries: The entries of now that mean its columns.
        facts: Name → facts about the column.
        places: The number of tables on sheets that the rows come from.
    """

    entries: DraftEntries = field(default_factory=DraftEntries)
    facts: dict[str, ColumnFacts] = field(default_factory=dict)
    places: int = 0

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:
        """Count a batch; yield nothing."""
        self.places += not batch.rows  # the headers of a table come first, as a batch without rows
        for column in batch.columns:
            self.facts.setdefault(column.name, ColumnFacts()).add(column, self.places)
        return CountedRows.add(self, batch, sheet=sheet, rows=rows)


@dataclass(slots=True, kw_only=True)
class DraftFile(CheckedFile):
    """A file whose values are noted."""

    kind: type[CountedRows] = DraftRows

    def begin(self, part: Part) -> StagedRows:
        """Begin a part and return its rows."""
        rows = CheckedFile.begin(self, part)
        if isinstance(rows, DraftRows):
            rows.keys = rows.entries
        return rows


@dataclass(slots=True, kw_only=True)
class TableDraft:
    """The columns that files bring to one table.

    Attributes:
        columns: Name → the column as all files show it.
        facts: Name → facts about the column.
        entries: The entries of now that mean the columns.
        sources: The files.
        sheets: The sheets that the rows come from, with the number of files that have each.
        rows: The number of rows.
        places: The number of tables on sheets that they come from.
        options: The settings for the table.
    """

    columns: dict[str, ColumnSchema] = field(default_factory=dict)
    facts: dict[str, ColumnFacts] = field(default_factory=dict)
    entries: DraftEntries = field(default_factory=DraftEntries)
    sources: list[SourceFile] = field(default_factory=list)
    sheets: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    places: int = 0
    options: FolderOptions = field(default_factory=FolderOptions)

    @property
    def is_routed(self) -> bool:
        """Return whether entries for sheets give the files several tables."""
        return any(file.options.is_routed for file in self.sources)

    @property
    def files(self) -> str:
        """The first file, and the number of others."""
        others = len(self.sources) - 1
        return f"{self.sources[0].identity}{f' and {others:,} more' if others else ''}"

    def add(self, source: SourceFile, rows: DraftRows) -> None:
        """Add the rows of a file."""
        self.sources.append(source)
        self.options = rows.source.options
        self.rows += rows.tally.rows
        self.places += rows.places
        self.sheets.update(list(dict.fromkeys(rows.sheets)))
        self.entries.join(rows.entries)
        for name, column in rows.tally.columns.items():
            self.columns[name] = self.columns[name].join(column) if name in self.columns else column
        for name, facts in rows.facts.items():
            self.facts.setdefault(name, ColumnFacts()).join(facts)
