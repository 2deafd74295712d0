"""Files through all stages: staged first, then one short transaction; or, a large one, both at once.

This module alone knows the policy: when a transaction begins, where a file is checked to be new, what is tried again. ::

    hash ─▶ known? ─▶ stage ─▶ BEGIN ─▶ load (see :mod:`pgdatahub.load.transaction`) ─▶ COMMIT

The staged way is good to everybody else: readers of a table are locked out for the COPY and never for the parsing, and a
broken file never touches the database. But this process and the server work in turns. So a file that has shown some
megabytes of rows is loaded while it is still being read, if it is alone in its transaction and this process alone in its
run: with several workers all processors are busy as it is, and those with a file of the same table would have to wait for
its lock. Whatever goes wrong with that attempt, it is rolled back, the file is read to its end and takes the staged way from
its spool, which says what is to be said.
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
from pgdatahub.load.lookup import Lookup
from pgdatahub.load.results import failed, of_staged, skipped, skipped_as_empty, unexpected
from pgdatahub.load.spool import Spool, SpoolFile
from pgdatahub.load.staging import Staged, Staging, hash_once
from pgdatahub.load.transaction import Loaded, Loading
from pgdatahub.model.events import FileFinished, FileStarted, Notice, Reporter
from pgdatahub.model.flow import FileResult, Outcome, SourceFile
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
        eager_bytes: A file that has shown so many bytes of rows is loaded while it is being read; None if none is.
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
        """What is done within a transaction."""
        return Loading(stages=self.stages, config=self.config, history=self.history, run_id=self.run_id)

    @property
    def lookup(self) -> Lookup:
        """The questions about files that need no transaction of a load."""
        return Lookup(
            stages=self.stages,
            config=self.config,
            reporter=self.reporter,
            run_id=self.run_id,
            database=self.database,
            contents_read_again=self.contents_read_again,
        )

    def known(self, files: Sequence[SourceFile]) -> KnownFiles:
        """Return which of the files are loaded already; see :meth:`Lookup.known`."""
        return self.lookup.known(files)

    # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def process(self, source: SourceFile) -> FileResult:
        """Load one file in a transaction of its own, or return why not; see :meth:`process_together`."""
        return self.process_together((source,))[0]

    def process_together(self, sources: Sequence[SourceFile]) -> tuple[FileResult, ...]:
        """Load files of one table in one transaction, or say why not; whatever is wrong with a file is in its result.

        Several are all staged before the transaction begins, in which each has a savepoint. Where a file that fails ends
        the run (``on_error: stop``), it takes the others back.

        Args:
            sources: The files.

        Returns:
            A result for each file; none for those that were taken back or not taken up.

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
        """Return what ``action`` returns, or the file's failure.

        Raises:
            DatabaseError: The run cannot go on.
            SpoolError: Likewise.
            _RolledBackError: The file failed, and the settings say that the run is not to go on.
        """
        try:
            return action()
        except PrivilegeError as error:
            # The run began with the privileges that it needs for itself; what is missing is this table's.
            result = failed(source, error, secrets=self.config.secrets)
        except (DatabaseError, SpoolError):
            raise
        except PgDataHubError as error:
            result = failed(source, error, secrets=self.config.secrets)
        except Exception as error:  # noqa: BLE001 - plugins raise anything, and one file is no reason to end a run
            result = unexpected(source, error, secrets=self.config.secrets, plugin=self.stages.responsible(error))
        if self.config.on_error == "stop":
            raise _RolledBackError(result)
        return result

    def _stage(self, source: SourceFile, spool_file: SpoolFile, eager_bytes: int | None) -> Staged | FileResult:
        """Read a file to its end; return its result if nothing more is to be done, which may be that it is loaded."""
        hashed = hash_once(source)
        spool = Spool(spool_file)
        staging = Staging(
            source, self.stages, self.config, self.reporter, spool, file_sha256=hashed.sha256, version=hashed.version
        )
        with closing(staging):
            try:
                if self.database is not None and eager_bytes is not None:
                    # Small files end here.
                    while spool.bytes <= eager_bytes and next(staging, None) is not None:
                        pass
                    result = self._load_while_reading(staging, self.database) if not staging.ended else None
                    if result is not None:
                        return result
                return staging.finish()
            except EmptySheetError as error:
                return skipped_as_empty(source, error)

    def _compare_older(self, staged: Staged, database: Database) -> Staged | FileResult:
        """Skip a file that may have the content of an import that was read by older rules."""

        def ask() -> str | None:
            with transaction(database.engine, read_only=True) as connection:
                return self.lookup.older.reason_to_skip(connection, staged)

        reason = with_retries(ask, self.lookup.gave_way)
        return staged if reason is None else skipped(staged.source, reason)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _load_while_reading(self, staging: Staging, database: Database) -> FileResult | None:
        """Load a file of which the beginning is staged; None if that did not do, and nothing of it is kept."""
        try:
            with transaction(database.engine) as connection:
                result, callbacks = self.loading.load_while_reading(staging, connection)
                failpoints.reach("before-commit")
            failpoints.reach("after-commit")
        except TransientDatabaseError as error:
            # Whether COMMIT took effect is asked by the staged way.
            if not isinstance(error, ContentionError):
                self.lookup.gave_way(error)
            return None
        except Exception:  # noqa: BLE001 - whoever is to blame, reading on or the staged way comes upon it again
            return None
        self._call((staging.source, callback) for callback in callbacks)
        return result

    def _load(self, staged: Sequence[Staged], database: Database) -> list[FileResult]:
        """Load staged files in one transaction, again if the database gave way."""
        try:
            return with_retries(partial(self._load_once, staged, database), self.lookup.gave_way)
        except ContentionError as error:
            # The database is there; it is only these files that cannot be loaded now.
            failure: PgDataHubError = TableBusyError(
                f"another session keeps the table busy: {error.message}", hint="run again when it is done"
            )
        except FileError as error:
            # What COMMIT itself refused, such as a deferred constraint, is not one file's.
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
        """Load a file in a transaction of its own, which needs no savepoint: a failure rolls all of it back."""
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
        """Do what plugins want done after COMMIT."""
        for source, callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the rows are committed; whatever a plugin does, they stay
                plugin = self.stages.responsible(error) or "a plugin"
                told = str(error) if isinstance(error, PgDataHubError) else f"{type(error).__name__}: {error}"
                warning = f"{source.identity} is loaded, but {plugin} failed after it: {self.config.secrets.mask(told)}"
                self.reporter(Notice(text=warning, warning=True))

    def _load_under_savepoint(self, staged: Staged, connection: Connection) -> Loaded:
        with savepoint(connection):
            return self.loading.load(staged, connection)

    def keep_up(self, results: Iterable[FileResult]) -> None:
        """Look after the tables of loaded files when the run is done with its files; a lost database is no failure."""
        tables = {result.source.table for result in results if result.outcome is Outcome.LOADED}
        if self.database is not None and tables:
            with suppress(DatabaseError):
                summarise_new_rows(self.database.engine, sorted(tables))
