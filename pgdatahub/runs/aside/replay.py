"""Replay of rows that are set aside: under the settings of today, those that pass are loaded as part of their imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, FileError, ReplayError, TransientDatabaseError
from pgdatahub.load.contracts.hidden_values import without_values
from pgdatahub.load.replays.replay import ImportReplay, Replayer
from pgdatahub.load.transaction import Loading
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import UNMADE, Database, is_unmade, open_database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.files.named_file import imports_of_file
from pgdatahub.runs.run_id import new_run_id
from pgdatahub.system import failpoints
from pgdatahub.system.retry import with_retries

Confirm = Callable[["ReplayResult"], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """The result of a replay, or of its dry run.

    Attributes:
        destination: The database, without secrets.
        imports: The result for each import.
        done: False after a dry run or the user's no.
    """

    destination: str
    imports: tuple[ImportReplay, ...] = ()
    done: bool = False

    @property
    def rows(self) -> int:
        """The number of rows that came into their tables."""
        return sum(one.rows for one in self.imports)

    @property
    def left(self) -> int:
        """The number of rows that stay."""
        return sum(one.left for one in self.imports)

    @property
    def refused(self) -> tuple[ImportReplay, ...]:
        """The imports that could not be replayed."""
        return tuple(one for one in self.imports if one.refusal is not None)


class _DryRunError(Exception):
    """Signal that the transaction is to be rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySelection:
    """The imports of a replay; all that have rows set aside by default.

    Attributes:
        table: Of this table, by name or by ``schema.name``.
        files: Of these files: absolute path, URL, or the end of a path.
        import_id: Only this import.
    """

    table: str | None = None
    files: tuple[str, ...] = ()
    import_id: int | None = None


def replay(
    config: Config,
    selection: ReplaySelection | None = None,
    *,
    force: bool = False,
    confirm: Confirm | None = None,
    dry_run: bool = False,
    reporter: Reporter | None = None,
) -> ReplayResult:
    """Load the rows that were set aside and pass under the settings of today, each import in a transaction of its own.

    Args:
        config: The settings.
        selection: The imports.
        force: Also for an import whose file was loaded again since.
        confirm: Called with the result of a dry run, with no transaction open; None goes on without asking.
        dry_run: Do everything and roll it back.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The history has no such import or table.
        DatabaseError: The database does not answer.
    """
    announce = announcer(reporter)
    selection = selection or ReplaySelection()
    if is_unmade(config, announce):
        _refuse_names(selection)
        return ReplayResult(destination=UNMADE)
    with open_database(config, announce) as database:
        history = History(config.schema_name)
        with transaction(database.engine) as connection:
            known = history.exists(connection)
            if known:
                history.ensure(connection)
                history.exists(connection)
            imports = _select(connection, history, selection, config) if known else []
        if not known:
            _refuse_names(selection)
        loading = Loading(stages=Stages(create_plugin_manager()), config=config, history=history, run_id=new_run_id())
        replayer = Replayer(loading=loading, force=force)

        def all_imports(*, dry: bool) -> ReplayResult:
            results = tuple(_replay(database, replayer, past, dry_run=dry) for past in imports)
            return ReplayResult(destination=database.description, imports=results, done=not dry)

        if dry_run or confirm is not None:
            expected = all_imports(dry=True)
            if dry_run or confirm is None or not expected.rows or not confirm(expected):
                return expected
        return all_imports(dry=False)


def _replay(database: Database, replayer: Replayer, past: ImportRow, *, dry_run: bool) -> ImportReplay:
    try:
        return with_retries(partial(_replay_once, database, replayer, past, dry_run=dry_run), _gave_way)
    except FileError as error:
        left = past.quarantined if past.status == Status.LOADED else 0
        folder = past.identity.split("/")[:-1]
        if not replayer.loading.config.folders.options_for(folder).shows_values and not isinstance(error, ReplayError):
            error = without_values(error)
        return ImportReplay(past=past, left=left, refusal=error)


def _replay_once(database: Database, replayer: Replayer, past: ImportRow, *, dry_run: bool) -> ImportReplay:
    result: ImportReplay | None = None
    try:
        with transaction(database.engine) as connection:
            result = replayer.replay(past, connection)
            if dry_run:
                raise _DryRunError
            failpoints.reach("before-commit")
        failpoints.reach("after-commit")
    except _DryRunError:
        pass
    return result if result is not None else ImportReplay(past=past)


def _gave_way(_error: TransientDatabaseError) -> None:
    """Retry after a conflict with another session, or a lost connection."""


def _select(
    connection: Connection, history: History, selection: ReplaySelection, config: Config
) -> Sequence[ImportRow]:
    """Return the selected imports with rows that are set aside, oldest first; those that are named in any state.

    Raises:
        ConfigError: A named import or table is not in the history.
    """
    named = selection.import_id is not None or bool(selection.files)
    if selection.import_id is not None:
        found = history.select_imports(connection, ids=[selection.import_id])
        if not found:
            raise ConfigError(
                f"no import {selection.import_id} is in the history", hint="pgdatahub history lists the imports"
            )
    elif selection.files:
        found = []
        for file in selection.files:
            imports = imports_of_file(connection, history, file, config)
            if not imports:
                raise ConfigError(f"no import of {file} is in the history", hint="pgdatahub history lists the imports")
            # Imports of the file's older content are history.
            found += [past for past in imports if past.status == Status.LOADED] or imports[-1:]
        found = sorted({past.id: past for past in found}.values(), key=lambda past: past.id)
    else:
        found = history.select_imports(connection, statuses=(Status.LOADED,))
    if selection.table is not None:
        tables = named_tables([selection.table], (past.table for past in history.select_imports(connection)))
        found = [past for past in found if past.table in tables]
    return [past for past in found if named or past.quarantined]


def _refuse_names(selection: ReplaySelection) -> None:
    """Refuse a selection that names an import of an empty history.

    Raises:
        ConfigError: It names one.
    """
    if selection.table is not None or selection.files or selection.import_id is not None:
        raise ConfigError("there is no history: nothing was ever loaded")
