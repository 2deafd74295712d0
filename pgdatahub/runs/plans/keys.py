"""The keys of keyed tables in a plan: new, replaced, unchanged, or older than those in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pgdatahub.errors import PgDataHubError
from pgdatahub.model.schema import OpaqueType
from pgdatahub.plugins.copy_rows import text_rows
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.planned import count_new_typed, count_planned, count_snapshot
from pgdatahub.postgres.keyed.planned_keys import PlannedFile, PlannedKeys, count_new
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.plans.result import TablePlan
from pgdatahub.runs.plans.simulation import TableSimulation
from pgdatahub.values.rank_key import rank_key

if TYPE_CHECKING:
    from pgdatahub.load.staging.staged_file import Staged


class _RolledBackError(Exception):
    """Signal that the transaction is to be rolled back."""


def with_keys(
    database: Database | None,
    history: History,
    tables: Iterable[TablePlan],
    simulations: Iterable[TableSimulation],
    *,
    warn: Callable[[str], None],
) -> Iterator[TablePlan]:
    """Yield the plans of tables, those of keyed tables with the number of their keys.

    Args:
        database: The database; without one, all tables are new.
        history: The history.
        tables: The plans.
        simulations: The simulated tables.
        warn: Receives a warning for a table whose keys the server refuses to count, such as without the right to
            create temporary tables.
    """
    by_name = {str(one.table): one for one in simulations}
    for table in tables:
        simulation = by_name.get(table.table)
        keys = None
        if simulation is not None:
            try:
                keys = _count(database, history, simulation)
            except PgDataHubError as error:
                warn(f"{table.table}: the new and replaced keys are not counted: {error}")
        yield table if keys is None else replace(table, keys=keys)


def _count(database: Database | None, history: History, simulation: TableSimulation) -> PlannedKeys | None:
    stored, current, files = simulation.stored, simulation.current, simulation.keyed
    rule = files[0].source.options.rule if files else None
    if rule is None or current is None:
        return None
    planned = [_planned(one) for one in files]
    is_typed = any(isinstance(current.by_name[name].type, OpaqueType) for name in rule.key)
    if database is None or (stored is None and not is_typed):
        return count_new(rule, planned)
    of_imports = simulation.rule.columns if simulation.rule is not None else ()
    columns = {*of_imports, *(name for one in files for name in one.observed.by_name)}
    going = [past.imported_at for past in simulation.going]
    companion = None if simulation.rule is None else simulation.rule.companion
    found = None
    try:
        with transaction(database.engine) as connection:
            imports = history.imports if simulation.rule is not None else None
            if stored is None:
                found = count_new_typed(connection, rule, current, planned, columns=columns, encode=text_rows)
            elif rule.is_merge:
                found = count_planned(
                    connection,
                    imports,
                    rule,
                    current,
                    stored,
                    planned,
                    columns=columns,
                    going=going,
                    companion=companion,
                    encode=text_rows,
                )
            else:
                found = count_snapshot(
                    connection, imports, rule, current, stored, planned, columns=columns, going=going, encode=text_rows
                )
            raise _RolledBackError
    except _RolledBackError:
        pass
    return found


def _planned(staged: Staged) -> PlannedFile:
    source = staged.source
    return PlannedFile(
        rank_key=rank_key(source.identity),
        modified_at=source.modified_at,
        rows=staged.rows,
        batches=staged.spool,
    )
