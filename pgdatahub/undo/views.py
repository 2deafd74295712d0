"""Views that an undo drops and makes again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgdatahub.model.schema import RestoreType, TableSchema
from pgdatahub.postgres.tables.view_proofs import prove_views
from pgdatahub.postgres.tables.views import UsingView, describe_recreated, describe_recreation, using_views
from pgdatahub.undo.plan import Refusal, UndoPlan

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def views_to_recreate(connection: Connection, plan: UndoPlan) -> tuple[UsingView, ...]:
    """Return the views that an undo drops and makes again, because they use a column whose type changes."""
    names = [step.name for step in plan.steps if isinstance(step, RestoreType)]
    return using_views(connection, plan.table, names) if plan.recreate_views and names else ()


def check_views(connection: Connection, current: TableSchema, plan: UndoPlan) -> UndoPlan:
    """Return ``plan`` with a note about the views to recreate, or with a refusal instead of the types that they forbid."""
    types = {step.name: step.new.sql for step in plan.steps if isinstance(step, RestoreType)}
    views, problem = prove_views(connection, current, types, views_to_recreate(connection, plan))
    if problem is not None:
        refusal = Refusal(subject=str(plan.table), reason=problem, hint="change or drop the view first")
        steps = tuple(step for step in plan.steps if not isinstance(step, RestoreType))
        return replace(plan, steps=steps, refusals=(*plan.refusals, refusal))
    return replace(plan, views=views, notes=(*plan.notes, describe_recreation(views))) if views else plan


def as_done(plan: UndoPlan) -> UndoPlan:
    """Return an executed plan, whose notes tell the recreated views as such."""
    planned = describe_recreation(plan.views)
    notes = tuple(describe_recreated(plan.views) if plan.views and note == planned else note for note in plan.notes)
    return replace(plan, notes=notes, others=tuple(map(as_done, plan.others)))
