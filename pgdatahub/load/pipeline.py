"""Files through all stages: first staged, then loaded in one short transaction; a large file both at once.

Only this module knows the policy: when a transaction begins, where a file is checked to be new, which work is retried::

    hash ─▶ known? ─▶ stage ─▶ BEGIN ─▶ load (see :mod:`pgdatahub.load.transaction`) ─▶ COMMIT

The staged path is good for other sessions: it locks out readers of a table for the COPY and never for the parsing, and
a broken file never touches the database. But this process and the server work in turns. So a file that has shown some
megabytes of rows is loaded while it is still being read, if it is alone in its transaction and this process is alone in
its run; several workers keep all processors busy anyway, and workers with a file of the same table would have to wait
for its lock. If that attempt fails for any reason, the pipeline rolls it back, reads the file to its end and takes the
staged path from the spool; the staged path reports the error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

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
from pgdatahub.load.dedup import KnownFiles
from pgdatahub.load.file_hash import hash_once
from pgdatahub.load.lookup import Lookup
from pgdatahub.load.results import failed, of_staged, skipped, skipped_as_empty, unexpected
from pgdatahub.load.spool import Spool, SpoolFile
from pgdatahub.load.staging import Staged, Staging
from pgdatahub.load.transaction import Loaded, Loading
from pgdatahub.model.events import FileFinished, FileStarted, Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.engine import savepoint, transaction
from pgdatahub.postgres.history import History
from pgdatahub.postgres.upkeep import summarise_new_rows
from pgdatahub.readers.layout import EmptySheetError
from pgdatahub.system import failpoints
from pgdatahub.system.retry import with_retries

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection

Answer = TypeVar("Answer")


class _RolledBackError(Exception):
    """Failure of a file whose transaction is to be rolled back completely."""

    def __init__(self, result: FileResult) -> None:
        super().__init__()
        self.result = result


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The stages with their settings, reporter and database.

    Attributes:
        stages: The plugins.
        config: The settings.
        reporter: Receives the events.
        run_id: The id of the run in the history.
        database: The target database; None for a dry run.
        eager_bytes: A file that has shown this many bytes of rows is loaded while it is being read; None for never.
        contents_read_again: Kept by :class:`~pgdatahub.load.older_readings.OlderReadings`.
    """

    stages: Stages
    config: Config
    reporter: Reporter
    run_id: str
    database: Database | None
    eager_bytes: int | None = None
    contents_read_again: dict[int, str | None] = field(default_factory=dict, repr=False)

    @property
    def history(self) -> History:
        """The metadata tables."""
        return History(self.config.schema_name)

    @property
    def loading(self) -> Loading:
        """The work within a transaction."""
        return Loading(stages=self.stages, config=self.config, history=self.history, run_id=self.run_id)

    @property
    def lookup(self) -> Lookup:
        """The queries about files outside of load transactions."""
        return Lookup(
            stages=self.stages,
            config=self.config,
            reporter=self.reporter,
            run_id=self.run_id,
            database=self.database,
            contents_read_again=self.contents_read_again,
        )

    def known(self, files: Sequence[SourceFile]) -> KnownFiles:
        """Return the files that are loaded already; see :meth:`Lookup.known`."""
        return self.lookup.known(files)

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def process(self, source: SourceFile) -> FileResult:
        """Load one file in a transaction of its own and return its result; see :meth:`process_together`."""
        return self.process_together((source,))[0]

    def process_together(self, sources: Sequence[SourceFile]) -> tuple[FileResult, ...]:
        """Load files of one table in one transaction; the result of a file holds its errors.

        Several files are all staged before the transaction begins; in the transaction, each file has a savepoint. If a
        failed file ends the run (``on_error: stop``), the other files are rolled back too.

        Args:
            sources: The files.

        Returns:
            A result for each file; none for files that were rolled back or not started.

        Raises:
            DatabaseError: The database is gone; the files are as they were.
            SpoolError: The disk is full; the files are as they were.
        """
        with SpoolFile() as spool_file:
            try:
                results = self._process(sources, spool_file)
            except _RolledBackError as taken_back:
                results = [taken_back.result]
        for result in results:
            self.reporter(FileFinished(result=result))
        return tuple(results)

    def _process(self, sources: Sequence[SourceFile], spool_file: SpoolFile) -> list[FileResult]:
        results: list[FileResult] = []
        staged: list[Staged] = []
        eager_bytes = self.eager_bytes if len(sources) == 1 else None
        for source in sources:
            self.reporter(FileStarted(source=source))
            began = time.monotonic()
            eager = None if source.compare_older else eager_bytes
            answer = self._guard(source, partial(self._stage, source, spool_file, eager))
            if isinstance(answer, Staged) and source.compare_older and self.database is not None:
                answer = self._guard(source, partial(self._compare_older, answer, self.database))
            if isinstance(answer, FileResult):
                results.append(replace(answer, seconds=time.monotonic() - began))
            elif self.database is None:
                results.append(replace(of_staged(answer, Outcome.READ), seconds=answer.seconds))
            else:
                staged.append(answer)
        if staged and self.database is not None:
            results += self._load(staged, self.database)
        return results

    def _guard(self, source: SourceFile, action: Callable[[], Answer]) -> Answer | FileResult:
        """Return the result of ``action``, or the file's failure.

        Raises:
            DatabaseError: The run cannot go on.
            SpoolError: Likewise.
            _RolledBackError: The file failed, and the settings stop the run at a failure.
        """
        try:
            return action()
        except PrivilegeError as error:
            # The run began with the privileges that it needs for itself; the missing privilege concerns this table.
            result = failed(source, error, secrets=self.config.secrets)
        except (DatabaseError, SpoolError):
            raise
        except PgDataHubError as error:
            result = failed(source, error, secrets=self.config.secrets)
        except Exception as error:  # noqa: BLE001 - plugins raise anything, and one bad file must not end a run
            result = unexpected(source, error, secrets=self.config.secrets, plugin=self.stages.responsible(error))
        if self.config.on_error == "stop":
            raise _RolledBackError(result)
        return result

    def _stage(self, source: SourceFile, spool_file: SpoolFile, eager_bytes: int | None) -> Staged | FileResult:
        """Read a file to its end; return its result if the file needs no further work, for example if it is loaded."""
        hashed = hash_once(source)
        spool = Spool(spool_file)
        staging = Staging(
            source, self.stages, self.config, self.reporter, spool, file_sha256=hashed.sha256, version=hashed.version
        )
        with closing(staging):
            try:
                if self.database is not None and eager_bytes is not None:
                    # Small files are read to their end here.
                    while spool.bytes <= eager_bytes and next(staging, None) is not None:
                        pass
                    result = self._load_while_reading(staging, self.database) if not staging.ended else None
                    if result is not None:
                        return result
                return staging.finish()
            except EmptySheetError as error:
                return skipped_as_empty(source, error)

    def _compare_older(self, staged: Staged, database: Database) -> Staged | FileResult:
        """Skip a file that may have the content of an import that older rules read."""

        def ask() -> str | None:
            with transaction(database.engine, read_only=True) as connection:
                return self.lookup.older.reason_to_skip(connection, staged)

        reason = with_retries(ask, self.lookup.gave_way)
        return staged if reason is None else skipped(staged.source, reason)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _load_while_reading(self, staging: Staging, database: Database) -> FileResult | None:
        """Load a file whose beginning is staged; return None if the attempt failed and was rolled back."""
        try:
            with transaction(database.engine) as connection:
                result, callbacks = self.loading.load_while_reading(staging, connection)
                failpoints.reach("before-commit")
            failpoints.reach("after-commit")
        except TransientDatabaseError as error:
            # The staged path checks whether COMMIT took effect.
            if not isinstance(error, ContentionError):
                self.lookup.gave_way(error)
            return None
        except Exception:  # noqa: BLE001 - further reading or the staged path meets the same error and reports it
            return None
        self._call((staging.source, callback) for callback in callbacks)
        return result

    def _load(self, staged: Sequence[Staged], database: Database) -> list[FileResult]:
        """Load staged files in one transaction, and retry after transient errors."""
        try:
            return with_retries(partial(self._load_once, staged, database), self.lookup.gave_way)
        except ContentionError as error:
            # The database is reachable; only these files cannot be loaded now.
            failure: PgDataHubError = TableBusyError(
                f"another session keeps the table busy: {error.message}", hint="run again when it is done"
            )
        except FileError as error:
            # An error of COMMIT itself, such as a deferred constraint, does not belong to one file.
            failure = error
        if self.config.on_error == "stop":
            raise _RolledBackError(failed(staged[0].source, failure))
        return [failed(item.source, failure) for item in staged]

    def _load_once(self, staged: Sequence[Staged], database: Database) -> list[FileResult]:
        if len(staged) == 1:
            return [self._load_alone(staged[0], database)]
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
            failpoints.reach("before-commit")
        failpoints.reach("after-commit")
        self._call(callbacks)
        return results

    def _load_alone(self, staged: Staged, database: Database) -> FileResult:
        """Load a file in a transaction of its own, without a savepoint: a failure rolls back the transaction."""
        began = time.monotonic()

        def load() -> Loaded:
            with transaction(database.engine) as connection:
                loaded = self.loading.load(staged, connection, ends=True)
                failpoints.reach("before-commit")
            failpoints.reach("after-commit")
            return loaded

        answer = self._guard(staged.source, load)
        result, callbacks = (answer, []) if isinstance(answer, FileResult) else answer
        self._call((staged.source, callback) for callback in callbacks)
        return replace(result, seconds=staged.seconds + time.monotonic() - began)

    def _call(self, callbacks: Iterable[tuple[SourceFile, Callable[[], None]]]) -> None:
        """Run the plugins' callbacks after COMMIT."""
        for source, callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the rows are committed and stay, whatever a plugin raises
                plugin = self.stages.responsible(error) or "a plugin"
                told = str(error) if isinstance(error, PgDataHubError) else f"{type(error).__name__}: {error}"
                warning = f"{source.identity} is loaded, but {plugin} failed after it: {self.config.secrets.mask(told)}"
                self.reporter(Notice(text=warning, warning=True))

    def _load_under_savepoint(self, staged: Staged, connection: Connection) -> Loaded:
        with savepoint(connection):
            return self.loading.load(staged, connection)

    def keep_up(self, results: Iterable[FileResult]) -> None:
        """Maintain the tables of loaded files at the end of a run; a lost database is not a failure here."""
        tables = {result.source.table for result in results if result.outcome is Outcome.LOADED}
        if self.database is not None and tables:
            with suppress(DatabaseError):
                summarise_new_rows(self.database.engine, sorted(tables))
