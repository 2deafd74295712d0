"""Plan of a run as plain values, for pickle and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from pgdatahub.errors import ExitCode
from pgdatahub.model.faults import Fault
from pgdatahub.model.missing import MissingAction, MissingFile
from pgdatahub.model.results import Failure
from pgdatahub.postgres.keyed.planned_keys import PlannedKeys

Action: TypeAlias = Literal["load", "skip", "fail"]
_RANK: Final[Mapping[Action, int]] = {"skip": 0, "load": 1, "fail": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedColumn:
    """A column after the run.

    Attributes:
        name: Its name.
        type: Its type in SQL.
        label: Its type for people, with a remark if the column has no values so far.
    """

    name: str
    type: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """A change of a table, with its reason.

    Attributes:
        kind: ``create_table`` for each first column of a new table, ``add_column``, or ``alter_type``.
        column: The column.
        header: Its header in the file.
        old: Its type before, for people.
        new: Its type afterwards.
        file: The file that needs the change.
        because: Sentence with the reason; None without a deciding cell.
        cell: The deciding cell, such as ``Sheet1!D17``.
        sample: Text of the deciding cell.
        count: Number of cells of the same kind.
        values: Number of cells of the column that have a value.
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
    """Plan of a file.

    Attributes:
        file: Its path below the data root.
        location: Its absolute path or URL.
        action: Load, skip or fail.
        reason: Reason of a skip.
        failure: Reason of a failure.
        rows: Number of rows.
        sheets: Names of the sheets with these rows.
        changes: Changes of the table that the file needs.
        statements: The DDL.
        counts: Remark on cells or rows → their number.
        examples: Remark → place of the first cell.
        notices: Remarks for the user.
        sheets_left_out: The visible sheets with data that the folder's settings leave out, if the file was read.
        quarantined: Number of rows that would be set aside, beside ``rows``.
        faults: The faults of these rows, and of cells that would be emptied.
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
    quarantined: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """Plan of a table.

    Attributes:
        table: Its name, with its schema if that is not ``public``.
        exists: True if the table exists already.
        bytes: Its size on disk, without indexes.
        rewritten: Number of files that change a type, each of which rewrites the table.
        columns: Its columns after the run.
        files: Its files, in the order of the run.
        keys: The keys of the files in a keyed table, or their rows in a snapshot.
    """

    table: str
    exists: bool
    bytes: int
    rewritten: int
    columns: tuple[PlannedColumn, ...]
    files: tuple[FilePlan, ...]
    keys: PlannedKeys | None = None

    @property
    def rows(self) -> int:
        """Number of rows to load."""
        return sum(file.rows for file in self.files if file.action == "load")

    @property
    def is_created(self) -> bool:
        """True if the run creates the table: not if all its files fail."""
        return any(change.kind == "create_table" for change in self.changes)

    @property
    def changes(self) -> tuple[PlannedChange, ...]:
        """All changes, in the order of the files."""
        return tuple(change for file in self.files for change in file.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Plan of a run.

    Attributes:
        destination: Description of the database, without secrets.
        tables: The tables.
        ignored: Reason → files that are skipped for this reason.
        unreadable: Folder → reason why the folder cannot be read.
        warnings: Remarks for the user that concern several files.
        seconds: Time that planning took.
        missing: The imports whose file no longer exists; empty unless the plan is for the whole data root.
        unplaced: Files that can have several tables, which are unknown since the file cannot be opened.
    """

    destination: str
    tables: tuple[TablePlan, ...]
    ignored: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    missing: tuple[MissingFile, ...] = ()
    unplaced: tuple[FilePlan, ...] = ()

    def __repr__(self) -> str:
        """Return the totals, which a notebook shows."""
        actions = Counter(self.actions.values())
        counted = "".join(f"{action}={number}, " for action, number in actions.items())
        return f"{type(self).__name__}({counted}changes_schema={self.changes_schema}, destination={self.destination!r})"

    @property
    def files(self) -> tuple[FilePlan, ...]:
        """All files, once for each of their tables."""
        return tuple(file for table in self.tables for file in table.files) + self.unplaced

    @property
    def actions(self) -> Mapping[str, Action]:
        """Location → the action on each file: fail if a part of it fails, load if a part is loaded, else skip."""
        actions: dict[str, Action] = {}
        for file in self.files:
            known = actions.get(file.location)
            if known is None or _RANK[file.action] > _RANK[known]:
                actions[file.location] = file.action
        return actions

    @property
    def changes_schema(self) -> bool:
        """True if the run would create or change a table."""
        return any(file.statements for file in self.files)

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the console script."""
        failed = self.unreadable or any(file.action == "fail" for file in self.files)
        failed = failed or any(one.action is MissingAction.FAIL for one in self.missing)
        return ExitCode.FAILED if failed else ExitCode.OK
