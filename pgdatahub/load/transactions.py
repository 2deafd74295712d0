"""Transactions of files: one for each file, or one for a folder with a savepoint for each file; retried after conflicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pgdatahub.errors import ContentionError, FileError, PgDataHubError, TableBusyError, TransientDatabaseError
from pgdatahub.load.guard import Guard, RolledBackError
from pgdatahub.load.results import failed
from pgdatahub.load.staging.staged_file import StagedFile, Staging
from pgdatahub.load.transaction import Loaded, Loading
from pgdatahub.load.while_reading import LoadingWhileReading
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.server.engine import savepoint, transaction
from pgdatahub.system import failpoints
from pgdatahub.system.retry import with_retries

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """The transactions of a run's files.

    Attributes:
        database: The target database.
        loading: The work within a transaction.
        guard: The rule for errors of one file.
        gave_way: Called before a transaction is repeated.
        reporter: Receives warnings.
    """

    database: Database
    loading: Loading
    guard: Guard
    gave_way: Callable[[TransientDatabaseError], None]
    reporter: Reporter

    def load_while_reading(self, staging: Staging) -> FileResult | None:
        """Load a file whose beginning is staged; return None if the attempt failed and was rolled back."""
        try:
            with transaction(self.database.engine) as connection:
                result, callbacks = LoadingWhileReading(loading=self.loading).load(staging, connection)
                failpoints.reach("before-commit")
            failpoints.reach("after-commit")
        except TransientDatabaseError as error:
            # The staged path checks whether COMMIT took effect.
            if not isinstance(error, ContentionError):
                self.gave_way(error)
            return None
        except Exception:  # noqa: BLE001 - further reading or the staged path meets the same error and reports it
            return None
        self._call((staging.source, callback) for callback in callbacks)
        return result

    def load(self, staged: Sequence[StagedFile]) -> list[FileResult]:
        """Load staged files in one transaction, and retry after transient errors."""
        try:
            return with_retries(partial(self._load_once, staged), self.gave_way)
        except ContentionError as error:
            # The database is reachable; only these files cannot be loaded now.
            failure: PgDataHubError = TableBusyError(
                f"another session keeps the table busy: {error.message}", hint="run again when it is done"
            )
        except FileError as error:
            # An error of COMMIT itself, such as a deferred constraint, does not belong to one file.
            failure = error
        if self.loading.config.on_error == "stop":
            raise RolledBackError(failed(staged[0].source, failure))
        return [failed(item.source, failure) for item in staged]

    def _load_once(self, staged: Sequence[StagedFile]) -> list[FileResult]:
        if len(staged) == 1:
            return [self._load_alone(staged[0])]
        results: list[FileResult] = []
        callbacks: list[tuple[SourceFile, Callable[[], None]]] = []
        with transaction(self.database.engine) as connection:
            for item in staged:
                began = time.monotonic()
                answer = self.guard(item.source, partial(self._load_under_savepoint, item, connection))
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

    def _load_alone(self, staged: StagedFile) -> FileResult:
        """Load a file in a transaction of its own, without a savepoint: a failure rolls back the transaction."""
        began = time.monotonic()

        def load() -> Loaded:
            with transaction(self.database.engine) as connection:
                loaded = self.loading.load(staged, connection, ends=True)
                failpoints.reach("before-commit")
            failpoints.reach("after-commit")
            return loaded

        answer = self.guard(staged.source, load)
        result, callbacks = (answer, []) if isinstance(answer, FileResult) else answer
        self._call((staged.source, callback) for callback in callbacks)
        return replace(result, seconds=staged.seconds + time.monotonic() - began)

    def _call(self, callbacks: Iterable[tuple[SourceFile, Callable[[], None]]]) -> None:
        """Run the plugins' callbacks after COMMIT."""
        for source, callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the rows are committed and stay, whatever a plugin raises
                plugin = self.loading.stages.responsible(error) or "a plugin"
                told = str(error) if isinstance(error, PgDataHubError) else f"{type(error).__name__}: {error}"
                warning = f"{source.identity} is loaded, but {plugin} failed after it: {self.loading.config.secrets.mask(told)}"
                self.reporter(Notice(text=warning, warning=True))

    def _load_under_savepoint(self, staged: StagedFile, connection: Connection) -> Loaded:
        with savepoint(connection):
            return self.loading.load(staged, connection)
