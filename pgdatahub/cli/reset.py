"""``pgdatahub reset``: drop the loaded tables and the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.options import HOW, ConfigOption, DataRootOption, SchemaOption, configured
from pgdatahub.cli.terminal import prompt, say
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.undo.reset import ResetPlan


def reset_command(
    backup: Annotated[
        bool,
        typer.Option("--backup", help="First write the tables to a file that `db restore` takes.", rich_help_panel=HOW),
    ] = False,
    run: Annotated[bool, typer.Option("--run", help="Load everything again afterwards.", rich_help_panel=HOW)] = False,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=HOW)] = False,
) -> None:
    """Drop the tables that pgdatahub made, revert its imports in other tables, and drop its history.

    Shows the tables with their rows first, and asks for the database's name.
    """
    from pgdatahub.cli.console import Line, TerminalConsole
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.cli.undo import require_terminal
    from pgdatahub.undo.reset import reset

    if not yes:
        require_terminal("--yes")
    config = configured(config_file, data_root=data_root, schema_name=schema)
    result = reset(config, backup=backup, confirm=None if yes else _ask, reporter=tell_notices)
    console = TerminalConsole()
    if result.plan.nothing:
        console.print(Line(f"nothing to reset in {result.plan.destination}"), soft_wrap=True)
    elif not result.done:
        say("nothing was done", err=True)
        raise typer.Exit(1)
    else:
        if result.backup is not None:
            console.print(Line(f"backup: {result.backup} (pgdatahub db restore restores it)"), soft_wrap=True)
        dropped = [table for table in result.plan.tables if table.undo is None]
        kept = [table for table in result.plan.tables if table.undo is not None]
        rows = sum(table.rows for table in dropped)
        aside = f", {_quarantined(result.plan)}" if result.plan.quarantined else ""
        console.print(
            Line(f"dropped {count(len(dropped), 'table')} with {count(rows, 'row')}{aside}, and the history"),
            soft_wrap=True,
        )
        for table in kept:
            deleted = table.undo.rows if table.undo is not None else 0
            console.print(Line(f"reverted {count(deleted, 'row')} in {table.table}, which stays"), soft_wrap=True)
    if run:
        from pgdatahub.cli.run import run_command

        run_command(data_root=data_root, config_file=config_file, schema=schema)


def _ask(plan: ResetPlan) -> bool:
    from rich import box
    from rich.table import Table

    from pgdatahub.cli.console import Line, TerminalConsole

    console = TerminalConsole(stderr=True)
    console.print(Line(plan.destination), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("table", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("what happens", overflow="fold")
    for one in plan.tables:
        table.add_row(Line(str(one.table)), f"{one.rows:,}", Line(_fate(one.undo.rows if one.undo else None)))
    console.print(table)
    for one in plan.tables:
        for note in one.undo.notes if one.undo else ():
            console.print(Line(f"note       {note}", style="dim"), soft_wrap=True)
    if plan.quarantined:
        console.print(Line(f"{_quarantined(plan)} and the history of all imports are dropped too"), soft_wrap=True)
    else:
        console.print(Line("the history of all imports is dropped too"), soft_wrap=True)
    return prompt(f"Type the name of the database ({plan.database}) to go on") == plan.database


def _quarantined(plan: ResetPlan) -> str:
    return f"{count(plan.quarantined, 'row')} in quarantine"


def _fate(deleted: int | None) -> str:
    return "dropped" if deleted is None else f"stays; {count(deleted, 'row', 'is', 'are')} deleted"
