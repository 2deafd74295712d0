"""Plans of a run: read all files, query the database, write nothing.

One read-only transaction queries the database after the files are read, so that no lock is held while reading. A short
query before reading finds the files that are loaded already, which need no reading.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pgdatahub.config import Config
from pgdatahub.config.loading import config_of
from pgdatahub.errors import FileError, PgDataHubError
from pgdatahub.load.contracts import column_keys
from pgdatahub.load.known.known_files import KnownFiles, find_known, skip_routed
from pgdatahub.load.known.left_tables import left_imports
from pgdatahub.load.known.older_readings import by_table, describe, read_differently
from pgdatahub.load.known.possible_tables import tables_by_file
from pgdatahub.load.known.table_warnings import table_warnings
from pgdatahub.load.missing import Listing
from pgdatahub.load.results import failed, skipped, skipped_as_empty, unexpected
from pgdatahub.load.staging.file_hash import hash_once
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import StagedFile, stage
from pgdatahub.model.events import FileFinished, FileStarted, Notice, NullReporter, Reporter, RunStarted
from pgdatahub.model.files import SourceFile
from pgdatahub.model.missing import MissingFile
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import OpaqueType, TableName
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.server_encoding import lacks_characters
from pgdatahub.postgres.tables import catalog
from pgdatahub.readers.tables.layout import EmptySheetError
from pgdatahub.runs.files.left_tables import mark_leaving, warn_of_left
from pgdatahub.runs.files.selection import Selection, find_files
from pgdatahub.runs.plans.database import destination, looking, warn_of_refusals
from pgdatahub.runs.plans.keys import with_keys
from pgdatahub.runs.plans.missing_files import plan_missing
from pgdatahub.runs.plans.result import FilePlan, RunPlan, TablePlan
from pgdatahub.runs.plans.simulation import SimulatedFile
from pgdatahub.runs.plans.tables import TableSimulations

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def plan(
    config: Config | None = None,
    *,
    selection: Selection | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> RunPlan:
    """Return the plan of a run; nothing is written.

    Args:
        config: The settings, or None for those of the environment and the files. With ``skip_db`` no database is used, and
            every table counts as new.
        selection: The files to load; all by default.
        reporter: Receives events.
        settings: Instead of ``config``, single settings by field, such as ``data_root`` and ``database_url``.

    Raises:
        ConfigError: The settings or the selection are wrong.
        PluginError: A plugin cannot be used.
        DatabaseError: The database does not answer, or the connection is lost.
    """
    config = config_of(config, settings)
    began = time.monotonic()
    reporter = reporter or NullReporter()
    stages = Stages(create_plugin_manager())
    discovery = find_files(config, stages, selection or Selection())
    for warning in (*discovery.warnings, *discovery.failures):
        reporter(Notice(text=warning, warning=True))
    with destination(config, reporter) as (database, described), ExitStack() as resources:
        size = sum(source.size for source in discovery.files)
        reporter(RunStarted(destination=described, files=len(discovery.files), bytes=size))
        planner = _Planner(stages, config, reporter, resources.enter_context(SpoolFile()))
        with looking(database) as connection:
            planner.look(connection, discovery.files)
        files = [planner.hash(source) for source in planner.files]
        with looking(database) as connection:
            planner.skip_known(connection, files)
        read = [(source, planner.read(source)) for source in files]
        with looking(database) as connection:
            planner.check_keys(connection)
            tables = tuple(planner.simulate(connection, read))
            tables = tuple(planner.count_keys(database, tables))
            planned = [*(file for table in tables for file in table.files), *planner.unplaced]
            missing = planner.missing(connection, discovery.listing, planned)
            planner.check_left()
            warn_of_refusals(connection, config, planned, planner.warn)
    return RunPlan(
        destination=described,
        tables=tables,
        unplaced=tuple(planner.unplaced),
        ignored=discovery.ignored,
        unreadable=discovery.unreadable,
        warnings=(*discovery.warnings, *planner.warnings),
        seconds=time.monotonic() - began,
        missing=missing,
    )


class _Planner:
    """Reader of the files and simulator of their tables."""

    def __init__(self, stages: Stages, config: Config, reporter: Reporter, kept: SpoolFile) -> None:
        self.stages = stages
        self.config = config
        self.reporter = reporter
        self._kept = kept
        self._known = KnownFiles()
        self._tables = TableSimulations(stages, config)
        self._skipped: dict[str, SimulatedFile] = {}
        self._routed: dict[str, SourceFile] = {}
        self._skipped_routed: dict[str, FileResult] = {}
        self.files: list[SourceFile] = []
        self.warnings: tuple[str, ...] = ()
        self._particular: set[TableName] = set()
        self._results: list[FileResult] = []

    def look(self, connection: Connection | None, files: Sequence[SourceFile]) -> None:
        """Find the files that need no reading, and the tables whose stored values matter."""
        self.files = list(files)
        if connection is None:
            return
        history = self._history(connection)
        if history is not None:
            self._known = find_known(connection, history, files)
            self.warn(*table_warnings(connection, history, files))
            self._tables.left = left_imports(connection, history, files, self.config.schema_name)
            self.files = mark_leaving(files, self._tables.left)
        tables = tables_by_file(connection, files, self.config.schema_name)
        possible = {table for found in tables.values() for table in found}
        self._particular |= possible if lacks_characters(connection) else set()
        for table in possible - self._particular:
            try:
                stored = catalog.reflect(connection, table)
            except FileError:
                continue  # reported for each of the table's files, later
            if stored is not None and any(isinstance(column.type, OpaqueType) for column in stored.columns):
                self._particular.add(table)

    def hash(self, source: SourceFile) -> SourceFile:
        """Return the file, with its hash if the file may be loaded already."""
        if self._known.may_know(source):
            with suppress(FileError):  # reported when the file is read
                return replace(source, hashed=hash_once(source))
        return source

    def skip_known(self, connection: Connection | None, files: Sequence[SourceFile]) -> None:
        """Find the files that a run skips before reading."""
        history = self._history(connection)
        imports = [
            (source, past)
            for source in files
            if source.hashed is not None
            for past in self._known.own_imports(source, source.hashed.sha256)
        ]
        differing, _ = read_differently(imports)
        self.warn(*describe(by_table(differing)))
        for source in files:
            if source.hashed is None:
                continue
            if source.options.is_routed:
                found, result = skip_routed(source, source.hashed.sha256, self._known)
                self._routed[source.location] = found
                if result is not None:
                    self._skipped_routed[source.location] = result
                continue
            if not self._known.has(source, source.hashed.sha256):
                continue
            reason = self._known.skip(source, source.hashed.sha256)
            skipped = (
                SimulatedFile(source=source, skip=reason)
                if reason is not None
                else self._tables.of(source.table, connection, history).skip_known(source, source.hashed.sha256)
            )
            if skipped is not None:
                self._skipped[source.location] = skipped

    def _history(self, connection: Connection | None) -> History | None:
        history = History(self.config.schema_name)
        return history if connection is not None and history.exists(connection) else None

    def read(self, source: SourceFile) -> StagedFile | FileResult:
        """Read a file; keep its rows only if the simulation needs the values for a column of a foreign type."""
        self.reporter(FileStarted(source=source))
        routed = self._skipped_routed.get(source.location)
        if routed is not None:
            self.reporter(FileFinished(result=routed))
            return routed
        source = self._routed.get(source.location, source)
        known = self._skipped.get(source.location)
        if known is not None:
            result = failed(source, known.error) if known.error else skipped(source, known.skip or "")
            self.reporter(FileFinished(result=result))
            return result
        try:
            answer = self._read(source)
        except FileError as error:
            answer = failed(source, error)
        except PgDataHubError:
            raise
        except Exception as error:  # noqa: BLE001 - plugins raise anything, and one file must not end a plan
            answer = unexpected(source, error, secrets=self.config.secrets)
        if isinstance(answer, FileResult):
            self.reporter(FileFinished(result=answer))
        else:
            result = FileResult(
                source=source,
                outcome=Outcome.READ,
                rows=sum(part.rows for part in answer.parts),
                seconds=answer.seconds,
                unknown_keys=answer.unknown_keys,
            )
            self._results.append(result)
            self.reporter(FileFinished(result=result))
        return answer

    def check_keys(self, connection: Connection | None) -> None:
        """Warn of keys under ``columns:`` that mean no column of the files that were read."""

        def columns_of(tables: Iterable[TableName]) -> dict[TableName, frozenset[str]]:
            return {} if connection is None else catalog.column_names(connection, tables)

        self.warn(*column_keys.warnings(self.config, self._results, columns_of))

    def _read(self, source: SourceFile) -> StagedFile | FileResult:
        hashed = hash_once(source)
        source = replace(source, hashed=hashed)  # its time may order files

        def stage_into(spool_file: SpoolFile) -> StagedFile:
            spool = Spool(spool_file)
            return stage(
                source,
                self.stages,
                self.config,
                self.reporter,
                spool,
                file_sha256=hashed.sha256,
                version=hashed.version,
            )

        try:
            options = source.options
            if (
                options.has_server_types
                or options.has_rule
                or (self._particular and (options.is_routed or source.table in self._particular))
            ):
                return stage_into(self._kept)
            with SpoolFile() as forgotten:
                return stage_into(forgotten)
        except EmptySheetError as error:
            return skipped_as_empty(source, error)

    def simulate(
        self, connection: Connection | None, read: Sequence[tuple[SourceFile, StagedFile | FileResult]]
    ) -> Iterator[TablePlan]:
        """Yield the plan of each table, in the order of a run."""
        skipped = self._skipped.keys() | self._skipped_routed.keys()
        return self._tables.simulate(connection, self._history(connection), read, files=self.files, skipped=skipped)

    def count_keys(self, database: Database | None, tables: Iterable[TablePlan]) -> Iterator[TablePlan]:
        """Yield the plans of tables, those of keyed tables with the number of their keys."""
        return with_keys(database, History(self.config.schema_name), tables, self._tables.all, warn=self.warn)

    def warn(self, *texts: str) -> None:
        """Add warnings to the plan."""
        self.warnings += texts
        for text in texts:
            self.reporter(Notice(text=text, warning=True))

    @property
    def unplaced(self) -> Sequence[FilePlan]:
        """The plans of files without a table, after the simulation."""
        return self._tables.unplaced

    def missing(
        self, connection: Connection | None, listing: Listing | None, files: Iterable[FilePlan]
    ) -> tuple[MissingFile, ...]:
        """Return the imports whose file no longer exists, as the simulated files leave them."""
        history = self._history(connection)
        if connection is None or history is None or listing is None:
            return ()
        return plan_missing(connection, history, listing, self.config, files, self._tables)

    def check_left(self) -> None:
        """Warn of rows that stay in tables which the settings do not name for their files any more."""
        stay = [past for past in map(self._tables.after, self._tables.left) if past is not None]
        self.warnings = (*self.warnings, *warn_of_left(stay, self.reporter))
