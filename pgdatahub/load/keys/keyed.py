"""The load of a part into a keyed table or a snapshot: staged in the database, checked, and merged.

::

    carry out the plan ─▶ companion ─▶ stage ─▶ check keys ─▶ take out replaced imports ─▶ merge ─▶ flag
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import LoadError
from pgdatahub.load.evolve import Evolution
from pgdatahub.load.keys.key_faults import check_keys, check_other_uniques
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import KEY_COUNTS, ImportRow, KeyCounts
from pgdatahub.model.results import LoadResult
from pgdatahub.model.schema import CreateTable, OpaqueType, SchemaPlan
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.arrival import Arrival
from pgdatahub.postgres.keyed.flag import update_flag
from pgdatahub.postgres.keyed.fragments import STAGING
from pgdatahub.postgres.keyed.intact import check_both, check_takes_rows
from pgdatahub.postgres.keyed.key_index import unique_indexes
from pgdatahub.postgres.keyed.merge import merge, replace_snapshot
from pgdatahub.postgres.keyed.retyped import follow_types
from pgdatahub.postgres.keyed.rows import follow_restore
from pgdatahub.postgres.keyed.rules import TableRule, current_xid, store_rule
from pgdatahub.postgres.keyed.setup import begin_rule, first_index, follow_changes
from pgdatahub.postgres.keyed.staging import begin_staging, set_memory, staging_error
from pgdatahub.postgres.keyed.undo import take_out
from pgdatahub.postgres.rows.import_rows import count_rows
from pgdatahub.postgres.tables import catalog, ddl
from pgdatahub.postgres.tables.deferred_triggers import run_deferred_triggers
from pgdatahub.system import failpoints
from pgdatahub.values.rank_key import rank_key

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule
    from pgdatahub.postgres.server.connection import Connection


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
    triggered: bool = False,
    examine: Callable[[TableRule], None] | None = None,
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
        triggered: The table may have triggers, of whatever kind.
        examine: Called with the rule when the rows are staged, before their keys are checked.

    Raises:
        FileError: The file cannot be loaded.
    """
    source, wanted = staged.source, staged.source.options.rule
    if wanted is None:
        raise ValueError("the settings have no key")
    if stored is not None and not _is_new(evolution):
        check_both(connection, stored, adding=True)
        check_takes_rows(connection, stored)
        follow_restore(connection, history.schema, stored)
        follow_types(connection, stored.table, stored.companion)
    rule = _prepare(connection, evolution, stored, wanted, history)
    # A user may have dropped a column from both tables.
    columns = tuple(name for name in rule.columns if name in evolution.plan.result.by_name)
    rule = replace(rule, columns=columns)
    begin_staging(connection, rule, columns)
    set_memory(connection, staged.spool.bytes)
    into_staging = SchemaPlan(table=STAGING, changes=(), result=evolution.plan.result)
    uniques = () if rule.rule.is_merge else unique_indexes(connection, rule.table)
    try:
        copied = stages.load(into_staging, staged.spool, connection, config)
    except LoadError as error:
        raise staging_error(error, [one.name for one in uniques]) from error
    failpoints.reach("keys staged")
    if examine is not None:
        examine(rule)
    arrival = Arrival(
        source_file=source.location,
        imported_at=imported_at,
        rank_key=rank_key(source.identity),
        modified_at=source.modified_at,
        rows=copied.rows,
        ghosts=[past.imported_at for past in going],
        opaque=frozenset(one.name for one in evolution.plan.result.columns if isinstance(one.type, OpaqueType)),
    )
    watched = triggered and bool(catalog.after_triggers(connection, rule.table, updates=True))
    # Rows of a replay join those of their import, of which they may replace some.
    watched = watched and not count_rows(connection, rule.table, source.location, imported_at)
    beaten = 0
    if rule.rule.is_merge:
        beaten = check_keys(connection, rule, staged, arrival, evolution.plan.result)
    if going:
        take_out(connection, history.imports, rule, going, keep_staged=rule.rule.is_merge)
    if rule.rule.is_merge:
        check = partial(check_other_uniques, connection, rule, staged)
        merged = merge(connection, history.imports, rule, arrival, check=check)
    else:
        merged = replace_snapshot(connection, history.imports, rule, arrival)
    failpoints.reach("keys merged")
    deleted = 0
    if watched:
        run_deferred_triggers(connection, rule.table)
        left = count_rows(connection, rule.table, source.location, imported_at)
        deleted = max(0, merged.new + merged.won - left)
    keys = KeyCounts(new=merged.new, won=merged.won, unchanged=merged.unchanged, lost=merged.lost + beaten)
    counts = {key: getattr(keys, name) for name, key in KEY_COUNTS.items()}
    return Merged(
        result=LoadResult(rows=merged.rows + beaten - deleted),
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
    is_new = _is_new(evolution)
    if stored is None or is_new:
        own = None if is_new else first_index(connection, history.schema, plan.table, wanted)
        ddl.carry_out(connection, plan)
        return begin_rule(connection, history.schema, plan.table, wanted, names, own_index=own)
    ddl.carry_out(connection, plan)
    rule = stored.with_columns(names)
    follow_changes(connection, rule, plan)
    if rule.rule.duplicates != wanted.duplicates:
        rule = replace(rule, rule=wanted)
    if rule != stored:
        store_rule(connection, history.schema, rule)
    return rule


def _is_new(evolution: Evolution) -> bool:
    return any(isinstance(change, CreateTable) for change in evolution.plan.changes)


def finish_keyed(connection: Connection, history: History, source: SourceFile) -> None:
    """Set the flags of keys that the newest file lacks, after the history has the import."""
    rule = source.options.rule
    if rule is not None:
        update_flag(connection, history.imports, source.table, rule)
