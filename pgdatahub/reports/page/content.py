"""Content of a report as plain values; every text is untrusted, and a renderer escapes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from pgdatahub.reports.page.histogram import Histogram

MOST: Final = 500
"""The most entries of a list; the report names the number of the others."""

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed(Generic[ItemT]):
    """The first entries of a list, and the number of those left out."""

    shown: tuple[ItemT, ...] = ()
    more: int = 0

    @classmethod
    def of(cls, items: Iterable[ItemT]) -> Listed[ItemT]:
        """Return at most :data:`MOST` entries, the first ones."""
        every = tuple(items)
        return cls(shown=every[:MOST], more=max(len(every) - MOST, 0))

    @property
    def total(self) -> int:
        """The number of all entries."""
        return len(self.shown) + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of the rows, from 0 to 1, and its source: ``counted``, ``estimated``, or ``imports`` for the history."""

    value: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEntry:
    """A column of a table.

    Attributes:
        name: Its name.
        header: The header in the sheet; None without one.
        description: The description in the settings.
        type: Its type.
        key: It belongs to the key of the table.
        cell: The cell that decided the type, with its file.
        sample: The value in that cell; None if it is not shown.
        nulls: The share of NULL.
        distinct: The number of distinct values.
        estimated: ``distinct``, the extremes and the histogram are estimates.
        low: The least value.
        high: The greatest value.
        lengths: The lengths of the shortest and the longest text.
        true: The number of true values.
        common: The most common values, each with its share.
        histogram: The histogram.
    """

    name: str
    header: str | None
    description: str | None
    type: str
    key: bool = False
    cell: str | None = None
    sample: str | None = None
    nulls: Share | None = None
    distinct: int | None = None
    estimated: bool = False
    low: str | None = None
    high: str | None = None
    lengths: tuple[int, int] | None = None
    true: int | None = None
    common: tuple[tuple[str, float], ...] = ()
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEntry:
    """An import: its file and its rows. ``status`` is a word of the history; ``lost`` are rows of a keyed table's companion."""

    id: int
    file: str
    at: datetime
    rows: int
    aside: int
    blanked: int
    bytes: int
    status: str
    run_id: str
    keys: tuple[int, int, int, int] | None
    sheets_left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedEntry:
    """A file that was skipped since an import has its content."""

    file: str
    same_as: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureEntry:
    """A file that did not load; ``cleared_at`` is None while it still is not loaded."""

    file: str
    table: str | None
    place: str | None
    reason: str
    hint: str | None
    at: datetime
    attempts: int
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEntry:
    """A change of a table or of a column: a phrase, the file, and the deciding cell with its value if that is shown."""

    at: datetime
    column: str | None
    what: str
    file: str
    cell: str | None
    sample: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """The rule of a keyed table or a snapshot, and its rows when they were loaded.

    Attributes:
        mode: ``merge`` or ``snapshot``.
        key: The columns of the key.
        newest: The order of rows.
        companion: The table of the rows that lost.
        new: Rows of new keys.
        won: Rows that replaced another one.
        unchanged: Those of them that changed nothing.
        lost: Rows that went to the companion.
    """

    mode: str
    key: tuple[str, ...]
    newest: str
    companion: str
    new: int
    won: int
    unchanged: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """A table.

    Attributes:
        name: Its name.
        anchor: The id of its section.
        description: The description in the settings, or its comment.
        exists: It exists.
        rows: Its rows, according to the history; or counted.
        counted: ``rows`` were counted.
        bytes: Its size.
        imports: Its imports, the newest first.
        loaded: The number of imports whose rows are in it.
        last_load: The time of the last one.
        aside: The rows that are set aside.
        blanked: The rows with emptied cells.
        left_out: What else was left out or emptied, each with its number.
        keys: Its rule, if it has one.
        columns: Its columns.
        figures: The source of the figures of columns.
        shows_values: Values are shown; False under ``samples: false``.
        skipped: Skipped files.
        changes: Changes of its schema, the newest first.
    """

    name: str
    anchor: str
    description: str | None
    exists: bool
    rows: int
    counted: bool
    bytes: int
    imports: Listed[ImportEntry]
    loaded: int
    last_load: datetime | None
    aside: int
    blanked: int
    left_out: tuple[tuple[str, int], ...]
    keys: KeyFacts | None
    columns: Listed[ColumnEntry]
    figures: str
    shows_values: bool
    skipped: Listed[SkippedEntry]
    changes: Listed[ChangeEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A day, or a longer time where there are many days: what was loaded and what failed."""

    label: str
    files: int
    rows: int
    aside: int
    failed: int
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report on a database.

    Attributes:
        destination: The database, without secrets.
        made_at: The time of the report, UTC.
        version: The version of pgdatahub.
        scope: A phrase: the run or the table that the report is limited to; None for all.
        is_run: The report is limited to a run.
        unit: The length of a period: ``day``, ``week`` or ``month``.
        periods: What happened when, the oldest first.
        failures: Files that did not load, the standing ones first.
        standing: The number of standing failures.
        tables: The tables.
        notes: Remarks about what the report cannot tell.
    """

    destination: str
    made_at: datetime
    version: str
    scope: str | None
    is_run: bool
    unit: str
    periods: tuple[Period, ...]
    failures: Listed[FailureEntry]
    standing: int
    tables: Listed[TableEntry]
    totals: Totals
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all tables, those beyond the list included."""

    tables: int = 0
    rows: int = 0
    files: int = 0
    skipped: int = 0
    aside: int = 0
