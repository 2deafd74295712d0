"""One file within a transaction, with all its parts or none.

The file is checked to be new under the locks of its tables, and recorded with its rows::

    lock ─▶ known? ─▶ reflect ─▶ evolve ─▶ load ─▶ audit

The staged path (:meth:`Loading.load`) has the whole file before it begins. :mod:`pgdatahub.load.while_reading` has the
other path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from pgdatahub.config import Config
from pgdatahub.load.duplicates import covered_files
from pgdatahub.load.evolve import Evolution
from pgdatahub.load.keys.key_settings import check_rule
from pgdatahub.load.keys.keyed import finish_keyed
from pgdatahub.load.known.decisions import Decisions
from pgdatahub.load.known.dedup import decide
from pgdatahub.load.known.dedup_facts import DedupDecision, PartFacts
from pgdatahub.load.known.part_work import PartWork, in_lock_order
from pgdatahub.load.replace import settle
from pgdatahub.load.results import confirmed_part, of_staged, of_staged_file, skipped, skipped_part
from pgdatahub.load.staging.staged_file import Staged, StagedFile
from pgdatahub.load.table_writer import TableWriter, rows_left_out
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRecord
from pgdatahub.model.results import FileResult, LoadResult, Outcome, PartResult
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.file_queries import PartKey
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.tables import locks
from pgdatahub.postgres.tables.cascades import describe_cascades
from pgdatahub.readers.reading_rules import reading_version
from pgdatahub.system import failpoints

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

Loaded: TypeAlias = tuple[FileResult, list[Callable[[], None]]]
"""The result, and the plugins' callbacks for after COMMIT."""


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
    def tables(self) -> TableWriter:
        """The writer of tables."""
        return TableWriter(stages=self.stages, config=self.config, history=self.history)

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
        new = self.tables.write([(one, part) for one in work if (part := one.new) is not None], imported_at, connection)
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
