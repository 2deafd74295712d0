"""Rows that were set aside, judged by the rules of today: those that pass are staged like the rows of a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pgdatahub.config import Config
from pgdatahub.load.contracts.contract import Contract
from pgdatahub.load.contracts.fault_report import contract_error
from pgdatahub.load.contracts.uniqueness import Suspects
from pgdatahub.load.replays.replay_sheets import ReplaySheets
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.load.staging.staged_rows import StagedRows
from pgdatahub.model.faults import Fault
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableSchema
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.replays import Place, WaitingRow
from pgdatahub.postgres.keyed.rules import TableRule
from pgdatahub.postgres.proofs.stored_values import stored_values

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

_LOADED: Final = 0
"""The section of rows that are in the table; those of sheets count from 1."""
FaultsOfRow = tuple[tuple[str, str, str], ...]
"""The cell, the column and the rule of each fault of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRows:
    """The rows of an import that were set aside, after their rules were applied.

    Attributes:
        staged: Those that pass.
        passing: Their places, in the order in which they are staged.
        staying: The place of each other row → its faults.
        faults: The faults for reports.
    """

    staged: Staged
    passing: Sequence[Place]
    staying: Mapping[Place, FaultsOfRow]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowJudge:
    """Judge of the rows of one import.

    Attributes:
        past: The import.
        sheets: Its tables.
        stages: The plugins.
        config: The settings.
        spool_file: Receives the rows that pass.
    """

    past: ImportRow
    sheets: ReplaySheets
    stages: Stages
    config: Config
    spool_file: SpoolFile

    def judge(
        self,
        rows: Sequence[WaitingRow],
        loaded: Mapping[str, Sequence[Sequence[bytes]]],
        without: Collection[Place] = (),
    ) -> JudgedRows:
        """Judge rows, and stage those that pass.

        Args:
            rows: All rows of the import that are set aside.
            loaded: Name of a column that must be unique → its fields in the table, in pieces.
            without: Rows that stay for another reason, and count for ``unique`` all the same.

        Raises:
            ContractError: A fault of a sheet, such as a column that is missing, fails all rows.
        """
        suspects: Mapping[str, Suspects] | None = None
        while True:
            contract = Contract(suspects=suspects)
            for name, pieces in loaded.items():
                _see(contract, name, pieces)
            judged = self._judge(contract, rows, frozenset(without))
            suspects = contract.equal_values()
            if suspects is None:
                return judged

    def _judge(self, contract: Contract, rows: Sequence[WaitingRow], without: frozenset[Place]) -> JudgedRows:
        target = StagedRows(source=self.sheets.source, spool=Spool(self.spool_file), contract=contract)
        passing: list[Place] = []
        staying: dict[Place, FaultsOfRow] = {}
        for section, of_section in groupby(rows, key=lambda row: row.place[0]):
            sheet = self.sheets.sheets[section]
            label = sheet.chosen.label
            reading = sheet.reading(self.stages, self.config)
            judge = sheet.contract(contract)
            list(target.add(reading.headers, sheet=label, rows=()))
            for piece in _pieces(list(of_section), self.config.chunk_size):
                normalized = reading.judge(sheet.batch(piece), judge)
                if normalized is None:
                    raise contract_error([contract.report])
                bad = {(row.section, row.row): row.faults for row in normalized.aside}
                staying |= bad
                good = [row for row in piece if row.place not in bad]
                kept = [row for row in good if row.place not in without]
                if len(kept) < len(good):
                    normalized = reading.normalize(sheet.batch(kept)) if kept else replace(normalized, rows=0)
                if kept:
                    passing += [row.place for row in kept]
                    list(target.add(replace(normalized, aside=()), sheet=label, rows=[row.place[1] for row in kept]))
            error = judge.end()
            if error is not None:
                raise error
            target.sheets.append(label)
        return JudgedRows(
            staged=_staged(self.past, target), passing=passing, staying=staying, faults=contract.report.grouped
        )


def loaded_values(
    connection: Connection, past: ImportRow, rule: TableRule | None, current: TableSchema, names: Collection[str]
) -> dict[str, list[list[bytes]]]:
    """Return the fields of columns in the rows of an import that are in its table and companion, in pieces."""
    columns = [current.by_name[name] for name in sorted(names) if name in current.by_name]
    found: dict[str, list[list[bytes]]] = {column.name: [] for column in columns}
    tables = [past.table, *([rule.companion] if rule is not None else [])]
    for table in tables if columns else ():
        for part in stored_values(connection, replace(past, table=table), columns):
            for column, lines in zip(columns, part.columns, strict=True):
                found[column.name].append(lines.split(b"\n"))
    return found


def _see(contract: Contract, name: str, pieces: Sequence[Sequence[bytes]]) -> None:
    """Let the values of loaded rows count as values that must not be there twice."""
    unique = contract.unique_column(name)
    first = 1
    for texts in pieces:
        unique.add(texts, range(first, first + len(texts)), section=_LOADED, position=0, sheet="the table")
        first += len(texts)


def _pieces(rows: list[WaitingRow], size: int) -> Iterator[list[WaitingRow]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _staged(past: ImportRow, rows: StagedRows) -> Staged:
    tally = rows.tally
    return Staged(
        source=rows.source,
        file_sha256=past.file_sha256,
        content_sha256=past.content_sha256,
        observed=rows.observed,
        spool=rows.spool,
        rows=tally.rows,
        sheets=tuple(dict.fromkeys(rows.sheets)),
        counts=tally.counts,
        examples=tally.examples,
        notices=tally.notices,
        seconds=0.0,
    )
