"""Simulation of loading the files of one table in order, without writing a row.

Each file meets the table as the files before it would leave it: columns, types and imports.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.load.duplicates import as_duplicate, covered_files
from pgdatahub.load.evolve import Evolution, ProjectedTable, evolve
from pgdatahub.load.keys.key_settings import check_columns, check_rule
from pgdatahub.load.known.dedup import decide
from pgdatahub.load.known.dedup_facts import DedupDecision, PartFacts
from pgdatahub.load.known.skip_reasons import PLANNED_RUN
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.aside import BLANKED_CELLS
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import COUNTED, Duplicate, ImportRow, Status
from pgdatahub.model.schema import SchemaPlan, TableName, TableSchema
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.file_queries import PartKey
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.rules import TableRule, find_rule
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.cascades import describe_cascades
from pgdatahub.postgres.tables.rights import check_rights
from pgdatahub.postgres.tables.views import describe_recreation
from pgdatahub.runs.plans.key_tables import check_tables
from pgdatahub.runs.plans.texts import check_texts
from pgdatahub.runs.plans.ties import check_ties
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


_AFTER_ALL: Final = datetime(9999, 1, 1)  # noqa: DTZ001 - UTC without a zone, as the history has it


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedFile:
    """Result of simulating a part of a file.

    Attributes:
        source: The file with the part's table.
        staged: The staged part; None if the file was not read.
        skip: Reason of a skip.
        error: Reason of a failure.
        plan: Changes of the table; None if the file is not loaded.
        notices: Remarks for the user.
        begins_rule: The table gets its key, or becomes a snapshot, with this file.
        own_index: The user's own unique index on the key, if the table has one then.
    """

    source: SourceFile
    staged: Staged | None = None
    skip: str | None = None
    error: FileError | None = None
    plan: SchemaPlan | None = None
    notices: tuple[str, ...] = ()
    begins_rule: bool = False
    own_index: str | None = None


@dataclass(slots=True, kw_only=True)
class TableSimulation:
    """Simulation of a table into which files are loaded.

    Attributes:
        table: The table.
        stages: The plugins.
        config: The settings.
        connection: In a transaction that may be read-only; None without a database, which counts as an empty database.
        history: The metadata tables; None if they do not exist yet.
        stored: Its columns in the database.
        current: Its columns after the files simulated so far.
        rule: The rule in force for the table, if it has a key or is a snapshot.
        keyed: The files that are loaded by a key or into a snapshot.
    """

    table: TableName
    stages: Stages
    config: Config
    connection: Connection | None
    history: History | None
    stored: TableSchema | None = None
    current: TableSchema | None = None
    rule: TableRule | None = None
    keyed: list[Staged] = field(default_factory=list)
    _own_index: str | None = None
    _files: list[frozenset[str]] = field(default_factory=list)
    _settled: set[str] = field(default_factory=set)
    _going: list[ImportRow] = field(default_factory=list)
    _changed: dict[int, ImportRow | None] = field(default_factory=dict)
    _moments: int = 0

    def begin(self) -> None:
        """Read the table's columns from the database.

        Raises:
            FileError: Another object, such as a view, has the table's name, or row-level security hides rows.
        """
        if self.connection is not None:
            self.stored = self.current = catalog.reflect(self.connection, self.table)
        if self.connection is not None and self.history is not None:
            self.rule = find_rule(self.connection, self.history.schema, self.table)
            if self.rule is not None:
                catalog.reflect(self.connection, self.rule.companion)  # only for its refusals

    def facts(self, source: SourceFile, file_sha256: str, content_sha256: str | None) -> PartFacts:
        """Return the imports that a part of a file may repeat or replace, as the files before it leave them."""
        related: dict[int, ImportRow] = {}
        if self.connection is not None and self.history is not None:
            key = PartKey(table=self.table, content_sha256=content_sha256)
            statuses = COUNTED if source.settings is None else (*COUNTED, Status.REVERTED)
            (facts,) = self.history.facts(self.connection, source, (key,), file_sha256=file_sha256, statuses=statuses)
            related = {past.id: past for past in facts.related if past.id not in self._changed}
        related |= {number: past for number, past in self._changed.items() if past is not None}
        return PartFacts(
            source=source, related=[related[number] for number in sorted(related)], content_sha256=content_sha256
        )

    def evolve(self, staged: Staged, found: DedupDecision) -> Evolution:
        """Return the changes of the table for a part that is loaded.

        Raises:
            FileError: The table cannot take the part.
        """
        check_rule(staged.source, self.rule)
        if self.connection is not None:
            check_rights(self.connection, self.table)
        wanted = staged.source.options.rule
        if self.connection is not None and wanted is not None:
            self._own_index = check_tables(self.connection, self.history, self.stored, self.rule, wanted, self.table)
        going = [
            *self._going,
            *found.replaced,
            *(past for past in found.retired if all(one.corrected for one in _others(past, staged.source))),
        ]
        evolution = self._evolve(staged, going)
        if self.connection is not None:
            check_texts(self.connection, staged, evolution.plan.result)
            check_ties(self.connection, staged, evolution.plan.result, self.stored)
        return evolution

    def take(self, staged: Staged, found: DedupDecision, evolution: Evolution) -> SimulatedFile:
        """Record that a part is loaded, and return its result."""
        self.settle(staged.source, found, staged.file_sha256)
        self._load(staged, found)
        self._take(staged, evolution.plan.result)
        begins_rule = False
        if staged.source.options.rule is not None:
            begins_rule = self.rule is None and not self.keyed
            self.keyed.append(staged)
        notices = (*staged.notices, *evolution.notices, *([found.notice] if found.notice else ()))
        if evolution.views:
            notices += (describe_recreation(evolution.views),)
        if found.going and self.connection is not None:
            notices += describe_cascades(self.connection, self.table)
        return SimulatedFile(
            source=staged.source,
            staged=staged,
            plan=evolution.plan,
            notices=notices,
            begins_rule=begins_rule,
            own_index=self._own_index,
        )

    @property
    def going(self) -> Sequence[ImportRow]:
        """The imports whose rows the simulated files replace."""
        return tuple(self._going)

    def after(self, past: ImportRow) -> ImportRow | None:
        """Return a stored import as the simulated files leave it; None if they replace its rows."""
        return self._changed.get(past.id, past)

    @property
    def changed(self) -> list[ImportRow]:
        """Stored imports as the simulated files leave them, if they change them and leave their rows."""
        return [past for number, past in self._changed.items() if past is not None and past.run_id != PLANNED_RUN]

    def skip_known(self, source: SourceFile, file_sha256: str) -> SimulatedFile | None:
        """Simulate a file whose bytes are loaded already; return None if the file must be read."""
        try:
            part = self.facts(source, file_sha256, None)
            (found,) = decide((part,), file_sha256=file_sha256, run_id=PLANNED_RUN)
        except FileError as error:
            return SimulatedFile(source=source, error=error)
        if found.skip is None or (self.config.sectional_commit and found.retired):
            return None  # as a run does: rows of a folder change in the folder's own transaction
        self.settle(source, found, file_sha256)
        return SimulatedFile(source=source, skip=found.skip)

    def settle(self, source: SourceFile, found: DedupDecision, file_sha256: str) -> None:
        """Record the effects of a decision on other imports, as :func:`pgdatahub.load.replace.settle` does."""
        gone = list(found.replaced)
        for past in found.retired:
            rest = _others(past, source)
            heirs = [one for one in rest if not one.corrected]
            if heirs:
                heir = min(heirs, key=lambda one: (one.seen_at, one.identity))
                self._changed[past.id] = replace(
                    past,
                    identity=heir.identity,
                    source_file=heir.source_file,
                    file_sha256=heir.file_sha256,
                    duplicates=rest,
                )
            else:
                gone.append(past)
        self._going += gone
        self._changed |= dict.fromkeys((past.id for past in gone), None)
        self._changed |= {past.id: replace(past, duplicates=_others(past, source)) for past in found.left}
        if found.origin is not None:
            duplicate = as_duplicate(source, file_sha256, self._moment())
            past = found.origin
            self._changed[past.id] = replace(past, duplicates=(*_others(past, source), duplicate))
        self._changed |= dict.fromkeys(found.released, None)

    def _load(self, staged: Staged, found: DedupDecision) -> None:
        source, moment = staged.source, self._moment()
        number = sys.maxsize - 1_000_000 + self._moments  # after every import that is stored
        self._changed[number] = ImportRow(
            id=number,
            table=self.table,
            source_file=source.location,
            identity=source.identity,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
            settings=source.fingerprint,
            run_id=PLANNED_RUN,
            row_count=staged.rows,
            bytes=source.size,
            imported_at=moment,
            status=Status.LOADED,
            routing=staged.routing,
            tables=staged.tables,
            duplicates=covered_files(
                found, source, file_sha256=staged.file_sha256, content_sha256=staged.content_sha256, moment=moment
            ),
            quarantined=staged.quarantined,
            emptied=staged.counts.get(BLANKED_CELLS, 0),
        )

    def _moment(self) -> datetime:
        """Return a moment later than all imports and all moments returned before."""
        self._moments += 1
        return _AFTER_ALL + timedelta(microseconds=self._moments)

    def _evolve(self, staged: Staged, going: Iterable[ImportRow]) -> Evolution:
        if self.connection is None:
            plan = self.stages.evolve(staged.observed, self.current, staged.source, self.config)
            evolution = Evolution(plan=plan, observed=staged.observed, stored=self.stored, current=self.current)
            check_columns(staged, evolution, None, None)
            return evolution
        projected = ProjectedTable(
            current=self.current, settled=frozenset(self._settled), going=tuple(going), files=self._files
        )
        evolution = evolve(
            staged,
            self.stored,
            self.connection,
            stages=self.stages,
            config=self.config,
            history=self.history,
            projected=projected,
            rule=self.rule,
        )
        check_columns(staged, evolution, self.history, self.connection)
        return evolution

    def _take(self, staged: Staged, result: TableSchema) -> None:
        """Replace the current table by the table that the file would leave."""
        self.current = result
        self._files.append(frozenset(staged.observed.by_name))
        known = self.stored.by_name if self.stored is not None else {}
        for column in result.columns:
            observed = staged.observed.by_name.get(column.name)
            stored = known.get(column.name)
            # The stored values may need a narrower type than the column has, as long as no simulated file changes the
            # type or adds text.
            if (
                stored is None
                or stored.type.sql != column.type.sql
                or (observed is not None and observed.type is SqlType.TEXT)
            ):
                self._settled.add(column.name)


def _others(past: ImportRow, source: SourceFile) -> tuple[Duplicate, ...]:
    """Return the files other than ``source`` that an import covers."""
    return tuple(one for one in past.duplicates if one.identity != source.identity)
