"""Result of a verification as plain values, for programs and for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pgdatahub.errors import ExitCode
from pgdatahub.model.schema import TableName


class DifferenceKind(str, Enum):
    """Kind of a difference between a table and the history."""

    MISSING = "missing rows"
    """Rows of an import are not there, or do not name it any more."""
    ADDED = "added rows"
    """More rows name an import than it loaded."""
    CHANGED = "changed rows"
    """Rows of an import were written after the load, and their values are not proved to be those loaded."""
    ORPHANED = "orphaned rows"
    """Rows name an import whose rows were reverted or replaced."""
    UNKNOWN = "unknown import"
    """Rows name an import that the history does not know."""
    UNNAMED = "rows of no import"
    """Rows of a table of pgdatahub name no import."""
    QUARANTINE = "changed quarantine"
    """Rows in ``etl_quarantine`` are not those of the load, or their import is not loaded."""
    COLUMN = "changed column"
    """A column of pgdatahub was dropped, renamed, or has another type."""
    HISTORY = "damaged history"
    """A row of the metadata tables was changed by hand, so that it tells nothing about its import."""
    TABLE = "unreadable table"
    """The table was dropped, or cannot tell the import of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference between a table and the history.

    Attributes:
        kind: Its kind.
        text: One sentence about it.
        hint: The way to resolve it.
        rows: The number of rows concerned; None if it is not known.
        import_id: The import in ``etl_imports``, if any.
        file: The import's path below the data root; for an unknown import the file that the rows name.
        column: The column, if it is about one.
        load_timestamp: The time that the rows name, UTC.
    """

    kind: DifferenceKind
    text: str
    hint: str | None = None
    rows: int | None = None
    import_id: int | None = None
    file: str | None = None
    column: str | None = None
    load_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """An import with all its rows, of which neither the table nor a file can prove the values.

    Attributes:
        import_id: The import in ``etl_imports``.
        file: Its path below the data root.
        reason: The reason.
    """

    import_id: int
    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCheck:
    """Result for one table.

    Attributes:
        table: The table.
        rows: The number of rows in it.
        imports: The number of its loaded imports.
        as_written: Imports whose rows nothing has written since their load.
        same_values: Imports whose rows were written again, with the values of the load by their content hash.
        same_file: Imports whose rows were written again, and equal their file.
        unproved: Imports with all rows, of which the values cannot be proved.
        changing: Imports that another session changed during the check.
        differences: The differences.
    """

    table: TableName
    rows: int = 0
    imports: int = 0
    as_written: int = 0
    same_values: int = 0
    same_file: int = 0
    unproved: tuple[Unproved, ...] = ()
    changing: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def verified(self) -> int:
        """The number of imports whose rows and values are those of the load."""
        return self.as_written + self.same_values + self.same_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Result of a verification.

    Attributes:
        destination: The database, without secrets.
        tables: The tables, by name.
        seconds: Time that the verification took.
    """

    destination: str
    tables: tuple[TableCheck, ...] = field(default=())
    seconds: float = 0.0

    @property
    def differences(self) -> int:
        """The number of differences."""
        return sum(len(table.differences) for table in self.tables)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the console script."""
        return ExitCode.FAILED if self.differences else ExitCode.OK
