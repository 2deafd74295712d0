"""One file through all stages: staged first, then one short transaction.

This module alone knows the policy: what is locked and when, where a file is checked to be new, what is tried again. ::

    hash ─▶ known? ─▶ stage ─▶ BEGIN ─▶ lock ─▶ known? ─▶ reflect ─▶ evolve ─▶ load ─▶ audit ─▶ COMMIT
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.copytext import escape
from pgdatahub.errors import FileError, PgDataHubError, PluginError, TransientDatabaseError
from pgdatahub.events import FileFinished, FileStarted, Notice, Reporter
from pgdatahub.layout import EmptySheetError
from pgdatahub.model import EncodedBatch, Failure, FileResult, ImportRecord, Outcome, SourceFile
from pgdatahub.pluginmanager import Stages
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.destination import Database
from pgdatahub.postgres.engine import transaction
from pgdatahub.postgres.history import History, PastImport
from pgdatahub.schema import RESERVED_COLUMNS, SchemaPlan, TableName
from pgdatahub.staging import Staged, file_version, hash_file, stage

if TYPE_CHECKING:
    from sqlalchemy import Connection

ATTEMPTS = 5
"""How often a file's transaction is tried when the database gives way (deadlock, lock timeout, lost connection)."""
FIRST_WAIT_SECONDS = 0.2
"""Before the second attempt; doubled for each further one."""


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
        """Return what is loaded now, by table and SHA-256; makes the history's tables where they are missing."""
        known: dict[TableName, dict[str, PastImport]] = {table: {} for table in tables}
        if self.database is not None:
            with transaction(self.database.engine) as connection:
                self.history.ensure(connection)
                for past in self.history.loaded(connection):
                    known.setdefault(past.table, {})[past.file_sha256] = past
        return known

    def process(self, source: SourceFile, known: dict[str, PastImport] | None = None) -> FileResult:
        """Load one file, or say why not; whatever is wrong with the file is in the result.

        Args:
            source: The file.
            known: SHA-256 → import, for what the run found loaded in the file's table when it began.

        Raises:
            DatabaseError: The database is gone; the file is as it was.
        """
        self.reporter(FileStarted(source=source))
        began = time.monotonic()
        try:
            result = self._process(source, known or {})
        except (FileError, PluginError) as error:
            result = failed(source, error)
        result = replace(result, seconds=time.monotonic() - began)
        self.reporter(FileFinished(result=result))
        return result

    def _process(self, source: SourceFile, known: dict[str, PastImport]) -> FileResult:
        version = file_version(source)
        file_sha256 = hash_file(source)
        past = known.get(file_sha256)
        if past is not None:
            return _skipped(source, _same_bytes(past, source))
        with ExitStack() as resources:
            try:
                staged = stage(
                    source,
                    self.stages,
                    self.config,
                    self.reporter,
                    resources,
                    file_sha256=file_sha256,
                    version=version,
                )
            except EmptySheetError as error:
                return _skipped(source, error.message)
            if self.database is None:
                return _result(staged, Outcome.READ)
            return self._load(staged, self.database)

    def _load(self, staged: Staged, database: Database) -> FileResult:
        """Load a staged file, again if the database gave way."""
        for attempt in range(ATTEMPTS):
            try:
                return self._load_once(staged, database)
            except TransientDatabaseError as error:
                if attempt == ATTEMPTS - 1:
                    raise
                self.reporter(Notice(text=f"{staged.source.identity}: {error.message}; trying again"))
                time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _load_once(self, staged: Staged, database: Database) -> FileResult:
        with transaction(database.engine) as connection:
            result, callbacks = self.load(staged, connection)
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the rows are committed; whatever a plugin does, they stay
                warning = f"{staged.source.identity} is loaded, but a plugin failed after it: {error!r}"
                self.reporter(Notice(text=warning, warning=True))
        return result

    def load(self, staged: Staged, connection: Connection) -> tuple[FileResult, list[Callable[[], None]]]:
        """Load a staged file in the transaction that ``connection`` is in.

        Returns:
            The result, and what plugins want called after COMMIT.
        """
        began = time.monotonic()
        source = staged.source
        locks.wait_for_turn(connection, locks.lock_key(source.table))
        locks.limit_lock_waits(connection)
        past = self.history.find(connection, source.table, file_sha256=staged.file_sha256)
        if past is not None:
            return self._already(staged, past), []
        past = self.history.find(connection, source.table, content_sha256=staged.content_sha256)
        if past is not None:
            return _skipped(source, f"has the same content as {_named(past)}"), []
        plan = self._plan(staged, connection)
        imported_at = self.history.next_moment(connection, source.table)
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
        result = replace(_result(staged, Outcome.LOADED), rows=loaded.rows, changes=plan.changes)
        return result, list(callbacks)

    def _plan(self, staged: Staged, connection: Connection) -> SchemaPlan:
        table = staged.source.table
        current = catalog.reflect(connection, table)
        if current is not None:
            locks.lock_table(connection, table)
            # Again, now that nobody can change it by hand.
            current = catalog.reflect(connection, table)
        if current is not None:
            current = catalog.prove(connection, current, staged.observed, self.history)
        plan = self.stages.evolve(staged.observed, current, self.config)
        if current is not None and plan.changes:
            locks.lock_table(connection, table, exclusively=True)
        return plan

    def _already(self, staged: Staged, past: PastImport) -> FileResult:
        """Answer for a file that is in: by this run, whose COMMIT was not confirmed, or by another."""
        if past.run_id == self.run_id and past.identity == staged.source.identity:
            return replace(_result(staged, Outcome.LOADED), rows=past.row_count, import_id=past.id)
        return _skipped(staged.source, _same_bytes(past, staged.source))


def _with_lineage(staged: Staged, imported_at: datetime) -> Iterator[EncodedBatch]:
    """Yield the rows of a file with the two columns that say which import they are of."""
    lineage = b"\t%s\t%s\n" % (escape(staged.source.location), str(imported_at).encode())
    for batch in staged.spool:
        # Within a field a newline is escaped, so every newline ends a row.
        yield EncodedBatch(
            names=(*batch.names, *RESERVED_COLUMNS), rows=batch.rows, data=batch.data.replace(b"\n", lineage)
        )


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


def _skipped(source: SourceFile, reason: str) -> FileResult:
    return FileResult(source=source, outcome=Outcome.SKIPPED, reason=reason)


def failed(source: SourceFile, error: PgDataHubError) -> FileResult:
    """Return the result of a file that cannot be loaded."""
    failure = Failure(kind=type(error).__name__, message=error.message, where=error.where, hint=error.hint)
    return FileResult(source=source, outcome=Outcome.FAILED, failure=failure)


def _same_bytes(past: PastImport, source: SourceFile) -> str:
    if past.settings != source.options.fingerprint:
        return (
            f"is the same file as {_named(past)}, which was loaded with other settings; "
            "run --reload FILE loads it again with these"
        )
    if past.identity == source.identity:
        return f"already loaded {past.imported_at:%Y-%m-%d %H:%M} UTC"
    return f"is the same file as {_named(past)}"


def _named(past: PastImport) -> str:
    return f"{past.identity} (loaded {past.imported_at:%Y-%m-%d %H:%M} UTC)"
