"""Rows of an import that were set aside, loaded as part of it under the settings of today; in the caller's transaction.

::

    lock ─▶ still loaded? ─▶ judge ─▶ evolve ─▶ COPY or merge ─▶ out of the quarantine ─▶ record
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pgdatahub.errors import CellFault, FileError, ReplayError
from pgdatahub.load.keys.key_settings import check_rule
from pgdatahub.load.known.dedup_facts import DedupDecision
from pgdatahub.load.known.import_source import source_of
from pgdatahub.load.known.part_work import PartWork
from pgdatahub.load.replays.replay_rows import JudgedRows, RowJudge, loaded_values
from pgdatahub.load.replays.replay_sheets import RELOAD, ReplaySheets, sheets_of
from pgdatahub.load.staging.spool import SpoolFile
from pgdatahub.load.table_writer import WrittenPart, rows_left_out
from pgdatahub.load.transaction import Loading
from pgdatahub.model.faults import Fault, group_faults
from pgdatahub.model.imports import ImportRow, Replay, Status
from pgdatahub.model.schema import SchemaChange
from pgdatahub.postgres.history.file_queries import FileFacts, PartKey
from pgdatahub.postgres.history.replays import Place
from pgdatahub.postgres.keyed.rules import TableRule, record_xid
from pgdatahub.postgres.keyed.staying import rows_that_stay
from pgdatahub.postgres.server.engine import savepoint
from pgdatahub.postgres.tables import catalog, locks
from pgdatahub.system import failpoints
from pgdatahub.values.cells import cell_address

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReplay:
    """The result of a replay of one import.

    Attributes:
        past: The import before.
        rows: The number of rows that came into the table.
        left: The number of rows that stay.
        faults: The faults of the rows that stay.
        changes: The changes of the table.
        notices: Messages for the user.
        refusal: The reason why no row was looked at, or none could be loaded; None if there is none.
    """

    past: ImportRow
    rows: int = 0
    left: int = 0
    faults: tuple[Fault, ...] = ()
    changes: tuple[SchemaChange, ...] = ()
    notices: tuple[str, ...] = ()
    refusal: FileError | None = None


class _RowsStayError(Exception):
    """Signal that staged rows have a key that the table cannot take; the savepoint is rolled back.

    Args:
        numbers: Their numbers, from 1.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__()
        self.numbers = numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayer:
    """Loader of rows that were set aside.

    Attributes:
        loading: The work within a transaction that files and replays have in common.
        force: Also for imports whose file was loaded again since.
    """

    loading: Loading
    force: bool = False

    def replay(self, past: ImportRow, connection: Connection) -> ImportReplay:
        """Load the rows of an import that pass.

        Args:
            past: The import, as it was found before.
            connection: A connection in a transaction.

        Raises:
            FileError: No row can be loaded; the transaction is to be rolled back.
            DatabaseError: The database is gone, or refuses access.
        """
        history = self.loading.history
        facts = self._wait(past, connection)
        (past,) = history.select_imports(connection, ids=[past.id])
        confirmed = [one for one in past.replays if one.run_id == self.loading.run_id]
        if confirmed:  # an earlier COMMIT took effect, but was not confirmed
            return ImportReplay(past=past, rows=sum(one.rows for one in confirmed), left=past.quarantined)
        _check_status(past)
        waiting = history.replays.waiting(connection, past.id)
        if not waiting.rows:
            if waiting.emptied:
                raise ReplayError("its rows are in the table, with empty cells (on_bad: blank)", hint=RELOAD)
            return ImportReplay(past=past)
        self._check_newer(past, facts)
        sheets = sheets_of(past, waiting, self.loading.config)
        check_rule(sheets.source, facts.rule)
        current = catalog.reflect(connection, past.table)
        if current is None:
            raise ReplayError(f"the table {past.table} is gone", hint=RELOAD)
        unique = {name for sheet in sheets.sheets.values() for name in sheet.unique_columns()}
        loaded = loaded_values(connection, past, facts.rule, current, unique)
        key_faults: dict[Place, CellFault] = {}
        with SpoolFile() as spool_file:
            judge = RowJudge(
                past=past,
                sheets=sheets,
                stages=self.loading.stages,
                config=self.loading.config,
                spool_file=spool_file,
            )
            written: WrittenPart | None = None
            left_out: tuple[str, ...] = ()
            while (judged := judge.judge(waiting.rows, loaded, key_faults)).passing:
                try:
                    written, left_out = self._write(past, sheets, judged, facts, connection)
                    break
                except _RowsStayError as conflict:
                    places = [judged.passing[number - 1] for number in conflict.numbers]
                    key_faults |= {place: _key_fault(place, sheets, facts.rule) for place in places}
        staying = {**judged.staying, **{place: (_stored(fault),) for place, fault in key_faults.items()}}
        history.replays.set_faults(connection, past.id, staying)
        failpoints.reach("replayed")
        return ImportReplay(
            past=past,
            rows=0 if written is None else written.loaded.rows,
            left=len(staying),
            faults=(*judged.faults, *group_faults(key_faults.values())),
            changes=() if written is None else written.evolution.plan.changes,
            notices=() if written is None else (*written.evolution.notices, *left_out),
        )

    def _wait(self, past: ImportRow, connection: Connection) -> FileFacts:
        """Wait for other loads of the file and into the table, and return the facts about them."""
        history = self.loading.history
        if past.routing is not None:
            locks.wait_for_turn(connection, locks.file_lock_key(history.schema, past.identity))
        source = source_of(past, self.loading.config)
        (facts,) = history.facts(
            connection,
            source,
            (PartKey(table=past.table, content_sha256=None),),
            file_sha256=past.file_sha256,
            turns=(locks.lock_key(past.table),),
            statuses=(Status.LOADED,),
        )
        if facts.has_table:
            locks.lock_table(connection, past.table)
        if facts.rule is not None:
            locks.lock_table(connection, facts.rule.companion)
        return facts

    def _check_newer(self, past: ImportRow, facts: FileFacts) -> None:
        """Refuse an import whose file was loaded again since.

        Raises:
            ReplayError: It is such an import.
        """
        newer = [one for one in facts.related if one.identity == past.identity and one.imported_at > past.imported_at]
        if newer and not self.force:
            raise ReplayError(
                f"its file was loaded again since (import {newer[-1].id})", hint="--force loads these rows all the same"
            )

    def _write(
        self, past: ImportRow, sheets: ReplaySheets, judged: JudgedRows, facts: FileFacts, connection: Connection
    ) -> tuple[WrittenPart, tuple[str, ...]]:
        """Bring rows into the table, take them out of the quarantine, and record that; return also notices.

        Raises:
            _RowsStayError: The key of some rows forbids that; nothing was done.
            FileError: The table cannot take the rows.
        """
        history = self.loading.history
        work = PartWork(source=sheets.source, staged=judged.staged, facts=facts, decision=DedupDecision())
        with savepoint(connection) if facts.rule is not None else nullcontext():
            (written,) = self.loading.tables.write(
                [(work, judged.staged)],
                past.imported_at,
                connection,
                examine=partial(_examine, connection, past),
            )
            part, left_out = rows_left_out(written.part, written.loaded, connection)
            now = history.now(connection)
            history.replays.leave(connection, past.id, judged.passing)
            if facts.rule is not None:
                record_xid(connection, history.schema, past.table)
            history.replays.record(
                connection,
                past.id,
                table=past.table,
                replay=Replay(
                    at=now,
                    run_id=self.loading.run_id,
                    rows=written.loaded.rows,
                    xid=0,
                    before=None,
                    settings=sheets.settings,
                ),
                gone=len(judged.passing),
                observed=part.observed,
                counts=part.counts,
            )
            history.schema_changes.add(connection, sheets.source, now, past.id, written.evolution.plan.changes)
        return written, left_out


def _check_status(past: ImportRow) -> None:
    """Refuse an import whose rows are not in the table.

    Raises:
        ReplayError: It is such an import.
    """
    if past.status != Status.LOADED:
        said = "on hold" if past.status == Status.HELD else past.status
        raise ReplayError(f"the import is {said}, and its rows are gone", hint=RELOAD)


def _examine(connection: Connection, past: ImportRow, rule: TableRule) -> None:
    """Look for staged rows whose key forbids that they are loaded.

    Raises:
        _RowsStayError: There are such rows.
    """
    numbers = rows_that_stay(connection, rule, past)
    if numbers:
        raise _RowsStayError(numbers)


def _key_fault(place: Place, sheets: ReplaySheets, rule: TableRule | None) -> CellFault:
    section, row = place
    sheet = sheets.sheets[section]
    column = "" if rule is None else rule.rule.key[0]
    position = sheet.positions.get(column)
    cell = "" if position is None else cell_address(row, position)
    expected = None if rule is None else ", ".join(rule.rule.key)
    return CellFault(rule="key", cell=cell, row=row, expected=expected, sheet=sheet.chosen.label, column=column)


def _stored(fault: CellFault) -> tuple[str, str, str]:
    return fault.cell, fault.column, fault.rule
