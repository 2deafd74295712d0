"""Imports, schema changes and provenance of tables, as pure values of the history.

:mod:`pgdatahub.postgres.history.imports` reads ``etl_imports`` and ``etl_schema_changes`` into these values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final

from pgdatahub.model.aside import AsideRow
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import SchemaPlan, TableName, TableSchema


class Status(str, Enum):
    """State of an import."""

    LOADED = "loaded"
    """Its rows are in the table."""
    REVERTED = "reverted"
    """Its rows were deleted; the file may be loaded again."""
    HELD = "held"
    """Its rows were deleted, and runs skip the file until ``run --reload`` names it."""
    SUPERSEDED = "superseded"
    """Rows of another import of the same file replaced its rows."""


COUNTED: Final = (Status.LOADED, Status.HELD)
"""Statuses under which a file counts as a duplicate."""


LEFT_OUT: Final = "sheets not loaded"
"""Key in ``counts`` for the names of visible sheets with data that were not loaded; all other values are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCounts:
    """The rows of an import into a keyed table or a snapshot by their place when it was loaded.

    Attributes:
        new: Rows of keys that the table did not have; all rows of a snapshot that became the table.
        won: Rows that replaced another row of their key.
        unchanged: Rows among those that are equal to the row that they replaced.
        lost: Rows in the companion, since another row of their key, or a newer file, beats them.
    """

    new: int = 0
    won: int = 0
    unchanged: int = 0
    lost: int = 0


KEY_COUNTS: Final = {
    "new": "keys new",
    "won": "keys replaced",
    "unchanged": "keys unchanged",
    "lost": "rows that lose to another row of their key",
}
"""Attribute of :class:`KeyCounts` → key in ``counts``."""


class ChangeType(str, Enum):
    """Kind of a row in ``etl_schema_changes``."""

    CREATE_TABLE = "create_table"
    """Without a column: the new table; with a column: a column of the new table."""
    ADD_COLUMN = "add_column"
    ALTER_TYPE = "alter_type"
    DROP_TABLE = "drop_table"
    DROP_COLUMN = "drop_column"
    RESTORE_TYPE = "restore_type"
    """The undo of ``alter_type``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A file that was skipped because another import of its table has its content.

    Attributes:
        identity: The file's path below the data root.
        source_file: Its absolute path or its URL.
        file_sha256: SHA-256 of its bytes, which may differ from those of the import.
        bytes: Its size.
        settings: The fingerprint of its folder's settings when it was compared.
        seen_at: The time of the last run that compared the file, UTC.
        corrected: The import is the corrected version of the file, and has other content.
    """

    identity: str
    source_file: str
    file_sha256: str
    bytes: int
    settings: str
    seen_at: datetime
    corrected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A later load of rows of an import that were set aside.

    Attributes:
        at: Its time, UTC.
        run_id: The id of the command.
        rows: The number of rows that came into the table.
        xid: The number that these rows have as ``xmin``.
        before: The number of the import's history row before, which rows have that are as they were loaded; None if unknown.
        settings: The fingerprint of the folder's settings.
    """

    at: datetime
    run_id: str
    rows: int
    xid: int
    before: int | None
    settings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """One import for the history: a row of ``etl_imports`` and its schema changes.

    ``aside`` are the rows with a fault, each with the number of rows read before it; of them ``quarantined`` are not in the table; ``layout`` has what a later load of them
    needs. The other attributes are those of :class:`ImportRow`.
    """

    run_id: str
    source: SourceFile
    sheets: tuple[str, ...]
    file_sha256: str
    content_sha256: str
    settings_fingerprint: str
    imported_at: datetime
    seconds: float
    rows: int
    counts: Mapping[str, int]
    observed: TableSchema
    plan: SchemaPlan
    sheets_left_out: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    reading: int = 0
    routing: str | None = None
    tables: tuple[TableName, ...] = ()
    xid: int | None = None
    """The transaction that wrote the rows; None for a table that keeps all rows."""
    aside: Iterable[tuple[int, AsideRow]] = ()
    quarantined: int = 0
    layout: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """An import in the history.

    ``reverted_at`` is the time at which its rows were deleted, in UTC. ``sheets_left_out`` are visible sheets with data that the
    folder's settings did not load. ``duplicates`` are the files that were skipped as duplicates of the import: one of them
    inherits the rows when the import's own file changes and its folder has ``on_changed: replace``; those that it corrects
    inherit nothing. ``reading`` is the version of the rules that read the file (:mod:`pgdatahub.readers.reading_rules`).
    ``routing`` is the hash of the settings that gave the file several tables, and ``tables`` are all tables of the file then;
    None and empty for a file of one table. ``path_key`` is the hash of the values that the path of the file gives its rows.
    ``keys`` has the counts of a keyed table or a snapshot. ``quarantined`` are its rows that are set aside, beside those in the
    table; ``replays`` are later loads of them. ``emptied`` are emptied cells.
    """

    id: int
    table: TableName
    source_file: str
    identity: str
    file_sha256: str
    content_sha256: str
    settings: str
    run_id: str
    row_count: int
    bytes: int
    imported_at: datetime
    status: str
    reverted_at: datetime | None = None
    sheets_left_out: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    reading: int = 0
    routing: str | None = None
    tables: tuple[TableName, ...] = ()
    path_key: str = ""
    keys: KeyCounts | None = None
    quarantined: int = 0
    emptied: int = 0
    replays: tuple[Replay, ...] = ()

    @property
    def latest_settings(self) -> str:
        """The fingerprint of the settings under which rows were loaded last."""
        return self.replays[-1].settings if self.replays else self.settings

    @property
    def all_tables(self) -> frozenset[TableName]:
        """The tables of its file when it was loaded."""
        return frozenset(self.tables) | {self.table}

    def duplicate(self, identity: str) -> Duplicate | None:
        """Return the latest duplicate entry of the file at ``identity``, if any."""
        found = [one for one in self.duplicates if one.identity == identity]
        return max(found, key=lambda one: one.seen_at, default=None)

    @property
    def corrected(self) -> tuple[Duplicate, ...]:
        """The files of which it is the corrected version."""
        return tuple(one for one in self.duplicates if one.corrected)

    def corrects(self, identity: str) -> bool:
        """Return whether it is the corrected version of the file at ``identity``."""
        return any(one.identity == identity for one in self.corrected)

    def has_bytes(self, identity: str, file_sha256: str, settings: str, path_key: str = "") -> bool:
        """Return whether the import has a file's content, judged by its bytes; see :meth:`is_file`.

        The same bytes have other rows where the path of the file gives their columns other values.
        """
        same = self.file_sha256 == file_sha256 and self.path_key == path_key
        return same or self.is_file(identity, file_sha256, settings)

    def is_file(self, identity: str, file_sha256: str, settings: str) -> bool:
        """Return whether this import covers the file at ``identity`` with these bytes.

        The same bytes can have other content under other settings, so a duplicate with its own bytes must match them too.
        """
        if self.identity == identity and self.file_sha256 == file_sha256:
            return True
        return any(
            one.identity == identity
            and one.file_sha256 == file_sha256
            and (one.settings == settings or file_sha256 == self.file_sha256 or one.corrected)
            for one in self.duplicates
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A schema change in the history; types by their SQL names."""

    id: int
    table: TableName
    change_type: str
    column: str | None
    old_type: str | None
    new_type: str | None
    source_file: str
    changed_at: datetime
    import_id: int | None
    cell: str | None
    sample: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Parts of a table that pgdatahub created.

    Attributes:
        created: pgdatahub created the table and has not dropped it since.
        columns: The columns that pgdatahub created and has not dropped since.
        first_types: Column that pgdatahub did not create → its type before pgdatahub first altered it.
        types: Column → the type that pgdatahub gave it last.
    """

    created: bool
    columns: frozenset[str]
    first_types: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, changes: Iterable[ChangeRow]) -> Provenance:
        """Compute the provenance of a table from its changes, oldest first."""
        created = False
        columns: set[str] = set()
        first_types: dict[str, str] = {}
        types: dict[str, str] = {}
        for change in changes:
            kind, column = change.change_type, change.column
            if column is None and kind in (ChangeType.CREATE_TABLE, ChangeType.DROP_TABLE):
                types = {}
            elif column is not None and change.new_type is not None:
                types[column] = change.new_type
            elif column is not None:
                types.pop(column, None)
            if kind == ChangeType.CREATE_TABLE and column is None:
                created, columns, first_types = True, set(), {}
            elif kind == ChangeType.DROP_TABLE:
                created, columns, first_types = False, set(), {}
            elif column is None:
                continue
            elif kind in (ChangeType.CREATE_TABLE, ChangeType.ADD_COLUMN):
                columns.add(column)
                first_types.pop(column, None)
            elif kind == ChangeType.DROP_COLUMN:
                columns.discard(column)
            elif kind == ChangeType.ALTER_TYPE and column not in columns and change.old_type is not None:
                first_types.setdefault(column, change.old_type)
        return cls(created=created, columns=frozenset(columns), first_types=first_types, types=types)
