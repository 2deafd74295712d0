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

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError
from pgdatahub.load.descriptions import refresh_descriptions
from pgdatahub.load.guard import Guard, RolledBackError
from pgdatahub.load.known.committed_files import CommittedFiles
from pgdatahub.load.known.known_files import KnownFiles
from pgdatahub.load.known.retried_queries import RetriedQueries
from pgdatahub.load.lookup import Lookup
from pgdatahub.load.pauses import pause
from pgdatahub.load.results import of_staged, of_staged_file, skipped, skipped_as_empty
from pgdatahub.load.staging.file_hash import hash_once
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import StagedFile, Staging
from pgdatahub.load.transaction import Loading
from pgdatahub.load.transactions import Transactions
from pgdatahub.model.events import FileFinished, FileStarted, Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.tables.upkeep import summarise_new_rows
from pgdatahub.readers.tables.layout import EmptySheetError


def _never() -> bool:
    return False


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
        ending: Asked during a pause within a folder whether the run is to end.
        contents_read_again: Kept by :class:`~pgdatahub.load.known.older_readings.OlderReadings`.
    """

    stages: Stages
    config: Config
    reporter: Reporter
    run_id: str
    database: Database | None
    eager_bytes: int | None = None
    ending: Callable[[], bool] = _never
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
    def guard(self) -> Guard:
        """The rule for errors of one file."""
        return Guard(stages=self.stages, config=self.config)

    def _transactions(self, database: Database) -> Transactions:
        return Transactions(
            database=database,
            loading=self.loading,
            guard=self.guard,
            gave_way=self.queries.gave_way,
            reporter=self.reporter,
        )

    @property
    def queries(self) -> RetriedQueries:
        """The queries outside of load transactions."""
        return RetriedQueries(database=self.database, reporter=self.reporter)

    @property
    def lookup(self) -> Lookup:
        """The queries about files before the first of them is loaded."""
        return Lookup(
            stages=self.stages,
            config=self.config,
            queries=self.queries,
            run_id=self.run_id,
            contents_read_again=self.contents_read_again,
        )

    @property
    def committed(self) -> CommittedFiles:
        """The files that the run has committed."""
        return CommittedFiles(queries=self.queries, history=self.history, run_id=self.run_id)

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
            except RolledBackError as rolled_back:
                results = [rolled_back.result]
        for result in results:
            self.reporter(FileFinished(result=result))
        return tuple(results)

    def _process(self, sources: Sequence[SourceFile], spool_file: SpoolFile) -> list[FileResult]:
        results: list[FileResult] = []
        staged: list[StagedFile] = []
        eager_bytes = self.eager_bytes if len(sources) == 1 else None
        every = self.config.pause_every
        for done, source in enumerate(sources):
            if done and every and done % every == 0:
                # The files of a folder are committed together, so the pauses come while they are staged.
                pause(self.config.pause_seconds, self.reporter, self.ending)
            self.reporter(FileStarted(source=source))
            began = time.monotonic()
            # The keys of a file are compared when all of them are staged.
            waits = source.compare_older or source.leaves or source.options.rule is not None
            eager = None if waits else eager_bytes
            answer: StagedFile | FileResult | SourceFile = self.guard(source, partial(_hashed, source))
            if isinstance(answer, SourceFile):
                source = answer
                answer = self.guard(source, partial(self._stage, source, spool_file, eager))
            if isinstance(answer, StagedFile) and source.compare_older:
                answer = self.guard(source, partial(self._compare_older, answer))
            if isinstance(answer, FileResult):
                results.append(replace(answer, seconds=time.monotonic() - began))
            elif self.database is None:
                results.append(replace(_read_only(answer), seconds=answer.seconds))
            else:
                staged.append(answer)
        if staged and self.database is not None:
            results += self._transactions(self.database).load(staged)
        return results

    def _stage(self, source: SourceFile, spool_file: SpoolFile, eager_bytes: int | None) -> StagedFile | FileResult:
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
                    result = (
                        self._transactions(self.database).load_while_reading(staging) if not staging.ended else None
                    )
                    if result is not None:
                        return result
                return staging.finish()
            except EmptySheetError as error:
                return skipped_as_empty(source, error)

    def _compare_older(self, staged: StagedFile) -> StagedFile | FileResult:
        """Skip a file that may have the content of an import that older rules read."""
        reason = self.queries.ask(lambda connection: self.lookup.older.reason_to_skip(connection, staged), None)
        return staged if reason is None else skipped(staged.source, reason)

    def keep_up(self, results: Iterable[FileResult]) -> None:
        """Maintain the tables of loaded files at the end of a run; a lost database is not a failure here."""
        tables = {part.table for result in results for part in result.by_table if part.outcome is Outcome.LOADED}
        if self.database is not None and tables:
            with suppress(DatabaseError):
                summarise_new_rows(self.database.engine, sorted(tables))

    def describe(self, results: Iterable[FileResult]) -> None:
        """Keep changed descriptions in the comments of tables whose files were all skipped."""
        if self.database is not None:
            with suppress(DatabaseError):
                for text in refresh_descriptions(self.database, self.history, results):
                    self.reporter(Notice(text=text))


def _hashed(source: SourceFile) -> SourceFile:
    return replace(source, hashed=hash_once(source))


def _read_only(staged: StagedFile) -> FileResult:
    """Return the result of a file in a dry run."""
    return of_staged_file(staged, [of_staged(part, Outcome.READ) for part in staged.parts], loads=True)
