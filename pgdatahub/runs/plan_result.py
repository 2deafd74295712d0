"""What a run would do, as plain values that pickle and that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pgdatahub.errors import ExitCode
from pgdatahub.model.flow import Failure

Action: TypeAlias = Literal["load", "skip", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedColumn:
    """A column as it would be.

    Attributes:
        name: Its name.
        type: Its type in SQL.
        label: Its type for people; a column without any value so far is said to be one.
    """

    name: str
    type: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """A change of a table, and why.

    Attributes:
        kind: ``create_table`` for each column that a new table begins with, ``add_column``, or ``alter_type``.
        column: The column.
        header: Its header in the file.
        old: Its type before, for people.
        new: Its type afterwards.
        file: The file that asks for it.
        because: The sentence that says why; None where there is nothing to say.
        cell: The deciding cell, such as ``Sheet1!D17``.
        sample: What it says.
        count: How many cells like it there are.
        values: How many cells of the column have a value.
    """

    kind: Literal["create_table", "add_column", "alter_type"]
    column: str
    header: str | None
    old: str | None
    new: str
    file: str
    because: str | None = None
    cell: str | None = None
    sample: str | None = None
    count: int | None = None
    values: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """What would become of a file.

    Attributes:
        file: Its path below the data root.
        location: Its absolute path or URL.
        action: Load it, skip it, or fail on it.
        reason: Why it would be skipped.
        failure: Why it would fail.
        rows: How many rows it has.
        sheets: The sheets they are from.
        changes: What changes in the table for it.
        statements: The DDL.
        counts: What would be done to cells and rows → how many.
        examples: For each of them where the first one is.
        notices: What a person should know.
        sheets_left_out: The visible sheets with data that the folder's settings leave out, if the file was read.
    """

    file: str
    location: str
    action: Action
    reason: str | None = None
    failure: Failure | None = None
    rows: int = 0
    sheets: tuple[str, ...] = ()
    changes: tuple[PlannedChange, ...] = ()
    statements: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    sheets_left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """What would become of a table.

    Attributes:
        table: Its name, with its schema if that is not ``public``.
        exists: It is there already.
        bytes: Its size on disk, without indexes.
        rewritten: How many of the files would have it rewritten, that is, have a type changed.
        columns: Its columns afterwards.
        files: Its files, in the order in which they would be taken up.
    """

    table: str
    exists: bool
    bytes: int
    rewritten: int
    columns: tuple[PlannedColumn, ...]
    files: tuple[FilePlan, ...]

    @property
    def rows(self) -> int:
        """The rows that would be loaded."""
        return sum(file.rows for file in self.files if file.action == "load")

    @property
    def changes(self) -> tuple[PlannedChange, ...]:
        """All changes in their order."""
        return tuple(change for file in self.files for change in file.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run would do.

    Attributes:
        destination: Where the rows would go, without secrets.
        tables: The tables.
        ignored: Reason → the files that are no candidates for it.
        unreadable: Folder → why it cannot be read.
        warnings: What a person should know that belongs to no single file.
        seconds: The time it took to find out.
    """

    destination: str
    tables: tuple[TablePlan, ...]
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def files(self) -> tuple[FilePlan, ...]:
        """All files."""
        return tuple(file for table in self.tables for file in table.files)

    @property
    def changes_schema(self) -> bool:
        """Whether any table would be made or changed."""
        return any(file.statements for file in self.files)

    @property
    def exit_code(self) -> ExitCode:
        """What the console script tells its caller."""
        failed = self.unreadable or any(file.action == "fail" for file in self.files)
        return ExitCode.FAILED if failed else ExitCode.OK
