"""Revert of imports: their rows, their changes of the table, or both; in one transaction.

The history keeps all its rows. The executed plan equals the shown plan, or nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import UndoError
from pgdatahub.model.events import Reporter, announcer
from pgdatahub.postgres.history.part_rows import other_parts
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.system.storage import is_url
from pgdatahub.undo.check import make_plan
from pgdatahub.undo.execute import execute, lock, take_turns
from pgdatahub.undo.plan import UndoPlan, UndoRequest
from pgdatahub.undo.select import Choice, choose, open_history
from pgdatahub.undo.views import as_done

if TYPE_CHECKING:
    from pgdatahub.postgres.database import Database
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection

Confirm = Callable[[UndoPlan], bool]
"""Shows a plan and returns whether to execute it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """Result of an undo.

    Attributes:
        destination: The database, without secrets.
        plan: The plan.
        done: True if the plan was executed; False after a dry run or the user's no.
    """

    destination: str
    plan: UndoPlan
    done: bool


def revert(
    config: Config,
    request: UndoRequest,
    *,
    confirm: Confirm | None = None,
    dry_run: bool = False,
    reporter: Reporter | None = None,
) -> UndoResult:
    """Revert imports.

    Args:
        config: The settings.
        request: The imports to revert.
        confirm: Called with the plan, with no transaction open; None reverts without asking.
        dry_run: Only make the plan.
        reporter: Receives notices on the embedded server.

    Raises:
        ConfigError: The request is wrong.
        UndoError: The plan has refusals, or the table changed after ``confirm``; nothing was done.
        DatabaseError: The database does not answer.
    """
    with open_history(config, announcer(reporter)) as (database, history):
        with transaction(database.engine, read_only=True) as connection:
            choices = choose(connection, history, request, config)
            plan = make_plans(connection, history, choices, request, config)
        if plan.all_refusals:
            # Without locks, a run that commits in between makes the history and the table differ.
            with transaction(database.engine, read_only=True) as connection:
                take_turns(connection, history, choices)
                choices = choose(connection, history, request, config)
                plan = make_plans(connection, history, choices, request, config)
        if dry_run:
            if not request.rows and any(choice.loaded for choice in choices):
                with transaction(database.engine, read_only=True) as connection:
                    plan = _plan_after_revert(connection, history, choices, request, config)
            return UndoResult(destination=database.description, plan=plan, done=False)
        _refuse(plan)
        if confirm is not None and not (plan.nothing or confirm(plan)):
            return UndoResult(destination=database.description, plan=plan, done=False)
        plan = _carry_out(database, history, choices, request, plan, shown=confirm is not None, config=config)
        return UndoResult(destination=database.description, plan=plan, done=True)


def revert_schema(
    config: Config,
    *,
    table: str,
    source_file: str,
    confirm: Confirm | None = None,
    dry_run: bool = False,
    reporter: Reporter | None = None,
) -> UndoResult:
    """Undo the changes that a file made to its table, after its rows were reverted; see :func:`revert`."""
    request = UndoRequest(source_file=source_file, table=table, rows=False, schema=True)
    return revert(config, request, confirm=confirm, dry_run=dry_run, reporter=reporter)


def _plan_after_revert(
    connection: Connection, history: History, choices: Sequence[Choice], request: UndoRequest, config: Config
) -> UndoPlan:
    """Return the plan of the schema's undo for files that are still loaded, as if their rows were reverted."""
    # "hold": no remark that the next run loads the file again.
    plan = make_plans(connection, history, choices, replace(request, rows=True, hold=True), config)
    notes = [
        f"{reverted.past.identity} is still loaded, so this is what revert-schema would do after "
        f"pgdatahub revert --import-id {reverted.past.id}"
        for one in plan.tables
        for reverted in one.imports
    ]
    others = tuple(replace(one, imports=(), hold=False) for one in plan.others)
    return replace(plan, imports=(), others=others, hold=False, notes=(*notes, *plan.notes))


def _shows_samples(config: Config, choice: Choice) -> bool:
    """Return whether the folders of all imports show values of cells."""
    folders = {tuple(past.identity.split("/")[:-1]) for past in choice.imports}
    return all(config.folders.options_for(parts).shows_values for parts in folders)


def make_plans(
    connection: Connection, history: History, choices: Sequence[Choice], request: UndoRequest, config: Config
) -> UndoPlan:
    """Return the plan for all tables that a request selects imports of."""
    data_root = None if is_url(config.data_root) else config.root_path
    request = replace(request, data_root=data_root)
    plans = [
        make_plan(
            connection,
            history,
            choice,
            replace(request, recreate_views=recreates_views(config, choice), samples=_shows_samples(config, choice)),
        )
        for choice in choices
    ]
    first = replace(plans[0], others=tuple(plans[1:]))
    if request.import_id is None or choices[0].imports[0].routing is None:
        return first
    chosen = choices[0].imports[0]
    others = other_parts(connection, history, chosen)
    if not others:
        return first
    listed = ", ".join(f"import {past.id} in {past.table}" for past in others)
    return replace(first, notes=(*first.notes, f"the other parts of the file stay: {listed}"))


def recreates_views(config: Config, choice: Choice) -> bool:
    """Return whether every folder of the imports has ``views: recreate``."""
    folders = {tuple(past.identity.split("/")[:-1]) for past in choice.imports}
    return all(config.folders.options_for(parts).views == "recreate" for parts in folders)


def _refuse(plan: UndoPlan) -> None:
    if plan.all_refusals:
        first, *others = plan.all_refusals
        reason = "; ".join([first.reason, *(f"{one.subject}: {one.reason}" for one in others)])
        hints = dict.fromkeys(refusal.hint for refusal in plan.all_refusals if refusal.hint)
        raise UndoError(reason, where=first.subject, hint="; ".join(hints) or None)


def _carry_out(
    database: Database,
    history: History,
    choices: Sequence[Choice],
    request: UndoRequest,
    expected: UndoPlan,
    *,
    shown: bool,
    config: Config,
) -> UndoPlan:
    with transaction(database.engine) as connection:
        # Wait for a run that loads the table; the plan then includes its rows.
        lock(connection, history, choices)
        found = choose(connection, history, request, config)
        if {choice.table for choice in found} - {choice.table for choice in choices}:
            raise UndoError("another run loads the file into another table; nothing was done", hint="try again")
        plan = make_plans(connection, history, found, request, config)
        _refuse(plan)
        if shown and _without_notes(plan) != _without_notes(expected):
            raise UndoError(
                "the table changed after the plan was shown; nothing was done", where=str(plan.table), hint="try again"
            )
        execute(connection, history, plan)
    return as_done(plan)


def _without_notes(plan: UndoPlan) -> UndoPlan:
    return replace(plan, notes=(), others=tuple(replace(one, notes=()) for one in plan.others))
