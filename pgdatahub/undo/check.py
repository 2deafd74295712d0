"""Undo plans of a database: imports and steps, each proved by the values in the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgdatahub.errors import SchemaError
from pgdatahub.load.contracts.hidden_values import hidden_text
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import (
    RESERVED_COLUMNS,
    DropColumn,
    DropTable,
    RestoreType,
    SchemaStep,
    TableName,
    TableSchema,
)
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.intact import check_both
from pgdatahub.postgres.keyed.rules import TableRule, find_rule
from pgdatahub.postgres.narrowing import count_values, loss
from pgdatahub.postgres.proofs.import_state import UNREADABLE_HINT, examine_import, named_twice
from pgdatahub.postgres.proofs.unknown_rows import find_unknown_rows
from pgdatahub.postgres.rows.import_rows import count_others
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.cascades import describe_cascades
from pgdatahub.postgres.tables.ddl import import_index
from pgdatahub.postgres.tables.dependents import Dependent, dependents
from pgdatahub.postgres.tables.views import descriptions, recreation_obstacles, using_views
from pgdatahub.system.presence import may_exist
from pgdatahub.undo.companion import describe_end, ends_rule, refuse_changes, refuse_end
from pgdatahub.undo.plan import Refusal, RevertedImport, UndoPlan, UndoRequest, recompute
from pgdatahub.undo.select import Choice
from pgdatahub.undo.views import check_views
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

_RUN_AGAIN = "the next run would load it again; --hold keeps it out until run --reload"


def make_plan(
    connection: Connection, history: History, choice: Choice, request: UndoRequest, *, warn_of_reload: bool = True
) -> UndoPlan:
    """Return the plan of a request; nothing is changed.

    Args:
        connection: In a transaction, which may be read-only.
        history: The history.
        choice: The imports that the request selects.
        request: The request.
        warn_of_reload: Add a note for each file that the next run would load again.
    """
    current = catalog.reflect(connection, choice.table)
    files = tuple(dict.fromkeys(past.source_file for past in choice.imports))
    plan = UndoPlan(
        table=choice.table,
        source_files=files,
        hold=request.hold,
        recreate_views=request.recreate_views,
        rule=find_rule(connection, history.schema, choice.table),
        samples=request.samples,
    )
    if request.rows:
        plan = _plan_rows(
            connection, history, choice, request, current, plan, warn_of_reload=warn_of_reload and not request.hold
        )
    if request.schema and not (request.rows and plan.refusals):
        plan = _plan_schema(connection, history, choice, current, plan)
    return plan


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_rows(
    connection: Connection,
    history: History,
    choice: Choice,
    request: UndoRequest,
    current: TableSchema | None,
    plan: UndoPlan,
    *,
    warn_of_reload: bool,
) -> UndoPlan:
    if not choice.loaded:
        return replace(plan, refusals=tuple(map(_not_loaded, choice.imports[-1:])))
    refusals: list[Refusal] = []
    notes: list[str] = []
    reverted = []
    if plan.rule is not None:
        try:
            check_both(connection, plan.rule)
        except SchemaError as error:
            refusal = Refusal(subject=str(choice.table), reason=error.message, hint=error.hint)
            return replace(plan, refusals=(refusal,))
    for past in choice.loaded:
        state = examine_import(connection, past, current, rule=plan.rule, history_schema=history.schema)
        if state.unreadable is not None:
            refusals.append(Refusal(subject=past.identity, reason=state.unreadable, hint=UNREADABLE_HINT))
        reverted.append(RevertedImport(past=past, rows=state.rows))
        refusals += [
            Refusal(
                subject=past.identity,
                reason=f"import {other.id} in etl_imports names the same rows as import {past.id}",
                hint=f"delete the wrong one of the two rows of etl_imports, {past.id} or {other.id}",
            )
            for other in named_twice(connection, history, past)
        ]
        objections = (*state.missing, *state.changed)
        if request.force:
            notes += [f"{past.identity}: {objection}" for objection in objections]
        else:
            refusals += [Refusal(subject=past.identity, reason=text, hint="--force goes on") for text in objections]
        older = history.select_imports(
            connection, table=past.table, identity=past.identity, statuses=(Status.SUPERSEDED,)
        )
        notes += [
            f"{one.identity} replaced its rows of {one.imported_at:%Y-%m-%d %H:%M} UTC (import {one.id}), which do not "
            "come back unless that file is loaded again"
            for one in older
            if one.reverted_at == past.imported_at
        ]
        if warn_of_reload and _is_there(past, request.data_root):
            notes.append(f"{past.identity} is still in its folder: {_RUN_AGAIN}")
    unknown = find_unknown_rows(connection, history, choice.table) if plan.rule is not None else None
    if unknown is not None:
        text = (
            f"the table has {count(unknown.rows, 'row')} of imports that the history does not know, so their place among the"
            " rows of their keys is not known"
        )
        hint = "run --adopt first; --force takes them as older than all others"
        if request.force:
            notes.append(f"{choice.table}: {text}")
        else:
            refusals.append(Refusal(subject=str(choice.table), reason=text, hint=hint))
    if any(one.rows for one in reverted):
        notes += describe_cascades(connection, choice.table, going="deleted")
    return replace(plan, imports=tuple(reverted), refusals=tuple(refusals), notes=tuple(notes))


def _is_there(past: ImportRow, data_root: Path | None) -> bool:
    """Return whether a local file may be where it was when it was loaded, or below the data root of now."""
    if "://" in past.source_file:
        return False
    return may_exist(Path(past.source_file)) or (data_root is not None and may_exist(data_root / past.identity))


def _not_loaded(past: ImportRow) -> Refusal:
    moment = f" on {past.reverted_at:%Y-%m-%d %H:%M} UTC" if past.reverted_at else ""
    reason = {
        Status.REVERTED.value: f"was already reverted{moment}",
        Status.HELD.value: f"was already reverted{moment}, and is on hold",
        Status.SUPERSEDED.value: f"was replaced{moment} by another import of the same file",
    }.get(past.status, f"is {past.status}")
    return Refusal(subject=f"import {past.id}, {past.identity}", reason=reason)


# ── schema ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plan_schema(
    connection: Connection, history: History, choice: Choice, current: TableSchema | None, plan: UndoPlan
) -> UndoPlan:
    table = choice.table
    going = [reverted.past for reverted in plan.imports]
    still = [past for past in choice.loaded if past not in going]
    if still:
        hint = "revert it first, or revert --with-schema"
        refusals = [Refusal(subject=past.identity, reason="is still loaded", hint=hint) for past in still]
        return replace(plan, refusals=(*plan.refusals, *refusals))
    if current is None:
        return replace(plan, notes=(*plan.notes, f"the table {table} is not there, so nothing in it can be undone"))
    touched = history.observed_by(connection, table, [past.id for past in choice.imports])
    remaining = history.observed(connection, table, without=[past.id for past in going])
    steps, notes = recompute(current, history.schema_changes.provenance(connection, table), touched, remaining)
    plan = replace(plan, notes=(*plan.notes, *notes))
    return check_steps(connection, history, current, steps, going, plan)


def check_steps(
    connection: Connection,
    history: History,
    current: TableSchema,
    steps: Iterable[SchemaStep],
    going: Sequence[ImportRow],
    plan: UndoPlan,
) -> UndoPlan:
    """Return ``plan`` with the steps that are possible, and refusals for the others."""
    kept: list[SchemaStep] = []
    refusals: list[Refusal] = []
    own_indexes = [import_index(plan.table), *(plan.rule.own_indexes if plan.rule is not None else ())]
    found = dependents(connection, plan.table, own_indexes=own_indexes)
    for step in steps:
        if isinstance(step, DropTable):
            refused = list(_refuse_table(connection, history, current, going, found, plan.rule))
        elif isinstance(step, DropColumn):
            refused = list(_refuse_column(connection, history, plan.table, step, going, found, plan.rule))
        else:
            proved, refused = _prove(connection, plan, step, going, found)
            if proved is None:
                continue
            step = proved
        refusals += refused
        if not refused:
            kept.append(step)
    if plan.rule is not None and ends_rule(plan.rule, kept):
        refusals += refuse_end(connection, current, plan.rule, found)
        plan = replace(plan, notes=(*plan.notes, describe_end(current, plan.rule)))
    elif plan.rule is not None:
        refusals += refuse_changes(connection, plan.rule, kept)
    plan = replace(plan, steps=tuple(kept), refusals=(*plan.refusals, *refusals))
    return check_views(connection, current, plan)


def _refuse_table(
    connection: Connection,
    history: History,
    current: TableSchema,
    going: Sequence[ImportRow],
    found: Iterable[Dependent],
    rule: TableRule | None,
) -> Iterable[Refusal]:
    table = current.table
    lineage = set(RESERVED_COLUMNS) <= current.by_name.keys()
    both = [table] if rule is None else [table, rule.companion]
    others = sum(count_others(connection, one, going if lineage else ()) for one in both)
    if others:
        yield Refusal(subject=str(table), reason=f"{count(others, 'row')} in it of no import: put in by hand")
    ours = {*history.schema_changes.provenance(connection, table).columns, rule.rule.missing if rule else None}
    foreign = sorted(current.by_name.keys() - ours)
    if foreign:
        yield Refusal(
            subject=str(table),
            reason=f"pgdatahub did not make its columns {', '.join(foreign)}",
            hint="drop them, or the table, by hand",
        )
    if rule is not None:
        found = [*found, *dependents(connection, rule.companion)]
    for one in sorted({one.description for one in found if not one.part_of_table}):
        yield Refusal(subject=str(table), reason=f"{one} depends on it", hint="drop that first")


def _refuse_column(
    connection: Connection,
    history: History,
    table: TableName,
    step: DropColumn,
    going: Sequence[ImportRow],
    found: Iterable[Dependent],
    rule: TableRule | None,
) -> Iterable[Refusal]:
    subject = f"{table}.{step.name}"
    both = [table] if rule is None else [table, rule.companion]
    values = sum(count_values(connection, one, step.name, going=going) for one in both)
    # Without an import, the rule ends.
    needed = rule is not None and rule.needs(step.name)
    if needed and history.observed(connection, table, without=[past.id for past in going]):
        yield Refusal(subject=subject, reason="the table's key needs it", hint="pgdatahub rekey changes the key")
        return
    if values:
        yield Refusal(
            subject=subject, reason=f"{count(values, 'row', 'has', 'have')} a value in it that was put in by hand"
        )
    for one in sorted({one.description for one in found if one.column == step.name}):
        yield Refusal(subject=subject, reason=f"{one} depends on it", hint="drop that first")


def _prove(
    connection: Connection,
    plan: UndoPlan,
    step: RestoreType,
    going: Sequence[ImportRow],
    found: Iterable[Dependent],
) -> tuple[RestoreType | None, list[Refusal]]:
    """Return the step that the values allow, None if the column keeps its type; and refusals."""
    table = plan.table
    subject = f"{table}.{step.name}"
    companion = None if plan.rule is None else plan.rule.companion
    lost = loss(connection, table, step.name, step.old, step.new, going=going, companion=companion)
    if lost is not None and step.or_else is not None:
        if step.or_else.sql == step.old.sql:
            return None, []
        step = replace(step, new=step.or_else, or_else=None)
        lost = loss(connection, table, step.name, step.old, step.new, going=going, companion=companion)
    if lost is not None:
        example = f", such as {lost.sample!r}" if lost.sample and plan.samples else ""
        why = lost.reason if plan.samples else hidden_text(lost.reason)
        reason = f"a value put in by hand would be lost as {step.new.label}: {why}{example}"
        return step, [Refusal(subject=subject, reason=reason)]
    views = using_views(connection, table, [step.name]) if plan.recreate_views else ()
    apart = descriptions(connection, views)
    blockers = sorted({one.description for one in found if one.column == step.name and one.blocks_alter} - apart)
    reason = f"depends on it, so it cannot become {step.new.label}"
    return replace(step, or_else=None), [
        *(Refusal(subject=subject, reason=f"{one} {reason}", hint="drop that first") for one in blockers),
        *(Refusal(subject=subject, reason=one) for one in recreation_obstacles(connection, views)),
    ]
