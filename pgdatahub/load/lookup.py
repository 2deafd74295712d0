"""Queries about the files of a run outside of their loads: before the first load, or after a worker died.

:mod:`pgdatahub.load.dedup` decides; this module queries the history, and retries after transient errors.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from pgdatahub.config import Config
from pgdatahub.errors import (
    ContentionError,
    DatabaseError,
    FileError,
    PrivilegeError,
    TransientDatabaseError,
)
from pgdatahub.load.adopt import Adopter
from pgdatahub.load.file_hash import hash_once
from pgdatahub.load.known_files import KnownFiles, dropped_by_hand, find_known, skip_routed
from pgdatahub.load.older_readings import OlderReadings, by_table, describe, read_differently
from pgdatahub.load.possible_tables import possible_tables, tables_by_file
from pgdatahub.load.results import failed, of_imports, skipped
from pgdatahub.load.transaction import Loading
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.engine import transaction
from pgdatahub.postgres.history import History
from pgdatahub.postgres.older_rows import set_reading, tables_of_older_readings
from pgdatahub.postgres.part_rows import imports_elsewhere
from pgdatahub.postgres.unknown_rows import UnknownRows, find_all_unknown
from pgdatahub.readers.reading_rules import READING_VERSIONS, reading_version
from pgdatahub.system.retry import with_retries


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Answers about files from the history.

    Attributes:
        stages: The plugins.
        config: The settings.
        reporter: Receives notices for the user.
        run_id: The id of the run in the history.
        database: The target database; None for a dry run, which knows no file.
        contents_read_again: Kept by :class:`~pgdatahub.load.older_readings.OlderReadings`.
    """

    stages: Stages
    config: Config
    reporter: Reporter
    run_id: str
    database: Database | None
    contents_read_again: dict[int, str | None] = field(default_factory=dict, repr=False)

    @property
    def history(self) -> History:
        """The metadata tables."""
        return History(self.config.schema_name)

    @property
    def _loading(self) -> Loading:
        return Loading(stages=self.stages, config=self.config, history=self.history, run_id=self.run_id)

    def known(self, files: Sequence[SourceFile]) -> KnownFiles:
        """Return the files that are loaded already, as far as their sizes tell.

        The first call creates the history's tables if they are missing.

        Raises:
            DatabaseError: The database is gone.
        """
        possible = {possible_tables(source, self.config.schema_name) for source in files}

        def ask(database: Database) -> tuple[KnownFiles, frozenset[TableName]]:
            with transaction(database.engine) as connection:
                self.history.ensure(connection)
                existing = catalog.all_tables(connection)
                fixed = {table for tables in possible for table in tables.fixed}
                dropped: frozenset[TableName] = frozenset()
                if not fixed <= existing or any(tables.begins is not None for tables in possible):
                    missing = self.history.tables_with_rows(connection) - existing
                    dropped = frozenset(table for table in missing if any(table in tables for tables in possible))
                return find_known(connection, self.history, files), dropped

        if self.database is None:
            return KnownFiles()
        known, dropped = with_retries(partial(ask, self.database), self.gave_way)
        for table in sorted(dropped):
            self.reporter(Notice(text=dropped_by_hand(table), warning=True))
        return known

    def skip_known(self, source: SourceFile, known: KnownFiles) -> tuple[SourceFile, FileResult | None]:
        """Skip a file whose bytes are loaded already.

        Returns:
            The file, with its hash if it was hashed; and its result, None if the file has to be read.

        Raises:
            DatabaseError: The database is gone.
        """
        if not known.may_know(source) or self.database is None:
            return source, None
        began = time.monotonic()
        try:
            hashed = hash_once(source)
        except FileError:
            return source, None  # the run reports the error at the file's turn
        source = replace(source, hashed=hashed)
        if source.options.is_routed:
            return skip_routed(source, hashed.sha256, known)
        reason = known.skip(source, hashed.sha256)
        if reason is not None:
            return source, skipped(source, reason, seconds=time.monotonic() - began)
        if not known.has(source, hashed.sha256):
            return source, None
        result = self._skip_known(source, hashed.sha256, self.database)
        return source, replace(result, seconds=time.monotonic() - began) if result is not None else None

    def _skip_known(self, source: SourceFile, file_sha256: str, database: Database) -> FileResult | None:
        def ask() -> FileResult | None:
            with transaction(database.engine) as connection:
                return self._loading.skip_known(source, file_sha256, connection)

        try:
            return with_retries(ask, self.gave_way)
        except ContentionError:
            return None  # the file is read, and its load waits for the table
        except (FileError, PrivilegeError) as error:
            return failed(source, error)

    @property
    def older(self) -> OlderReadings:
        """The comparison with imports that older rules read."""
        return OlderReadings(
            stages=self.stages, config=self.config, history=self.history, contents=self.contents_read_again
        )

    def check_readings(self, imports: Sequence[tuple[SourceFile, ImportRow]]) -> tuple[str, ...]:
        """Return a message for each table with unchanged files that today's rules may read differently.

        The history records the files that read alike, so that later runs do not check them again.

        Raises:
            DatabaseError: The database is gone.
        """
        differing, alike = read_differently(imports)

        def record(database: Database) -> None:
            with transaction(database.engine) as connection:
                versions = {past.id: reading_version(past.identity) for past in alike}
                set_reading(connection, self.history, versions)

        if alike and self.database is not None:
            with_retries(partial(record, self.database), self.gave_way)
        return describe(by_table(differing))

    def tables_by_file(self, files: Sequence[SourceFile]) -> Mapping[str, frozenset[TableName]]:
        """Return location → the tables that a file may have.

        Raises:
            DatabaseError: The database is gone.
        """

        def ask(database: Database) -> Mapping[str, frozenset[TableName]]:
            with transaction(database.engine, read_only=True) as connection:
                return tables_by_file(connection, files, self.config.schema_name)

        if self.database is None or not any(source.options.is_routed for source in files):
            return tables_by_file(None, files, self.config.schema_name)
        return with_retries(partial(ask, self.database), self.gave_way)

    def tables_of_older_readings(self, tables: Iterable[TableName]) -> frozenset[TableName]:
        """Return the tables with imports that older rules read.

        Raises:
            DatabaseError: The database is gone.
        """

        def ask(database: Database) -> frozenset[TableName]:
            with transaction(database.engine, read_only=True) as connection:
                return frozenset(tables_of_older_readings(connection, self.history, tables, READING_VERSIONS))

        return frozenset() if self.database is None else with_retries(partial(ask, self.database), self.gave_way)

    def columns_of(self, tables: Iterable[TableName]) -> dict[TableName, frozenset[str]]:
        """Return the names of the columns of tables that exist.

        Raises:
            DatabaseError: The database is gone.
        """
        wanted = tuple(tables)

        def ask(database: Database) -> dict[TableName, frozenset[str]]:
            with transaction(database.engine, read_only=True) as connection:
                return catalog.column_names(connection, wanted)

        return {} if self.database is None else with_retries(partial(ask, self.database), self.gave_way)

    def unknown_rows(self, tables: Iterable[TableName]) -> dict[TableName, UnknownRows]:
        """Return the rows of tables that the history does not know, for those tables that have any.

        Raises:
            DatabaseError: The database is gone.
        """

        def ask(database: Database) -> dict[TableName, UnknownRows]:
            with transaction(database.engine, read_only=True) as connection:
                return find_all_unknown(connection, self.history, tables)

        return {} if self.database is None else with_retries(partial(ask, self.database), self.gave_way)

    def adopt(self, files: Sequence[SourceFile], known: KnownFiles) -> KnownFiles:
        """Rebuild the lost history of the files' tables; return the files that are known afterwards.

        Raises:
            DatabaseError: The database is gone.
            SpoolError: The disk is full.
        """
        tables = self.tables_by_file(files)
        unknown = self.unknown_rows({table for source in files for table in tables[source.location]})
        if self.database is None:
            return known
        adopter = Adopter(
            stages=self.stages,
            config=self.config,
            reporter=self.reporter,
            history=self.history,
            run_id=self.run_id,
            database=self.database,
            gave_way=self.gave_way,
        )
        for table, rows in unknown.items():
            adoption = adopter.adopt(rows, [source for source in files if table in tables[source.location]], known)
            for text in adoption.messages:
                self.reporter(Notice(text=text, warning=bool(adoption.unproved)))
        if not unknown:
            self.reporter(Notice(text="nothing to adopt: the history knows all rows of the tables"))
            return known
        return self.known(files)

    def look_up(self, source: SourceFile) -> FileResult | None:
        """Return the result of a file that this run committed before its worker died; else None."""
        routed = source.options.is_routed

        def ask(database: Database) -> list[ImportRow]:
            with transaction(database.engine) as connection:
                # The worker's transaction holds the lock until the server has committed it or rolled it back.
                key = locks.lock_key(source.table)
                if routed:
                    key = locks.file_lock_key(self.history.schema, source.identity)
                locks.wait_for_turn(connection, key)
                if routed:
                    return imports_elsewhere(connection, self.history, source, ())
                return self.history.of_identity(connection, source.table, source.identity)

        if self.database is None:
            return None
        imports = with_retries(partial(ask, self.database), self.gave_way)
        return of_imports(source, [past for past in imports if past.run_id == self.run_id])

    def confirm(self, results: Sequence[FileResult], sources: Iterable[SourceFile]) -> list[FileResult]:
        """Return the results with the history's figures for the files that this run loaded.

        Args:
            results: The results that the workers reported.
            sources: All files of the run, including those without a result.

        Raises:
            DatabaseError: The database is gone.
        """

        def ask(database: Database) -> list[ImportRow]:
            with transaction(database.engine, read_only=True) as connection:
                return self.history.select_imports(connection, run_id=self.run_id)

        if self.database is None:
            return list(results)
        imports = with_retries(partial(ask, self.database), self.gave_way)
        loaded: dict[str, list[ImportRow]] = {}
        for past in imports:
            loaded.setdefault(past.identity, []).append(past)
        said = {result.source.location: result for result in results}
        settled = []
        for source in sources:
            result = said.get(source.location)
            found = [
                past
                for past in loaded.get(source.identity, ())
                if source.options.is_routed or past.table == source.table
            ]
            if found:
                result = of_imports(source, found, result)
            if result is not None:
                settled.append(result)
        return settled

    def gave_way(self, error: TransientDatabaseError) -> None:
        """Report an error after which a transaction is retried, and reconnect if the connection was lost."""
        self.reporter(Notice(text=f"{error.message}; trying again"))
        if self.database is not None and not isinstance(error, ContentionError):
            with suppress(DatabaseError):
                self.database.revive()
