"""Failures of a run, recorded in ``etl_failures`` as they happen, and cleared when their files are no longer a problem."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, PrivilegeError, TransientDatabaseError
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.failures import FailureRow
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.failures import Failures, NewFailure, storable
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.server.server_encoding import fitted_to, server_encoding
from pgdatahub.runs.files.selection import Discovery
from pgdatahub.system.retry import with_retries
from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

UNREADABLE_FOLDER = "UnreadableFolder"
"""``kind`` of a folder that could not be read."""


class FailureRecorder:
    """Recorder of a run's failures.

    Args:
        config: The settings.
        database: The target database; None for a dry run, which records nothing.
        run_id: The id of the run in the history.
        reporter: Receives a warning if the role may not record failures.
        gave_way: Called after a transient error, before the retry.
    """

    def __init__(
        self,
        config: Config,
        database: Database | None,
        run_id: str,
        reporter: Reporter,
        gave_way: Callable[[TransientDatabaseError], None],
    ) -> None:
        self._config = config
        self._database = database
        self._run_id = run_id
        self._reporter = reporter
        self._gave_way = gave_way
        self._table = Failures(config.schema_name)
        self._standing: dict[tuple[TableName | None, str], list[FailureRow]] = {}
        self._encoding = "UTF8"
        self.repeated: set[str] = set()
        """Files and folders that failed at an earlier run already, with the same content for the same reason."""
        self.recovered: dict[str, None] = {}
        """Files that failed at an earlier run and were loaded or skipped."""

    def begin(self) -> None:
        """Read the standing failures; the metadata tables exist.

        Raises:
            DatabaseError: The database is gone.
        """

        def read(connection: Connection) -> None:
            self._encoding = server_encoding(connection)
            for row in self._table.select(connection, standing=True):
                self._standing.setdefault(row.key, []).append(row)

        self._work(read, read_only=True)

    def take(self, results: Sequence[FileResult]) -> None:
        """Record the failures among some results, and clear those of files that were loaded or skipped.

        Raises:
            DatabaseError: The database is gone.
        """
        failed = [_new(result) for result in results if result.outcome is Outcome.FAILED]
        settled = self._settled(results)
        self._compare(failed)
        if failed or settled:

            def write(connection: Connection) -> None:
                self._table.record(connection, self._run_id, failed)
                self._table.clear(connection, settled)

            self._work(write)

    def finish(self, discovery: Discovery, results: Sequence[FileResult], *, complete: bool) -> None:
        """Record folders that could not be read, and clear failures of files that are gone.

        Args:
            discovery: The files that were found.
            results: All results, which may differ from those taken earlier: a remote worker may have died after COMMIT.
            complete: The run looked at the whole data root.

        Raises:
            DatabaseError: The database is gone.
        """
        folders = [
            NewFailure(
                table=None,
                source_file=self._location(folder),
                identity=folder,
                kind=UNREADABLE_FOLDER,
                reason=reason,
            )
            for folder, reason in discovery.unreadable.items()
        ]
        settled = [*self._settled(results), *(self._gone(discovery) if complete else ())]
        self._compare(folders)
        if folders or settled:

            def write(connection: Connection) -> None:
                self._table.record(connection, self._run_id, folders)
                self._table.clear(connection, settled)

            self._work(write)

    def _settled(self, results: Iterable[FileResult]) -> list[int]:
        ids = []
        for result in results:
            if self._standing and result.outcome in (Outcome.LOADED, Outcome.SKIPPED):
                key = result.source.table, self._stored(result.source.identity)
                rows = self._standing.pop(key, [])
                self.recovered |= dict.fromkeys(row.identity for row in rows)
                ids += [row.id for row in rows]
        return ids

    def _compare(self, failed: Iterable[NewFailure]) -> None:
        for failure in failed:
            facts = failure.file_sha256, self._stored(failure.reason), failure.place and self._stored(failure.place)
            rows = self._standing.get((failure.table, self._stored(failure.identity)), ())
            if any((row.file_sha256, row.reason, row.place) == facts for row in rows):
                self.repeated.add(failure.identity)

    def _gone(self, discovery: Discovery) -> list[int]:
        """Return the standing failures of files and folders below the data root that are no longer there.

        A data root without any file is more probably an unmounted share than an empty folder.
        """
        if not discovery.files:
            return []
        present = {self._stored(source.location) for source in discovery.files}
        unreadable = tuple(self._stored(f"{self._location(folder).rstrip('/')}/") for folder in discovery.unreadable)
        root = self._stored(self._location("").rstrip("/") + "/")
        gone = []
        for row in (row for rows in self._standing.values() for row in rows):
            below = row.source_file.startswith(root)
            if row.kind == UNREADABLE_FOLDER:
                there = row.identity in map(self._stored, discovery.unreadable)
            else:
                there = row.source_file in present or row.source_file.startswith(unreadable)
            if below and not there:
                gone.append(row.id)
        return gone

    def _stored(self, text: str) -> str:
        """Return a text as the table of failures has it."""
        return str(fitted_to(self._encoding, storable(text)))

    def _location(self, identity: str) -> str:
        """Return the location of a folder below the data root."""
        if is_url(identity) or Path(identity).is_absolute():
            return identity
        root = self._config.data_root
        with suppress(ConfigError):
            root = os.path.abspath(self._config.root_path)  # noqa: PTH100 - as in discovery, which keeps links
        return f"{root.rstrip('/')}/{identity}"

    def _work(self, action: Callable[[Connection], None], *, read_only: bool = False) -> None:
        if self._database is None:
            return

        def work(database: Database) -> None:
            with transaction(database.engine, read_only=read_only) as connection:
                action(connection)

        try:
            with_retries(partial(work, self._database), self._gave_way)
        except PrivilegeError as error:
            self._reporter(Notice(text=f"failures are not recorded: {error}", warning=True))
            self._database = None


def _new(result: FileResult) -> NewFailure:
    source, failure = result.source, result.failure
    if failure is None:
        raise ValueError("a failed file has a failure")
    return NewFailure(
        table=source.table,
        source_file=source.location,
        identity=source.identity,
        file_sha256=source.hashed.sha256 if source.hashed is not None else None,
        kind=failure.kind,
        reason=failure.message,
        place=failure.where,
        hint=failure.hint,
        faults=failure.faults,
    )
