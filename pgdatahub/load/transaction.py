"""One file within a transaction, with all its parts or none.

The file is checked to be new under the locks of its tables, and recorded with its rows::

    lock ─▶ known? ─▶ reflect ─▶ evolve ─▶ load ─▶ audit

The staged path (:meth:`Loading.load`) has the whole file before it begins. :mod:`pgdatahub.load.while_reading` has the
other path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from pgdatahub.config import Config
from pgdatahub.load.decisions import Decisions
from pgdatahub.load.dedup import DedupDecision, PartFacts, decide
from pgdatahub.load.descriptions import update_descriptions
from pgdatahub.load.duplicates import covered_files
from pgdatahub.load.evolve import Evolution, ProjectedTable, evolve
from pgdatahub.load.key_settings import check_columns, check_rule
from pgdatahub.load.keyed import Merged, finish_keyed, load_keyed
from pgdatahub.load.part_work import PartWork, in_lock_order
from pgdatahub.load.replace import settle
from pgdatahub.load.results import confirmed_part, of_staged, of_staged_file, skipped, skipped_part
from pgdatahub.load.staging import Staged, StagedFile
from pgdatahub.model.batches import ColumnBatch, Lineage
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRecord
from pgdatahub.model.results import FileResult, LoadResult, Outcome, PartResult
from pgdatahub.model.schema import SchemaPlan
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.cascades import describe_cascades
from pgdatahub.postgres.file_queries import FileFacts, LockedTable, PartKey
from pgdatahub.postgres.history import History
from pgdatahub.postgres.view_definitions import put_up, take_down
from pgdatahub.readers.reading_rules import reading_version
from pgdatahub.system import failpoints

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection
    from pgdatahub.postgres.keyed.rules import TableRule

Loaded: TypeAlias = tuple[FileResult, list[Callable[[], None]]]
"""The result, and the plugins' callbacks for after COMMIT."""


ROWS_LEFT_OUT: Final = "rows left out by triggers"
"""Key of ``counts``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPart:
    """A part whose rows are in its table, with the changes of the table."""

    work: PartWork
    part: Staged
    evolution: Evolution
    loaded: LoadResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """Loader of files in transactions that the caller begins and ends.

    Attributes:
        stages: The plugins.
        config: The settings.
        history: The metadata tables.
        run_id: The id of the run in the history.
    """

    stages: Stages
    config: Config
    history: History
    run_id: str

    @property
    def decisions(self) -> Decisions:
        """The decisions on files."""
        return Decisions(history=self.history, run_id=self.run_id)

    def load(self, staged: StagedFile, connection: Connection, *, ends: bool = False) -> Loaded:
        """Load a file that was read to its end, with all its parts.

        Args:
            staged: The file.
            connection: A connection in a transaction.
            ends: COMMIT follows, so that the history's records may go to the server together with COMMIT.

        Raises:
            FileError: The file cannot be loaded.
            DatabaseError: The database is gone, or refuses access.
        """
        began = time.monotonic()
        work, gone = self.decisions.of_file(staged, connection)
        if any(one.decision.loaded_by_us is not None for one in work):
            return self._confirmed(staged, work), []
        if len(work) + len(gone) > 1:
            self._lock_in_order([*work, *gone], connection)
        imported_at = max(one.facts.moment for one in (*work, *gone))
        for one in (*work, *gone):
            if one in work:
                check_rule(one.source, one.facts.rule)
            loads = one.decision.skip is None and one.source.options.rule is not None
            self._settle(
                one.decision,
                one.source,
                connection,
                file_sha256=staged.file_sha256,
                moment=imported_at,
                keep_rows=loads and one.facts.rule is not None,
            )
        self.decisions.refresh_routing(staged, work, connection)
        new = self.write([(one, part) for one in work if (part := one.new) is not None], imported_at, connection)
        seconds = time.monotonic() - began
        has_aside = any(one.part.aside is not None for one in new)  # whose COPY cannot go with other statements
        if new and ends and self.stages.audit_is_built_in and not has_aside:
            connection.pipeline_to_end()
        results = {one.table: skipped_part(one.table, one.decision.skip) for one in work if one.decision.skip}
        callbacks: list[Callable[[], None]] = []
        for written in new:
            one, part = written.work, replace(written.part, seconds=written.part.seconds + seconds)
            results[one.table], called_after = self.record(
                part, one.decision, written.evolution, written.loaded, imported_at, connection
            )
            callbacks += called_after
            finish_keyed(connection, self.history, one.source)
        result = of_staged_file(staged, [results[one.table] for one in work], loads=bool(new))
        notices = [one.decision.notice for one in gone if one.decision.notice]
        return replace(result, notices=(*result.notices, *notices)), callbacks

    def write(
        self,
        parts: Sequence[tuple[PartWork, Staged]],
        imported_at: datetime,
        connection: Connection,
        *,
        examine: Callable[[TableRule], None] | None = None,
    ) -> list[WrittenPart]:
        """Change the tables of parts, and bring their rows in.

        Args:
            parts: The facts about each part, and its rows.
            imported_at: The time of their import.
            connection: A connection in the transaction that has the turns of the tables.
            examine: Called for a keyed table or a snapshot when the rows are staged in the database.
        """
        locked = {
            one.table: self.reflect_locked(one.facts, one.source, connection)
            for one in in_lock_order(one for one, _ in parts)
        }
        evolutions = [self.evolve(part, locked[one.table], connection, one) for one, part in parts]
        # Views first: a reader of a view locks the view while it waits for the table.
        views = [take_down(connection, evolution.views) for evolution in evolutions]
        changing = {one.table for (one, _), evolution in zip(parts, evolutions, strict=True) if evolution.plan.changes}
        for one in in_lock_order(one for one, _ in parts):
            if locked[one.table] is not None and one.table in changing:
                locks.lock_table(connection, one.table, exclusively=True)
        written = []
        for (one, part), evolution, taken_down in zip(parts, evolutions, views, strict=True):
            if one.source.options.rule is None:
                loaded = self.copy(evolution.plan, part.spool, one.source, imported_at, connection)
            else:
                merged = self.merge(one, part, evolution, imported_at, connection, examine=examine)
                loaded = merged.result
                part = replace(part, counts={**part.counts, **merged.counts}, xid=merged.xid)
            evolution = self.described(evolution, part, connection)
            put_up(connection, taken_down, one.table)
            written.append(WrittenPart(work=one, part=part, evolution=evolution, loaded=loaded))
        return written

    def _confirmed(self, staged: StagedFile, work: Sequence[PartWork]) -> FileResult:
        """Return the result of a file whose earlier COMMIT by this run took effect, but was not confirmed."""
        results = []
        for one in work:
            past = one.decision.loaded_by_us
            if past is not None and one.staged is not None:
                results.append(confirmed_part(of_staged(one.staged, Outcome.LOADED), past))
            else:
                results.append(skipped_part(one.table, one.decision.skip or "already loaded"))
        return of_staged_file(staged, results, loads=True)

    def _lock_in_order(self, work: Sequence[PartWork], connection: Connection) -> None:
        """Lock the existing tables that the file changes, in the order of all sessions."""
        for one in in_lock_order(work):
            decision = one.decision
            if one.facts.has_table and (decision.skip is None or decision.replaced or decision.retired):
                locks.lock_table(connection, one.table)

    def _settle(
        self,
        decision: DedupDecision,
        source: SourceFile,
        connection: Connection,
        *,
        file_sha256: str,
        moment: datetime,
        keep_rows: bool = False,
    ) -> None:
        settle(connection, self.history, decision, source, file_sha256=file_sha256, moment=moment, keep_rows=keep_rows)

    def skip_known(self, source: SourceFile, file_sha256: str, connection: Connection) -> FileResult | None:
        """Skip a file whose bytes are loaded or on hold; return None if the file has to be read.

        Raises:
            FileError: The file changed, and its folder sets ``on_changed: fail``.
            DatabaseError: The database is gone, or refuses access.
        """
        part = PartKey(table=source.table, content_sha256=None)
        turns = (locks.lock_key(source.table),)
        (facts,) = self.history.facts(connection, source, (part,), file_sha256=file_sha256, turns=turns)
        known = PartFacts(source=source, related=facts.related)
        (found,) = decide((known,), file_sha256=file_sha256, run_id=self.run_id)
        if found.skip is None or (self.config.sectional_commit and found.retired):
            return None  # rows of a folder change in the folder's own transaction
        self._settle(found, source, connection, file_sha256=file_sha256, moment=facts.moment)
        return skipped(source, found.skip)

    def reflect_locked(
        self, facts: FileFacts, source: SourceFile, connection: Connection, *, wait: bool = True
    ) -> LockedTable | None:
        """Return the table's columns, if there is a table, locked against changes by other sessions."""
        # The second call refuses objects that are not tables, and sees a table that was created just now.
        if not facts.has_table and catalog.reflect(connection, source.table) is None:
            return None
        return self.history.lock_and_reflect(connection, source.table, wait=wait)

    def evolve(
        self, staged: Staged, locked: LockedTable | None, connection: Connection, work: PartWork | None = None
    ) -> Evolution:
        """Decide the changes of the table for a file."""
        rule = None if work is None or locked is None else work.facts.rule
        going = () if work is None or rule is None else work.decision.going
        evolution = evolve(
            staged,
            None if locked is None else locked.schema,
            connection,
            stages=self.stages,
            config=self.config,
            history=self.history,
            knows_others=locked is not None and locked.knows_others,
            projected=ProjectedTable(current=locked.schema, going=going) if locked is not None and going else None,
            rule=rule,
        )
        check_columns(staged, evolution, self.history, connection)
        return evolution

    def merge(
        self,
        work: PartWork,
        staged: Staged,
        evolution: Evolution,
        imported_at: datetime,
        connection: Connection,
        *,
        examine: Callable[[TableRule], None] | None = None,
    ) -> Merged:
        """Load a part into its keyed table or snapshot."""
        return load_keyed(
            connection,
            staged,
            evolution,
            stored=work.facts.rule,
            going=work.decision.going if work.facts.rule is not None else (),
            imported_at=imported_at,
            stages=self.stages,
            config=self.config,
            history=self.history,
            examine=examine,
        )

    def described(self, evolution: Evolution, staged: Staged, connection: Connection) -> Evolution:
        """Keep the descriptions of the settings in the comments of existing columns; return the decision with notices."""
        notices = update_descriptions(connection, self.history, evolution.stored, staged.observed)
        return replace(evolution, notices=(*evolution.notices, *notices)) if notices else evolution

    def copy(
        self,
        plan: SchemaPlan,
        batches: Iterable[ColumnBatch],
        source: SourceFile,
        imported_at: datetime,
        connection: Connection,
    ) -> LoadResult:
        """Change the table as planned and copy the rows."""
        return self.stages.load(plan, _with_lineage(batches, source, imported_at), connection, self.config)

    def record(
        self,
        staged: Staged,
        found: DedupDecision,
        evolution: Evolution,
        loaded: LoadResult,
        imported_at: datetime,
        connection: Connection,
    ) -> tuple[PartResult, list[Callable[[], None]]]:
        """Record the import of a part; return its result, and the plugins' callbacks for after COMMIT."""
        staged, left_out = rows_left_out(staged, loaded, connection)
        record = ImportRecord(
            run_id=self.run_id,
            source=staged.source,
            sheets=staged.sheets,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
            settings_fingerprint=staged.source.fingerprint,
            imported_at=imported_at,
            seconds=staged.seconds,
            rows=loaded.rows,
            counts=staged.counts,
            observed=staged.observed,
            plan=evolution.plan,
            sheets_left_out=staged.sheets_left_out,
            reading=reading_version(staged.source.name),
            routing=staged.routing,
            tables=staged.tables,
            xid=staged.xid,
            aside=staged.aside if staged.aside is not None else (),
            quarantined=staged.quarantined,
            layout=staged.layout,
            duplicates=covered_files(
                found,
                staged.source,
                file_sha256=staged.file_sha256,
                content_sha256=staged.content_sha256,
                moment=imported_at,
            ),
        )
        callbacks = self.stages.audit(record, connection, self.config)
        failpoints.reach("recorded")
        result = of_staged(staged, Outcome.LOADED)
        cascades = describe_cascades(connection, staged.source.table) if found.going else ()
        notices = (*result.notices, *evolution.notices, *([found.notice] if found.notice else ()), *cascades, *left_out)
        return replace(result, rows=loaded.rows, changes=evolution.plan.changes, notices=notices), list(callbacks)


def rows_left_out(staged: Staged, loaded: LoadResult, connection: Connection) -> tuple[Staged, tuple[str, ...]]:
    """Return a file with the number of rows that the table did not take in its counts, and a notice about them."""
    missing = staged.rows - loaded.rows
    if missing <= 0:
        return staged, ()
    triggers = ", ".join(catalog.row_triggers(connection, staged.source.table)) or "a trigger or a plugin"
    notice = f"{missing:,} of {staged.rows:,} rows were left out by the table itself ({triggers})"
    return replace(staged, counts={**staged.counts, ROWS_LEFT_OUT: missing}), (notice,)


def _with_lineage(batches: Iterable[ColumnBatch], source: SourceFile, imported_at: datetime) -> Iterator[ColumnBatch]:
    """Yield the rows of a file with the pair that names their import."""
    lineage = Lineage(source_file=source.location, load_timestamp=imported_at)
    return (replace(batch, lineage=lineage) for batch in batches)
