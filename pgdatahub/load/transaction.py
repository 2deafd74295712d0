"""One file within a transaction.

The file is checked to be new under the table's lock, and recorded with its rows::

    lock ─▶ known? ─▶ reflect ─▶ evolve ─▶ load ─▶ audit

The staged path (:meth:`Loading.load`) has the whole file before it begins. :mod:`pgdatahub.load.while_reading` has the
other path.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from pgdatahub.config import Config
from pgdatahub.load.dedup import DedupDecision, PartFacts, decide
from pgdatahub.load.duplicates import kept_duplicates
from pgdatahub.load.evolve import Evolution, evolve
from pgdatahub.load.replace import settle
from pgdatahub.load.results import confirmed, of_staged, skipped
from pgdatahub.load.staging import Staged
from pgdatahub.model.batches import ColumnBatch, Lineage
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRecord
from pgdatahub.model.results import FileResult, LoadResult, Outcome
from pgdatahub.model.schema import SchemaPlan
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres import catalog, locks
from pgdatahub.postgres.file_queries import FileFacts, LockedTable
from pgdatahub.postgres.history import History
from pgdatahub.postgres.view_definitions import put_up, take_down
from pgdatahub.readers.reading_rules import reading_version
from pgdatahub.system import failpoints

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection

Loaded: TypeAlias = tuple[FileResult, list[Callable[[], None]]]
"""The result, and the plugins' callbacks for after COMMIT."""


ROWS_LEFT_OUT: Final = "rows left out by triggers"
"""Key of ``counts``."""


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

    def load(self, staged: Staged, connection: Connection, *, ends: bool = False) -> Loaded:
        """Load a file that was read to its end.

        Args:
            staged: The file.
            connection: A connection in a transaction.
            ends: COMMIT follows, so that the history's records may go to the server together with COMMIT.

        Raises:
            FileError: The file cannot be loaded.
            DatabaseError: The database is gone, or refuses access.
        """
        began = time.monotonic()
        source = staged.source
        facts = self.facts(staged, connection, content_sha256=staged.content_sha256, wait_for_turn=True)
        failpoints.reach("locked")
        found = self.decide_staged(staged, facts)
        if found.loaded_by_us is not None:
            return confirmed(of_staged(staged, Outcome.LOADED), found.loaded_by_us), []
        imported_at = facts.moment
        settle(connection, self.history, found, source, file_sha256=staged.file_sha256, moment=imported_at)
        if found.skip is not None:
            return skipped(source, found.skip), []
        locked = self.reflect_locked(facts, source, connection)
        current = locked.schema if locked is not None else None
        evolution = self.evolve(staged, locked, connection)
        # Views first: a reader of a view locks the view while it waits for the table.
        views = take_down(connection, evolution.views)
        if current is not None and evolution.plan.changes:
            locks.lock_table(connection, source.table, exclusively=True)
        loaded = self.copy(evolution.plan, staged.spool, source, imported_at, connection)
        put_up(connection, views, source.table)
        staged = replace(staged, seconds=staged.seconds + time.monotonic() - began)
        if ends and self.stages.audit_is_built_in:
            connection.pipeline_to_end()
        return self.record(staged, found, evolution, loaded, imported_at, connection)

    def skip_known(self, source: SourceFile, file_sha256: str, connection: Connection) -> FileResult | None:
        """Skip a file whose bytes are loaded or held back; return None if the file has to be read.

        Raises:
            FileError: The file changed, and its folder sets ``on_changed: fail``.
            DatabaseError: The database is gone, or refuses access.
        """
        facts = self.history.facts(connection, source, file_sha256=file_sha256, content_sha256=None, wait_for_turn=True)
        found = self.decide(source, facts, file_sha256=file_sha256, content_sha256=None)
        if found.skip is None or (self.config.sectional_commit and found.retired):
            return None  # rows of a folder change in the folder's own transaction
        settle(connection, self.history, found, source, file_sha256=file_sha256, moment=facts.moment)
        return skipped(source, found.skip)

    def facts(
        self, staged: Staged, connection: Connection, *, content_sha256: str | None, wait_for_turn: bool = False
    ) -> FileFacts:
        """Return the facts of the history about a file."""
        return self.history.facts(
            connection,
            staged.source,
            file_sha256=staged.file_sha256,
            content_sha256=content_sha256,
            wait_for_turn=wait_for_turn,
        )

    def decide_staged(self, staged: Staged, facts: FileFacts) -> DedupDecision:
        """Return the decision on a file that was read to its end."""
        return self._decide_part(
            PartFacts(
                source=staged.source, related=facts.related, content_sha256=staged.content_sha256, rows=staged.rows
            ),
            staged.file_sha256,
        )

    def decide(
        self, source: SourceFile, facts: FileFacts, *, file_sha256: str, content_sha256: str | None
    ) -> DedupDecision:
        """Return the decision on a file by its bytes and, if known, its content."""
        return self._decide_part(
            PartFacts(source=source, related=facts.related, content_sha256=content_sha256), file_sha256
        )

    def _decide_part(self, part: PartFacts, file_sha256: str) -> DedupDecision:
        (decision,) = decide((part,), file_sha256=file_sha256, run_id=self.run_id)
        return decision

    def reflect_locked(
        self, facts: FileFacts, source: SourceFile, connection: Connection, *, wait: bool = True
    ) -> LockedTable | None:
        """Return the table's columns, if there is a table, locked against changes by other sessions."""
        # The second call refuses objects that are not tables, and sees a table that was created just now.
        if not facts.has_table and catalog.reflect(connection, source.table) is None:
            return None
        return self.history.lock_and_reflect(connection, source.table, wait=wait)

    def evolve(self, staged: Staged, locked: LockedTable | None, connection: Connection) -> Evolution:
        """Decide the changes of the table for a file."""
        return evolve(
            staged,
            None if locked is None else locked.schema,
            connection,
            stages=self.stages,
            config=self.config,
            history=self.history,
            knows_others=locked is not None and locked.knows_others,
        )

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
    ) -> Loaded:
        """Record the import, and return its result."""
        staged, left_out = _rows_left_out(staged, loaded, connection)
        record = ImportRecord(
            run_id=self.run_id,
            source=staged.source,
            sheets=staged.sheets,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
            settings_fingerprint=staged.source.options.fingerprint,
            imported_at=imported_at,
            seconds=staged.seconds,
            rows=loaded.rows,
            counts=staged.counts,
            observed=staged.observed,
            plan=evolution.plan,
            sheets_left_out=staged.sheets_left_out,
            reading=reading_version(staged.source.name),
            duplicates=kept_duplicates(
                found.replaced,
                staged.source,
                file_sha256=staged.file_sha256,
                content_sha256=staged.content_sha256,
            ),
        )
        callbacks = self.stages.audit(record, connection, self.config)
        failpoints.reach("recorded")
        result = of_staged(staged, Outcome.LOADED)
        notices = (*result.notices, *evolution.notices, *([found.notice] if found.notice else ()), *left_out)
        return replace(result, rows=loaded.rows, changes=evolution.plan.changes, notices=notices), list(callbacks)


def _rows_left_out(staged: Staged, loaded: LoadResult, connection: Connection) -> tuple[Staged, tuple[str, ...]]:
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
