"""Decisions on the parts of files, with the facts of the history under the locks of their tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgdatahub.load.known.dedup import decide, decide_gone
from pgdatahub.load.known.dedup_facts import DedupDecision, PartFacts
from pgdatahub.load.known.part_work import PartWork
from pgdatahub.load.staging.staged_file import Staged, StagedFile
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import COUNTED, ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.file_queries import FileFacts, PartKey
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.part_rows import imports_elsewhere, set_routing
from pgdatahub.postgres.tables import locks
from pgdatahub.system import failpoints

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions within transactions that the caller begins and ends.

    Attributes:
        history: The metadata tables.
        run_id: The id of the run in the history.
    """

    history: History
    run_id: str

    def of_file(self, staged: StagedFile, connection: Connection) -> tuple[list[PartWork], list[PartWork]]:
        """Wait for the turn of the file's tables, and decide.

        Returns:
            The parts of the file, and the tables in which it has imports and no part any more.
        """
        source, routing = staged.source, staged.source.routing
        parts = {part.source.table: part for part in staged.parts}
        sources = {one.table: one for one in (*staged.known, *(part.source for part in staged.parts))}
        elsewhere: dict[TableName, list[ImportRow]] = {}
        if routing is not None or source.leaves:
            turn = locks.file_lock_key(self.history.schema, source.identity)
            for past in imports_elsewhere(connection, self.history, source, staged.tables, turn=turn):
                elsewhere.setdefault(past.table, []).append(past)
        keys = [
            PartKey(table=table, content_sha256=parts[table].content_sha256 if table in parts else None)
            for table in (*staged.order, *elsewhere)
        ]
        facts = self.history.facts(
            connection,
            source,
            keys,
            file_sha256=staged.file_sha256,
            turns={locks.lock_key(key.table) for key in keys},
            statuses=COUNTED if routing is None else (*COUNTED, Status.REVERTED),
        )
        failpoints.reach("locked")
        known = [
            PartFacts(
                source=sources[table],
                related=one.related,
                content_sha256=parts[table].content_sha256 if table in parts else None,
                rows=parts[table].rows if table in parts else None,
            )
            for table, one in zip(staged.order, facts, strict=False)
        ]
        decisions = decide(
            known, file_sha256=staged.file_sha256, run_id=self.run_id, routing=routing, tables=staged.tables
        )
        work = [
            PartWork(source=sources[table], staged=parts.get(table), facts=one, decision=decision)
            for table, one, decision in zip(staged.order, facts, decisions, strict=False)
        ]
        gone = []
        for table, one in zip(elsewhere, facts[len(staged.order) :], strict=True):
            there = replace(source, table=table)
            decision = decide_gone(there, elsewhere[table], file_sha256=staged.file_sha256)
            gone.append(PartWork(source=there, staged=None, facts=one, decision=decision))
        return work, gone

    def refresh_routing(self, staged: StagedFile, work: Sequence[PartWork], connection: Connection) -> None:
        """Record the present routing of known parts, so that later runs need not open the file."""
        routing = staged.source.routing
        ids = [
            past.id
            for one in work
            if routing is not None
            and (past := one.decision.known) is not None
            and past.identity == one.source.identity
            and past.settings == one.source.fingerprint
            and (past.routing, past.tables) != (routing, staged.tables)
        ]
        if ids:
            set_routing(connection, self.history, ids, routing, staged.tables)

    def facts(
        self,
        source: SourceFile,
        parts: Sequence[Staged],
        connection: Connection,
        *,
        turns: Collection[int] = (),
        whole: bool = True,
    ) -> list[FileFacts]:
        """Return the facts of the history about the parts of a file.

        Args:
            source: The file.
            parts: Its parts.
            connection: A connection in a transaction.
            turns: Advisory locks to wait for first.
            whole: The parts were read to their end, so that their content is known.
        """
        keys = [
            PartKey(table=part.source.table, content_sha256=part.content_sha256 if whole else None) for part in parts
        ]
        return self.history.facts(connection, source, keys, file_sha256=parts[0].file_sha256, turns=turns)

    def decide(
        self, parts: Sequence[Staged], facts: Sequence[FileFacts], *, whole: bool = True
    ) -> tuple[DedupDecision, ...]:
        """Return the decision on each part of a file."""
        known = [
            PartFacts(
                source=part.source,
                related=one.related,
                content_sha256=part.content_sha256 if whole else None,
                rows=part.rows if whole else None,
            )
            for part, one in zip(parts, facts, strict=True)
        ]
        return decide(known, file_sha256=parts[0].file_sha256, run_id=self.run_id)
