"""One file through all stages: staged first, then one short transaction.

This module alone knows the policy: what is locked and when, where a file is checked to be new, what is tried again. ::

    hash ─▶ known? ─▶ stage ─▶ BEGIN ─▶ lock ─▶ known? ─▶ reflect ─▶ evolve ─▶ load ─▶ audit ─▶ COMMIT
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from traceback import format_exception
from typing import TYPE_CHECKING, TypeVar

from pgdatahub import faults
from pgdatahub.config import Config
from pgdatahub.errors import (
    ContentionError,
    DatabaseError,
    FileError,
    PgDataHubError,
    PrivilegeError,
    SpoolError,
    TableBusyError,
    TransientDatabaseError,
)
from pgdatahub.events import FileFinished, FileStarted, Notice, Reporter
from pgdatahub.evolution import Evolution, evolve
from pgdatahub.model import EncodedBatch, Failure, FileResult, ImportRecord, Outcome, SourceFile
from pgdatahub.past import Status
from pgdatahub.patience import persist
from pgdatahub.pluginmanager import DISABLE_VARIABLE, Stages
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.destination import Database
from pgdatahub.postgres.engine import savepoint, transaction
from pgdatahub.postgres.history import History, PastImport
from pgdatahub.reading.layout import EmptySheetError
from pgdatahub.reading.spool import Spool, SpoolFile
from pgdatahub.reading.staging import Staged, file_version, hash_file, stage
from pgdatahub.schema import RESERVED_COLUMNS, TableName
from pgdatahub.standing import COUNTED, standing, why_known
from pgdatahub.undoing.execution import supersede
from pgdatahub.values.copytext import escape

if TYPE_CHECKING:
    from sqlalchemy import Connection

Answer = TypeVar("Answer")


class _TakenBackError(Exception):
    """A file failed, and its transaction is to be rolled back with all that it holds."""

    def __init__(self, result: FileResult) -> None:
        super().__init__()
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The stages and what they work with.

    Attributes:
        stages: The plugins.
        config: The settings.
        reporter: Is told what happens.
        run_id: Names the run in the history.
        database: Where the rows go; None for a dry run.
    """

    stages: Stages
    config: Config
    reporter: Reporter
    run_id: str
    database: Database | None

    @property
    def history(self) -> History:
        """The metadata tables."""
        return History(self.config.schema_name)

    def known(self, tables: Iterable[TableName]) -> dict[TableName, dict[str, PastImport]]:
        """Return what is loaded now, by table and SHA-256; makes the history's tables where they are missing.

        Raises:
            DatabaseError: The database is gone.
        """
        known: dict[TableName, dict[str, PastImport]] = {table: {} for table in tables}

        def ask(database: Database) -> tuple[list[PastImport], frozenset[TableName]]:
            with transaction(database.engine) as connection:
                self.history.ensure(connection)
                return (
                    self.history.select_imports(connection, statuses=COUNTED),
                    catalog.existing_tables(connection, known),
                )

        if self.database is not None:
            imports, existing = persist(partial(ask, self.database), self._gave_way)
            dropped = {past.table for past in imports if past.status == Status.LOADED} & known.keys() - existing
            for table in sorted(dropped):
                self.reporter(Notice(text=_dropped_by_hand(table), warning=True))
            for past in imports:
                known.setdefault(past.table, {})[past.file_sha256] = past
        return known

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def process(self, source: SourceFile, known: Mapping[str, PastImport] | None = None) -> FileResult:
        """Load one file in a transaction of its own, or say why not; see :meth:`process_together`."""
        return self.process_together((source,), known)[0]

    def process_together(
        self, sources: Sequence[SourceFile], known: Mapping[str, PastImport] | None = None
    ) -> tuple[FileResult, ...]:
        """Load files of one table in one transaction, or say why not; whatever is wrong with a file is in its result.

        All are staged before the transaction begins, in which each has a savepoint. Where a file that fails ends the
        run (``on_error: stop``), it takes the others back.

        Args:
            sources: The files.
            known: SHA-256 → import, for what the run found loaded in the files' table when it began.

        Returns:
            A result for each file; none for those that were taken back or not taken up.

        Raises:
            DatabaseError: The database is gone; the files are as they were.
            SpoolError: The disk is full; the files are as they were.
        """
        with SpoolFile() as spool_file:
            try:
                results = self._process(sources, known or {}, spool_file)
            except _TakenBackError as taken_back:
                results = [taken_back.result]
        for result in results:
            self.reporter(FileFinished(result=result))
        return tuple(results)

    def _process(
        self, sources: Sequence[SourceFile], known: Mapping[str, PastImport], spool_file: SpoolFile
    ) -> list[FileResult]:
        results: list[FileResult] = []
        staged: list[Staged] = []
        for source in sources:
            self.reporter(FileStarted(source=source))
            began = time.monotonic()
            answer = self._guard(source, partial(self._stage, source, known, spool_file))
            if isinstance(answer, FileResult):
                results.append(replace(answer, seconds=time.monotonic() - began))
            elif self.database is None:
                results.append(replace(_result(answer, Outcome.READ), seconds=answer.seconds))
            else:
                staged.append(answer)
        if staged and self.database is not None:
            results += self._load(staged, self.database)
        return results

    def _guard(self, source: SourceFile, action: Callable[[], Answer]) -> Answer | FileResult:
        """Return what ``action`` returns, or the file's failure.

        Raises:
            DatabaseError: The run cannot go on.
            SpoolError: Likewise.
            _TakenBackError: The file failed, and the settings say that the run is not to go on.
        """
        try:
            return action()
        except PrivilegeError as error:
            # The run began with the privileges that it needs for itself; what is missing is this table's.
            result = failed(source, error)
        except (DatabaseError, SpoolError):
            raise
        except PgDataHubError as error:
            result = failed(source, error)
        except Exception as error:  # noqa: BLE001 - plugins raise anything, and one file is no reason to end a run
            result = unexpected(source, error, plugin=self.stages.responsible(error))
        if self.config.on_error == "stop":
            raise _TakenBackError(result)
        return result

    def _stage(self, source: SourceFile, known: Mapping[str, PastImport], spool_file: SpoolFile) -> Staged | FileResult:
        version = file_version(source)
        file_sha256 = hash_file(source)
        past = known.get(file_sha256)
        if past is not None and not source.reload:
            return skipped_as_known(source, past)
        try:
            staged = stage(
                source,
                self.stages,
                self.config,
                self.reporter,
                Spool(spool_file),
                file_sha256=file_sha256,
                version=version,
            )
        except EmptySheetError as error:
            return _skipped(source, error.message)
        faults.reach("staged")
        return staged

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _load(self, staged: Sequence[Staged], database: Database) -> list[FileResult]:
        """Load staged files in one transaction, again if the database gave way."""
        try:
            return persist(partial(self._load_once, staged, database), self._gave_way)
        except ContentionError as error:
            # The database is there; it is only these files that cannot be loaded now.
            failure: PgDataHubError = TableBusyError(
                f"another session keeps the table busy: {error.message}", hint="run again when it is done"
            )
        except FileError as error:
            # What COMMIT itself refused, such as a deferred constraint, is not one file's.
            failure = error
        if self.config.on_error == "stop":
            raise _TakenBackError(failed(staged[0].source, failure))
        return [failed(item.source, failure) for item in staged]

    def _gave_way(self, error: TransientDatabaseError) -> None:
        self.reporter(Notice(text=f"{error.message}; trying again"))
        if self.database is not None and not isinstance(error, ContentionError):
            with suppress(DatabaseError):
                self.database.revive()

    def _load_once(self, staged: Sequence[Staged], database: Database) -> list[FileResult]:
        results: list[FileResult] = []
        callbacks: list[tuple[SourceFile, Callable[[], None]]] = []
        with transaction(database.engine) as connection:
            for item in staged:
                began = time.monotonic()
                answer = self._guard(item.source, partial(self._load_under_savepoint, item, connection))
                if isinstance(answer, FileResult):
                    result = answer
                else:
                    result, called_after = answer
                    callbacks += [(item.source, callback) for callback in called_after]
                results.append(replace(result, seconds=item.seconds + time.monotonic() - began))
            faults.reach("before-commit")
        faults.reach("after-commit")
        for source, callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the rows are committed; whatever a plugin does, they stay
                plugin = self.stages.responsible(error) or "a plugin"
                told = str(error) if isinstance(error, PgDataHubError) else f"{type(error).__name__}: {error}"
                warning = f"{source.identity} is loaded, but {plugin} failed after it: {told}"
                self.reporter(Notice(text=warning, warning=True))
        return results

    def _load_under_savepoint(
        self, staged: Staged, connection: Connection
    ) -> tuple[FileResult, list[Callable[[], None]]]:
        with savepoint(connection):
            return self.load(staged, connection)

    def look_up(self, source: SourceFile) -> FileResult | None:
        """Return the result of a file that this run has loaded, though nobody lived to tell; None if it has not."""

        def ask(database: Database) -> list[PastImport]:
            with transaction(database.engine) as connection:
                # Whoever was loading it has the lock until the server has ended the transaction, either way.
                locks.wait_for_turn(connection, locks.lock_key(source.table))
                return self.history.of_identity(connection, source.table, source.identity)

        if self.database is None:
            return None
        for past in persist(partial(ask, self.database), self._gave_way):
            if past.run_id == self.run_id:
                return _confirmed(FileResult(source=source, outcome=Outcome.LOADED), past)
        return None

    def confirm(self, results: Sequence[FileResult], sources: Iterable[SourceFile]) -> list[FileResult]:
        """Return results as the history has them, where this run is the one that loaded the file.

        Args:
            results: What whoever worked on the files said.
            sources: All files of the run, also those of which nobody said anything.

        Raises:
            DatabaseError: The database is gone.
        """

        def ask(database: Database) -> list[PastImport]:
            with transaction(database.engine, read_only=True) as connection:
                return self.history.select_imports(connection, run_id=self.run_id)

        if self.database is None:
            return list(results)
        imports = persist(partial(ask, self.database), self._gave_way)
        loaded = {(past.table, past.identity): past for past in imports}
        said = {result.source.location: result for result in results}
        confirmed = []
        for source in sources:
            result = said.get(source.location)
            past = loaded.get((source.table, source.identity))
            if past is not None:
                if result is None or result.outcome is not Outcome.LOADED:
                    result = FileResult(source=source, outcome=Outcome.LOADED)
                result = _confirmed(result, past)
            if result is not None:
                confirmed.append(result)
        return confirmed

    def load(self, staged: Staged, connection: Connection) -> tuple[FileResult, list[Callable[[], None]]]:
        """Load a staged file in the transaction that ``connection`` is in.

        Returns:
            The result, and what plugins want called after COMMIT.
        """
        began = time.monotonic()
        source = staged.source
        locks.wait_for_turn(connection, locks.lock_key(source.table))
        locks.limit_lock_waits(connection)
        faults.reach("locked")
        found = standing(
            connection,
            self.history,
            source,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
            run_id=self.run_id,
        )
        if found.loaded_by_us is not None:
            return _confirmed(_result(staged, Outcome.LOADED), found.loaded_by_us), []
        if found.skip is not None:
            return _skipped(source, found.skip), []
        imported_at = self.history.next_moment(connection, source.table)
        supersede(connection, self.history, found.replaced, imported_at)
        self.history.release(connection, found.released)
        evolution = self._evolve(staged, connection)
        plan = evolution.plan
        batches = _with_lineage(staged, imported_at)
        loaded = self.stages.load(plan, batches, connection, self.config)
        record = ImportRecord(
            run_id=self.run_id,
            source=source,
            sheets=staged.sheets,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
            settings_fingerprint=source.options.fingerprint,
            imported_at=imported_at,
            seconds=staged.seconds + time.monotonic() - began,
            rows=loaded.rows,
            counts=staged.counts,
            observed=staged.observed,
            plan=plan,
        )
        callbacks = self.stages.audit(record, connection, self.config)
        faults.reach("recorded")
        result = _result(staged, Outcome.LOADED)
        notices = (*result.notices, *evolution.notices, *([found.notice] if found.notice else ()))
        result = replace(result, rows=loaded.rows, changes=plan.changes, notices=notices)
        return result, list(callbacks)

    def _evolve(self, staged: Staged, connection: Connection) -> Evolution:
        table = staged.source.table
        current = catalog.reflect(connection, table)
        if current is not None:
            locks.lock_table(connection, table)
            # Again, now that nobody can change it by hand.
            current = catalog.reflect(connection, table)
        evolution = evolve(staged, current, connection, stages=self.stages, config=self.config, history=self.history)
        if current is not None and evolution.plan.changes:
            locks.lock_table(connection, table, exclusively=True)
        return evolution


def _with_lineage(staged: Staged, imported_at: datetime) -> Iterator[EncodedBatch]:
    """Yield the rows of a file with the two columns that say which import they are of."""
    lineage = b"\t%s\t%s\n" % (escape(staged.source.location), str(imported_at).encode())
    for batch in staged.spool:
        # Within a field a newline is escaped, so every newline ends a row.
        yield replace(batch, names=(*batch.names, *RESERVED_COLUMNS), data=batch.data.replace(b"\n", lineage))


def _result(staged: Staged, outcome: Outcome) -> FileResult:
    return FileResult(
        source=staged.source,
        outcome=outcome,
        rows=staged.rows,
        sheets=staged.sheets,
        observed=staged.observed,
        counts=staged.counts,
        examples=staged.examples,
        notices=staged.notices,
    )


def _dropped_by_hand(table: TableName) -> str:
    return (
        f"the table {table} was dropped by hand, and its files count as loaded; run --reload FOLDER loads them again, "
        "revert --force forgets them"
    )


def _confirmed(result: FileResult, past: PastImport) -> FileResult:
    return replace(result, rows=past.row_count, import_id=past.id)


def skipped_as_known(source: SourceFile, past: PastImport) -> FileResult:
    """Return the result of a file whose bytes are loaded already, or held back."""
    return _skipped(source, why_known(past, source))


def _skipped(source: SourceFile, reason: str) -> FileResult:
    return FileResult(source=source, outcome=Outcome.SKIPPED, reason=reason)


def failed(source: SourceFile, error: PgDataHubError) -> FileResult:
    """Return the result of a file that cannot be loaded."""
    failure = Failure(kind=type(error).__name__, message=error.message, where=error.where, hint=error.hint)
    return FileResult(source=source, outcome=Outcome.FAILED, failure=failure)


def unexpected(source: SourceFile, error: Exception, *, plugin: str | None = None) -> FileResult:
    """Return the result of a file on which a plugin, or this program, raised what it should not."""
    culprit = f"the plugin {plugin!r}" if plugin else "pgdatahub, or a plugin,"
    way_round = f", or set {DISABLE_VARIABLE}={plugin}" if plugin else ""
    failure = Failure(
        kind=type(error).__name__,
        message=f"{culprit} made a mistake: {type(error).__name__}: {error}",
        hint=f"DEBUG=1 has etl.log show where{way_round}",
        traceback="".join(format_exception(error)),
    )
    return FileResult(source=source, outcome=Outcome.FAILED, failure=failure)
