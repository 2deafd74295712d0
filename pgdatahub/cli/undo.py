"""Undo plans and results as text and as JSON, for the commands that undo."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pgdatahub.cli.console import Line, TerminalConsole
from pgdatahub.cli.terminal import confirm, say, say_lines
from pgdatahub.model.schema import DropColumn, DropTable, SchemaStep
from pgdatahub.undo.plan import UndoPlan
from pgdatahub.values.counting import count
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from pgdatahub.undo.revert import UndoResult


def ask(plan: UndoPlan) -> bool:
    """Show a plan on standard error, and ask for confirmation.

    Raises:
        ConfigError: Standard input is not a terminal.
    """
    console = TerminalConsole(stderr=True)
    require_terminal("--yes")
    print_plan(plan, console, done=False)
    return confirm("Go on?")


def require_terminal(option: str) -> None:
    """Refuse to ask without a terminal.

    Raises:
        ConfigError: Standard input is not a terminal.
    """
    from pgdatahub.errors import ConfigError

    if not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask on", hint=f"{option} goes on without asking")


def print_plan(plan: UndoPlan, console: Console, *, done: bool) -> None:
    """Print an undo plan, or its result: a line for each import, column and remark."""
    told: set[str] = set()
    for one in plan.tables:
        _print_table(one, console, done=done)
        for note in one.notes:
            if note not in told:  # the parts of a file have most notes in common
                told.add(note)
                console.print(Line(f"note       {note}", style="dim"), soft_wrap=True)
    if plan.hold and done and not plan.nothing:
        console.print(Line("on hold until run --reload", style="dim"), soft_wrap=True)


def _print_table(plan: UndoPlan, console: Console, *, done: bool) -> None:
    for reverted in plan.imports:
        past = reverted.past
        line = Line("reverted   " if done else "revert     ", style="green" if done else "yellow")
        line.append(f"{past.identity} → {past.table}: {count(reverted.rows, 'row')}", style="default")
        if past.quarantined:
            line.append(f", and {past.quarantined:,} in quarantine", style="default")
        if past.emptied:
            line.append(f", and {count(past.emptied, 'emptied cell')} in quarantine", style="default")
        line.append(f", loaded {past.imported_at:%Y-%m-%d %H:%M} UTC (import {past.id})", style="dim")
        console.print(line, soft_wrap=True)
    for step in plan.steps:
        line = Line(f"{_verb(step, done=done):<11}", style="green" if done else "yellow")
        line.append(_object(step, plan), style="default")
        console.print(line, soft_wrap=True)
    for refusal in plan.refusals:
        console.print(Line(f"refused    {refusal}", style="bold red"), soft_wrap=True)
    if not (plan.imports or plan.steps or plan.refusals):
        console.print(Line(f"nothing to undo in {plan.table}"), soft_wrap=True)


def _verb(step: SchemaStep, *, done: bool) -> str:
    if isinstance(step, DropTable | DropColumn):
        return "dropped" if done else "drop"
    return "restored" if done else "restore"


def _object(step: SchemaStep, plan: UndoPlan) -> str:
    if isinstance(step, DropTable):
        return f"the table {plan.table}, which no import needs any more"
    if isinstance(step, DropColumn):
        return f"column {step.name} ({step.type.upper()}), which no import has any more"
    return f"column {step.name}: {step.old.label} → {step.new.label}"


def result_json(result: UndoResult) -> str:
    """Return the result of an undo as JSON."""
    plan = result.plan
    described = {"destination": result.destination, "done": result.done}
    if not plan.others:
        described |= plan_json(plan)
    described["tables"] = [plan_json(one) for one in plan.tables]
    return printable_json(described, indent=2)


def plan_json(plan: UndoPlan) -> dict[str, Any]:
    """Return an undo plan for JSON."""
    return {
        "table": str(plan.table),
        "rows": plan.rows,
        "imports": [
            {
                "id": reverted.past.id,
                "file": reverted.past.identity,
                "source_file": reverted.past.source_file,
                "file_sha256": reverted.past.file_sha256,
                "imported_at": reverted.past.imported_at.isoformat(),
                "rows": reverted.rows,
                **({"quarantined": reverted.past.quarantined} if reverted.past.quarantined else {}),
                **({"emptied": reverted.past.emptied} if reverted.past.emptied else {}),
            }
            for reverted in plan.imports
        ],
        "schema": [_step_json(step) for step in plan.steps],
        "hold": plan.hold,
        "refusals": [
            {"subject": refusal.subject, "reason": refusal.reason, "hint": refusal.hint} for refusal in plan.refusals
        ],
        "notes": list(plan.notes),
    }


def _step_json(step: SchemaStep) -> dict[str, Any]:
    if isinstance(step, DropTable):
        return {"change": "drop_table", "column": None, "old_type": None, "new_type": None}
    if isinstance(step, DropColumn):
        return {"change": "drop_column", "column": step.name, "old_type": step.type, "new_type": None}
    return {"change": "restore_type", "column": step.name, "old_type": step.old.sql, "new_type": step.new.sql}


def show_result(result: UndoResult, *, as_json: bool, asked: bool) -> None:
    """Print the result of an undo; print one line if the user answered no."""
    if as_json:
        say_lines(result_json(result))
    elif result.done or not asked:
        print_plan(result.plan, TerminalConsole(), done=result.done)
    else:
        say("nothing was done", err=True)
