"""The load of a part into a keyed table or a snapshot: staged in the database, checked, and merged.

::

    carry out the plan ─▶ companion ─▶ stage ─▶ check keys ─▶ take out replaced imports ─▶ merge ─▶ flag
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import CellError, CellFault, FileError, SchemaError
from pgdatahub.load.evolve import Evolution
from pgdatahub.load.staging import Staged
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import KEY_COUNTS, ImportRow, KeyCounts
from pgdatahub.model.results import LoadResult
from pgdatahub.model.schema import CreateTable, OpaqueType, SchemaPlan
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres import ddl
from pgdatahub.postgres.history import History
from pgdatahub.postgres.keyed.fragments import STAGING
from pgdatahub.postgres.keyed.merge import Arrival, merge, replace_snapshot, set_beaten_aside
from pgdatahub.postgres.keyed.rules import TableRule, current_xid, store_rule
from pgdatahub.postgres.keyed.setup import begin_rule, first_index, follow_changes, needs_rekey
from pgdatahub.postgres.keyed.staging import (
    MAX_KEY_BYTES,
    BadKey,
    analyze,
    begin_staging,
    empty_keys,
    has_equal_keys,
    long_keys,
    set_memory,
    tied_rows,
)
from pgdatahub.postgres.keyed.undo import take_out
from pgdatahub.system import failpoints
from pgdatahub.values.cells import cell_address
from pgdatahub.values.rank_key import rank_key

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.postgres.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The result of a load into a keyed table.

    Attributes:
        result: The rows that the server took.
        counts: The counts for the history.
        xid: The transaction that wrote them.
    """

    result: LoadResult
    counts: dict[str, int]
    xid: int


def check_rule(source: SourceFile, stored: TableRule | None) -> None:
    """Check that the settings of a file's folder are the rule in force for its table.

    Raises:
        SchemaError: They differ, or the table is the companion of another.
    """
    wanted = source.options.rule
    if stored is None:
        return
    if stored.table != source.table:
        raise SchemaError(
            f"{source.table} has the rows of {stored.table} that other rows replace, and takes no file",
            hint="set table: for the folder",
        )
    if wanted is None or not _agrees(stored.rule, wanted):
        raise needs_rekey(source.table, stored.rule, wanted)


def _agrees(stored: KeyRule, wanted: KeyRule) -> bool:
    """Return whether a table under a rule can take files under another; no loaded row changes its place."""
    facts = [(rule.mode, set(rule.key), rule.newest, rule.missing) for rule in (stored, wanted)]
    # A table that refused equal keys has none.
    return facts[0] == facts[1] and stored.duplicates in ("fail", wanted.duplicates)


def check_columns(staged: Staged, evolution: Evolution, history: History | None, connection: Connection | None) -> None:
    """Check that a file has the columns of the key, and that the column that orders rows has a fixed type.

    Args:
        staged: The part.
        evolution: The changes of its table.
        history: The metadata tables; None if there are none.
        connection: A connection in any transaction; None without a database.

    Raises:
        SchemaError: A column is not there, or the values of a file could change its type.
    """
    rule = staged.source.options.rule
    if rule is None:
        return
    names = evolution.observed.by_name
    lacks = [name for name in rule.key if name not in names]
    if lacks:
        raise SchemaError(
            f"the file lacks the column {lacks[0]} of the key ({', '.join(rule.key)})",
            where=f"table {staged.source.table}",
            hint="add the column, or name it in aliases: or rename:",
        )
    ordered = rule.column
    if ordered is not None and ordered not in evolution.plan.result.by_name:
        raise SchemaError(
            f"the file lacks the column {ordered}, which orders the rows (newest: {ordered}), and the table has none yet",
            where=f"table {staged.source.table}",
            hint="load a file that has it first",
        )
    if ordered is None or staged.source.options.has_fixed_type(ordered):
        return
    stored = evolution.stored
    own = stored is not None and ordered in stored.by_name
    made: Collection[str] = ()
    if history is not None and connection is not None:
        made = history.schema_changes.created_columns(connection, staged.source.table)
    if own and ordered not in made:
        return
    raise SchemaError(
        f"newest: {ordered} needs a column of a fixed type: one text cell would make it TEXT and change the order of all rows",
        where=f"table {staged.source.table}",
        hint=f"set columns: {{{ordered}: {{type: timestamp}}}} (or date, integer …)",
    )


def load_keyed(
    connection: Connection,
    staged: Staged,
    evolution: Evolution,
    *,
    stored: TableRule | None,
    going: Sequence[ImportRow],
    imported_at: datetime,
    stages: Stages,
    config: Config,
    history: History,
) -> Merged:
    """Load a part into its keyed table or snapshot.

    Args:
        connection: A connection in a transaction that has the table's locks.
        staged: The part.
        evolution: The changes of the table.
        stored: The rule in force; None for the table's first file.
        going: The imports that the part replaces, which the history has marked already.
        imported_at: The time of the import.
        stages: The plugins.
        config: The settings.
        history: The metadata tables.

    Raises:
        FileError: The file cannot be loaded.
    """
    source, wanted = staged.source, staged.source.options.rule
    if wanted is None:
        raise ValueError("the settings have no key")
    if wanted.newest == "modified" and source.modified_at is None:
        raise FileError(
            "newest: modified needs the time of the file's last change, and its storage does not tell it",
            hint="use newest: path, loaded or a column",
        )
    rule = _prepare(connection, evolution, stored, wanted, history)
    columns = tuple(name for name in rule.columns if name in evolution.plan.result.by_name)
    begin_staging(connection, rule, columns)
    set_memory(connection, staged.spool.bytes)
    into_staging = SchemaPlan(table=STAGING, changes=(), result=evolution.plan.result)
    copied = stages.load(into_staging, staged.spool, connection, config)
    failpoints.reach("keys staged")
    arrival = Arrival(
        source_file=source.location,
        imported_at=imported_at,
        rank_key=rank_key(source.identity),
        modified_at=source.modified_at,
        rows=copied.rows,
        ghosts=[past.imported_at for past in going],
        opaque=frozenset(one.name for one in evolution.plan.result.columns if isinstance(one.type, OpaqueType)),
    )
    beaten = 0
    if rule.rule.is_merge:
        beaten = _check_keys(connection, rule, staged, arrival)
    if going:
        take_out(connection, history.imports, rule, going, keep_staged=rule.rule.is_merge)
    if rule.rule.is_merge:
        merged = merge(connection, history.imports, rule, arrival)
    else:
        merged = replace_snapshot(connection, history.imports, rule, arrival)
    failpoints.reach("keys merged")
    keys = KeyCounts(new=merged.new, won=merged.won, unchanged=merged.unchanged, lost=merged.lost + beaten)
    counts = {key: getattr(keys, name) for name, key in KEY_COUNTS.items()}
    return Merged(
        result=LoadResult(rows=merged.rows + beaten),
        counts={name: count for name, count in counts.items() if count},
        xid=current_xid(connection, history.schema, rule.table),
    )


def _prepare(
    connection: Connection,
    evolution: Evolution,
    stored: TableRule | None,
    wanted: KeyRule,
    history: History,
) -> TableRule:
    """Change both tables as planned, and return the rule with all columns of the file."""
    plan, names = evolution.plan, tuple(column.name for column in evolution.observed.columns)
    is_new = any(isinstance(change, CreateTable) for change in plan.changes)
    if stored is None or is_new:
        own = None if is_new else first_index(connection, history.schema, plan.table, wanted)
        ddl.carry_out(connection, plan)
        return begin_rule(connection, history.schema, plan.table, wanted, names, own_index=own)
    ddl.carry_out(connection, plan)
    rule = stored.with_columns(names)
    if rule.rule.missing is not None and rule.rule.missing in names:
        raise SchemaError(
            f"the file has the column {rule.rule.missing}, which missing_keys: flag sets",
            where=f"table {plan.table}",
            hint="skip: leaves the file's column out, rename: gives it another name",
        )
    follow_changes(connection, rule, plan)
    if rule.rule.duplicates != wanted.duplicates:
        rule = replace(rule, rule=wanted)
    if rule != stored:
        store_rule(connection, history.schema, rule)
    return rule


def _check_keys(connection: Connection, rule: TableRule, staged: Staged, arrival: Arrival) -> int:
    """Check the keys of the staged rows; return the number of rows that others of the file beat.

    Raises:
        CellError: A key is empty or too long, or two rows have one key.
    """
    key = rule.rule.key
    analyze(connection, key)
    named = f"the key ({', '.join(key)})"
    empty = empty_keys(connection, key)
    if empty is not None:
        of_all = f", one of {empty.count:,} such rows" if empty.count > 1 else ""
        raise _error(
            staged, empty, f"{named} is empty in column {empty.column}{of_all}", "fill the cell, or leave the row out"
        )
    long = long_keys(connection, key)
    if long is not None:
        raise _error(
            staged, long, f"{named} is longer than {MAX_KEY_BYTES:,} bytes", "take shorter columns for the key"
        )
    if not has_equal_keys(connection, key):
        return 0
    tied = tied_rows(connection, rule.rule)
    if tied is not None and rule.rule.duplicates == "fail":
        raise _error(
            staged,
            tied,
            f"{tied.count:,} rows have one key ({', '.join(key)}): {' and '.join(_places(staged, tied))}",
            "correct the rows, or set duplicates: first or last",
        )
    return set_beaten_aside(connection, rule, arrival)


def _error(staged: Staged, bad: BadKey, message: str, hint: str) -> CellError:
    places = _places(staged, bad)
    return CellError(message, where=places[0] if places else None, hint=hint, faults=_faults(staged, bad))


def _places(staged: Staged, bad: BadKey) -> list[str]:
    """Return the places of rows in the workbook: ``Sheet1 › B17``."""
    return [place for place, _, _, _ in _located(staged, bad)]


def _located(staged: Staged, bad: BadKey) -> list[tuple[str, str, int, str | None]]:
    """Return place, sheet, row and cell of each named row."""
    found = []
    wanted = sorted(bad.rows)
    before = 0
    for batch in staged.spool:
        origin = batch.origin
        while wanted and wanted[0] <= before + batch.rows:
            index = wanted.pop(0) - before - 1
            if origin is not None:
                position = origin.positions.get(bad.column) if bad.column is not None else None
                cell = None if position is None else cell_address(origin.rows[index], position)
                found.append((origin.place(index, bad.column), origin.sheet, origin.rows[index], cell))
        before += batch.rows
        if not wanted:
            break
    return found


def _faults(staged: Staged, bad: BadKey) -> list[CellFault]:
    return [
        CellFault(rule="key", cell=cell, row=row, sheet=sheet, column=bad.column or "")
        for _, sheet, row, cell in _located(staged, bad)
        if cell is not None
    ]
