"""Queries about the files of a run before the first of them is loaded; :mod:`pgdatahub.load.known.dedup` decides."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import ContentionError, FileError, PrivilegeError
from pgdatahub.load.adoption.adopt import Adopter
from pgdatahub.load.adoption.restored_changes import restore_changes
from pgdatahub.load.adoption.restored_rules import restore_rules
from pgdatahub.load.known.known_files import KnownFiles, find_known, skip_routed
from pgdatahub.load.known.older_readings import OlderReadings, by_table, describe, read_differently
from pgdatahub.load.known.possible_tables import tables_by_file
from pgdatahub.load.known.retried_queries import RetriedQueries
from pgdatahub.load.known.table_warnings import table_warnings
from pgdatahub.load.results import failed, skipped
from pgdatahub.load.staging.file_hash import hash_once
from pgdatahub.load.transaction import Loading
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.older_rows import set_reading, tables_of_older_readings
from pgdatahub.postgres.proofs.unknown_rows import UnknownRows, find_all_unknown
from pgdatahub.postgres.tables import catalog
from pgdatahub.readers.reading_rules import READING_VERSIONS, reading_version

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Answers about files from the history.

    Attributes:
        stages: The plugins.
        config: The settings.
        queries: The target database; without it no file is known.
        run_id: The id of the run in the history.
        contents_read_again: Kept by :class:`~pgdatahub.load.known.older_readings.OlderReadings`.
    """

    stages: Stages
    config: Config
    queries: RetriedQueries
    run_id: str
    contents_read_again: dict[int, str | None] = field(default_factory=dict, repr=False)

    @property
    def reporter(self) -> Reporter:
        """The receiver of notices for the user."""
        return self.queries.reporter

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

        def query(connection: Connection) -> tuple[KnownFiles, tuple[str, ...]]:
            self.history.ensure(connection, lambda line: self.reporter(Notice(text=line)))
            warnings = table_warnings(connection, self.history, files)
            return find_known(connection, self.history, files), warnings

        nothing: tuple[KnownFiles, tuple[str, ...]] = (KnownFiles(), ())
        known, warnings = self.queries.ask(query, nothing, read_only=False)
        for text in warnings:
            self.reporter(Notice(text=text, warning=True))
        return known

    def skip_known(self, source: SourceFile, known: KnownFiles) -> tuple[SourceFile, FileResult | None]:
        """Skip a file whose bytes are loaded already.

        Returns:
            The file, with its hash if it was hashed; and its result, None if the file has to be read.

        Raises:
            DatabaseError: The database is gone.
        """
        if not known.may_know(source) or self.queries.database is None:
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
        result = self._skip_known(source, hashed.sha256)
        return source, replace(result, seconds=time.monotonic() - began) if result is not None else None

    def _skip_known(self, source: SourceFile, file_sha256: str) -> FileResult | None:
        try:
            return self.queries.ask(
                lambda connection: self._loading.skip_known(source, file_sha256, connection), None, read_only=False
            )
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

        if alike:
            versions = {past.id: reading_version(past.identity) for past in alike}
            self.queries.ask(lambda connection: set_reading(connection, self.history, versions), None, read_only=False)
        return describe(by_table(differing))

    def tables_by_file(self, files: Sequence[SourceFile]) -> Mapping[str, frozenset[TableName]]:
        """Return location → the tables that a file may have.

        Raises:
            DatabaseError: The database is gone.
        """
        schema = self.config.schema_name
        fixed = tables_by_file(None, files, schema)
        if not any(source.options.is_routed for source in files):
            return fixed
        return self.queries.ask(lambda connection: tables_by_file(connection, files, schema), fixed)

    def tables_of_older_readings(self, tables: Iterable[TableName]) -> frozenset[TableName]:
        """Return the tables with imports that older rules read.

        Raises:
            DatabaseError: The database is gone.
        """
        wanted = tuple(tables)
        return self.queries.ask(
            lambda connection: frozenset(tables_of_older_readings(connection, self.history, wanted, READING_VERSIONS)),
            frozenset(),
        )

    def columns_of(self, tables: Iterable[TableName]) -> dict[TableName, frozenset[str]]:
        """Return the names of the columns of tables that exist.

        Raises:
            DatabaseError: The database is gone.
        """
        wanted = tuple(tables)
        return self.queries.ask(lambda connection: catalog.column_names(connection, wanted), {})

    def unknown_rows(self, tables: Iterable[TableName]) -> dict[TableName, UnknownRows]:
        """Return the rows of tables that the history does not know, for those tables that have any.

        Raises:
            DatabaseError: The database is gone.
        """
        wanted = tuple(tables)
        return self.queries.ask(lambda connection: find_all_unknown(connection, self.history, wanted), {})

    def restore_metadata(self, files: Sequence[SourceFile]) -> None:
        """Make the history of schema changes again where it is missing, and the lost rules of keyed tables.

        Args:
            files: The files of the run, with the settings of their folders.

        Raises:
            DatabaseError: The database is gone.
            HistoryDamagedError: A user changed another metadata table, or a row.
        """

        def restore(connection: Connection) -> tuple[list[TableName], dict[TableName, str | None]]:
            changed = restore_changes(connection, self.history)
            self.history.ensure(connection)
            return changed, restore_rules(connection, self.history, files)

        nothing: tuple[list[TableName], dict[TableName, str | None]] = ([], {})
        changed, rules = self.queries.ask(restore, nothing, read_only=False)
        for table in changed:
            text = f"{table}: the history knows again what pgdatahub made, as far as the table shows it"
            self.reporter(Notice(text=text))
        for table, reason in rules.items():
            text = f"{table}: the rule of the folder's options is in force again"
            if reason is not None:
                text = f"{table}: the lost rule of its key is not adopted: {reason}"
            self.reporter(Notice(text=text, warning=reason is not None))

    def adopt(self, files: Sequence[SourceFile], known: KnownFiles) -> KnownFiles:
        """Rebuild the lost history of the files' tables; return the files that are known afterwards.

        Raises:
            DatabaseError: The database is gone.
            SpoolError: The disk is full.
        """
        tables = self.tables_by_file(files)
        unknown = self.unknown_rows({table for source in files for table in tables[source.location]})
        if self.queries.database is None:
            return known
        adopter = Adopter(
            stages=self.stages,
            config=self.config,
            reporter=self.reporter,
            history=self.history,
            run_id=self.run_id,
            database=self.queries.database,
            gave_way=self.queries.gave_way,
        )
        for table, rows in unknown.items():
            adoption = adopter.adopt(rows, [source for source in files if table in tables[source.location]], known)
            for text in adoption.messages:
                self.reporter(Notice(text=text, warning=bool(adoption.unproved)))
        if not unknown:
            self.reporter(Notice(text="nothing to adopt: the history knows all rows of the tables"))
            return known
        return self.known(files)
