"""The part of the history that a report covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.errors import ConfigError
from pgdatahub.model.failures import FailureRow
from pgdatahub.model.imports import ChangeRow, ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.failures import Failures
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.server.connection import Connection

LAST: Final = ""
"""The last run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The part of the history that a report covers.

    Attributes:
        run: A run's id, or :data:`LAST`; None for all runs.
        table: A table; None for all tables.
        scan: Count the values of the columns.
        texts: Show values of texts.
    """

    run: str | None = None
    table: str | None = None
    scan: bool = False
    texts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The imports, changes and failures that a report covers, oldest first.

    Attributes:
        known_imports: All imports of the tables, also of other runs.
        known_changes: All their changes.
        failures: The failures of the report.
        run: The run, if the report is limited to a run.
        table: The table, if it is limited to a table.
        ids: The ids of the imports of the report.
    """

    known_imports: tuple[ImportRow, ...]
    known_changes: tuple[ChangeRow, ...]
    failures: tuple[FailureRow, ...]
    run: str | None = None
    table: TableName | None = None
    ids: frozenset[int] = field(init=False, repr=False)

    def covers(self, run_id: str) -> bool:
        """Return whether the report covers a run."""
        return self.run is None or self.run == run_id

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", frozenset(past.id for past in self.imports))

    @property
    def imports(self) -> tuple[ImportRow, ...]:
        """The imports of the report."""
        return tuple(past for past in self.known_imports if self.covers(past.run_id))

    def has_change(self, change: ChangeRow) -> bool:
        """Return whether the report covers a change."""
        return self.run is None or change.import_id in self.ids

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables, by name."""
        changed = () if self.run else self.known_changes
        return tuple(sorted({past.table for past in self.imports} | {change.table for change in changed}))

    @property
    def scope(self) -> str | None:
        """The phrase for the limits of the report."""
        parts = [f"run {self.run}"] if self.run else []
        return ", ".join([*parts, *([f"table {self.table}"] if self.table else [])]) or None


def select(connection: Connection, history: History, recorded: Failures, choice: Choice) -> Selection:
    """Return the part of the history that a report covers.

    Raises:
        ConfigError: The history has no such table or run.
    """
    imports = history.select_imports(connection)
    changes = history.schema_changes.select(connection)
    failures = recorded.select(connection)
    run = None if choice.run is None else _run(choice.run, imports, failures)
    if run is not None:
        failures = tuple(one for one in failures if one.run_id == run)
    known = {past.table for past in imports} | {change.table for change in changes}
    known |= {one.table for one in failures if one.table is not None}
    table = None if choice.table is None else _table(choice.table, known)
    if table is not None:
        imports = [past for past in imports if past.table == table]
        changes = [change for change in changes if change.table == table]
        failures = tuple(one for one in failures if one.table == table)
    return Selection(
        known_imports=tuple(imports), known_changes=tuple(changes), failures=failures, run=run, table=table
    )


def _table(name: str, known: Iterable[TableName]) -> TableName:
    """Return the table that a user names.

    Raises:
        ConfigError: The history has no such table, or several.
    """
    (table, *others) = sorted(named_tables([name], known))
    if others:
        raise ConfigError(
            f"several tables have the name {name!r}", hint=f"name one: {table}, {', '.join(map(str, others))}"
        )
    return table


def _run(wanted: str, imports: Iterable[ImportRow], failures: Iterable[FailureRow]) -> str:
    """Return the id of a run that the history has.

    Raises:
        ConfigError: It has no such run.
    """
    moments = [(past.imported_at, past.run_id) for past in imports]
    moments += [(one.last_failed_at, one.run_id) for one in failures]
    known = {run for _, run in moments}
    if wanted == LAST and moments:
        return max(moments)[1]
    if wanted in known:
        return wanted
    hint = f"the last one is {max(moments)[1]}" if moments else "nothing was loaded yet"
    raise ConfigError(f"the history has no run {wanted!r} that loaded a file or failed to", hint=hint)
