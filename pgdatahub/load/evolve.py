"""Effects of a staged file on its table, checked against the table as it is; for runs and for plans.

This module writes nothing. The caller holds the locks that keep the answer true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import SchemaError
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.load.table_fit import describe_fit, describe_wider_types
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import OpaqueType, SchemaPlan, TableSchema
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.drift import columns_changed_by_hand
from pgdatahub.postgres.history.recent_columns import recent_columns
from pgdatahub.postgres.proofs.type_proofs import prove, to_prove
from pgdatahub.postgres.tables import ddl
from pgdatahub.postgres.tables.blockers import check_obstacles
from pgdatahub.postgres.tables.foreign_types import check_created_types, check_own_types
from pgdatahub.postgres.tables.settled_types import describe_settled_types
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.keyed.rules import TableRule
    from pgdatahub.postgres.server.connection import Connection
    from pgdatahub.postgres.tables.views import UsingView


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """The effects of a file on its table.

    Attributes:
        plan: The changes.
        observed: The columns that the file needs.
        stored: The table's columns in the database; None if the table does not exist.
        current: The columns that the plan starts from, as far as their values were queried.
        notices: Messages for the user about the table.
        views: The views that are dropped and recreated, each before the views that use it; a plan and a load tell them in their own words.
    """

    plan: SchemaPlan
    observed: TableSchema
    stored: TableSchema | None
    current: TableSchema | None
    notices: tuple[str, ...] = ()
    views: tuple[UsingView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedTable:
    """A table as the files before this one will leave it, in a run that writes nothing.

    Attributes:
        current: Its columns at that time.
        settled: The columns whose type in the lattice ``current`` states, so that stored values need no query.
        going: The imports whose rows will be deleted by then.
        files: The names of the columns of each of these files.
    """

    current: TableSchema | None
    settled: Collection[str] = ()
    going: Sequence[ImportRow] = ()
    files: Sequence[Collection[str]] = ()


def evolve(
    staged: Staged,
    stored: TableSchema | None,
    connection: Connection,
    *,
    stages: Stages,
    config: Config,
    history: History | None,
    projected: ProjectedTable | None = None,
    knows_others: bool = True,
    rule: TableRule | None = None,
) -> Evolution:
    """Decide the changes of a table for a file, and check that they are possible and keep every value.

    Args:
        staged: The file.
        stored: The table's columns in the database; None if the table does not exist.
        connection: A connection in a transaction that may be read-only.
        stages: The plugins.
        config: The settings.
        history: The metadata tables; None if there are none yet.
        projected: The table as it will be when this file is loaded; by default the stored table.
        knows_others: The history may know columns that the table does not have.
        rule: The rule of a table with a companion, whose rows count as well.

    Raises:
        SchemaError: The table cannot take the file.
    """
    projected = projected or ProjectedTable(current=stored)
    notices: tuple[str, ...] = ()
    current = projected.current
    if stored is not None and current is not None:
        if history is not None and knows_others:
            notices = columns_changed_by_hand(connection, current, staged.observed, history)
        current = prove(
            connection, current, staged.observed, history, settled=projected.settled, going=projected.going, rule=rule
        )
        _check_nulls(staged, stored)
    if current is not None:

        def earlier() -> Iterator[Collection[str]]:
            yield from projected.files
            if history is not None:
                yield from recent_columns(connection, current.table, history)

        notices = (*notices, *describe_fit(staged.observed, current, earlier))
    if stored is not None:
        notices = (*notices, *describe_settled_types(connection, stored, staged.observed))
    plan = stages.evolve(staged.observed, current, staged.source, config)
    if stored is not None:
        notices = (*notices, *describe_wider_types(staged.observed, plan.result))
    views = check_obstacles(
        connection,
        stored,
        current,
        plan,
        recreate_views=staged.source.options.views == "recreate",
        companion=rule.companion if rule is not None else None,
    )
    if stored is not None:
        check_own_types(connection, stored, staged.spool)
    created = tuple(
        column
        for column in plan.result.columns
        if isinstance(column.type, OpaqueType) and (stored is None or column.name not in stored.by_name)
    )
    if created:
        check_created_types(connection, TableSchema(table=plan.table, columns=created), staged.spool)
    return Evolution(plan=plan, observed=staged.observed, stored=stored, current=current, notices=notices, views=views)


def confirmed_plan(beginning: Evolution, staged: Staged, *, stages: Stages, config: Config) -> SchemaPlan | None:
    """Return the plan for more of a file if it makes the same table as the plan for the beginning; else None.

    The function does not query the database, since the table may have rows of the file by now. It assumes nothing about
    a value or a change that the first plan did not check.

    Args:
        beginning: The decision that was carried out.
        staged: The file as far as it is known now.
        stages: The plugins.
        config: The settings.

    Raises:
        SchemaError: The table cannot take the file.
    """
    stored, observed = beginning.stored, staged.observed
    if stored is not None:
        _check_nulls(staged, stored)
        if not to_prove(stored, observed) <= to_prove(stored, beginning.observed):
            return None
    plan = stages.evolve(observed, beginning.current, staged.source, config)
    return plan if ddl.render(plan) == ddl.render(beginning.plan) else None


def _check_nulls(staged: Staged, current: TableSchema) -> None:
    """Check that the file has a value in every row of a NOT NULL column."""
    for column in staged.observed.columns:
        known = current.by_name.get(column.name)
        values = column.observed.values if column.observed else 0
        if known is not None and known.required and values < staged.rows:
            raise SchemaError(
                f"the table's column {column.name} must not be empty, and the file has "
                f"{count(staged.rows - values, 'empty cell')} there",
                where=f"table {current.table}",
                hint="fill the cells, or drop the column's NOT NULL",
            )
