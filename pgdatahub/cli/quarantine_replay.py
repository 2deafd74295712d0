"""``pgdatahub quarantine replay``: load rows that were set aside and pass the rules of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgdatahub.cli.completion import complete_table
from pgdatahub.cli.help import Command, epilog
from pgdatahub.cli.options import HOW, WHICH, ConfigOption, FormatOption, OutputFormat, configured
from pgdatahub.cli.quarantine import quarantine_app
from pgdatahub.errors import ExitCode

if TYPE_CHECKING:
    from pgdatahub.load.replays.replay import ImportReplay
    from pgdatahub.runs.aside.replay import ReplayResult

__all__ = ["quarantine_app"]


@quarantine_app.command("replay", cls=Command, epilog=epilog("quarantine replay"))
def replay_command(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Only these files, or the ends of their paths.", show_default=False),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="NAME",
            autocompletion=complete_table,
            help="Only this table.",
            rich_help_panel=WHICH,
            show_default=False,
        ),
    ] = None,
    import_id: Annotated[
        int | None,
        typer.Option(
            "--import-id", "--import", metavar="N", help="Only this import.", rich_help_panel=WHICH, show_default=False
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also where the file was loaded again since.", rich_help_panel=HOW),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it, show the result, and change nothing.", rich_help_panel=HOW)
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=HOW)] = False,
    output: FormatOption = OutputFormat.TEXT,
    config_file: ConfigOption = None,
) -> None:
    """Load the rows that were set aside and pass the rules of today, as part of their imports.

    Rules, nulls and notations may have changed since the load; names, types and places of columns must be the same, else run
    --reload FILE. The other rows stay, with the faults that they have now.
    """
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.cli.terminal import say, say_lines
    from pgdatahub.cli.undo import require_terminal
    from pgdatahub.runs.aside.replay import ReplaySelection, replay

    if files and import_id is not None:
        raise typer.BadParameter("give FILE or --import-id, not both")
    if not (yes or dry_run):
        require_terminal("--yes")
    config = configured(config_file)
    selection = ReplaySelection(table=table, files=tuple(files or ()), import_id=import_id)
    result = replay(
        config,
        selection,
        force=force,
        confirm=None if yes or dry_run else _ask,
        dry_run=dry_run,
        reporter=tell_notices,
    )
    if output is OutputFormat.JSON:
        say_lines(_json(result))
    elif result.done or dry_run or not result.rows:
        _print(result, err=False)
    else:
        say("nothing was done", err=True)
    if result.refused:
        raise typer.Exit(ExitCode.FAILED)


def _ask(result: ReplayResult) -> bool:
    """Show the result of a dry run on standard error, and ask for confirmation."""
    from pgdatahub.cli.terminal import confirm

    _print(result, err=True)
    return confirm("Go on?")


def _print(result: ReplayResult, *, err: bool) -> None:
    from pgdatahub.cli.console import Line, TerminalConsole
    from pgdatahub.cli.fault_lines import fault_lines
    from pgdatahub.values.counting import count

    console = TerminalConsole(stderr=err)
    if not any(one.rows or one.left for one in result.imports) and not result.refused:
        console.print(Line("no rows are set aside"))
        return
    for one in result.imports:
        console.print(_line(one, done=result.done), soft_wrap=True)
        for text in (*_described_changes(one), *one.notices, *fault_lines(one.faults)):
            console.print(Line(f"           {text}", style="dim"), soft_wrap=True)
    verb = "loaded" if result.done else "would be loaded"
    console.print(Line(f"{count(result.rows, 'row')} {verb}, {result.left:,} set aside"), soft_wrap=True)


def _line(one: ImportReplay, *, done: bool) -> Any:
    from pgdatahub.cli.console import Line
    from pgdatahub.cli.render import failure_text
    from pgdatahub.values.counting import count

    past = one.past
    if one.refusal is not None:
        line = Line("refused    ", style="bold red")
        line.append(f"{past.identity} → {past.table}: {failure_text(one.refusal)}", style="default")
    elif not one.rows:
        line = Line("kept       ", style="yellow")
        line.append(f"{past.identity} → {past.table}: {count(one.left, 'row')} still set aside", style="default")
    else:
        line = Line("replayed   " if done else "replay     ", style="green" if done else "yellow")
        rest = f", {one.left:,} still set aside" if one.left else ""
        line.append(f"{past.identity} → {past.table}: {count(one.rows, 'row')}{rest}", style="default")
    line.append(f" (import {past.id})", style="dim")
    return line


def _described_changes(one: ImportReplay) -> list[str]:
    from pgdatahub.model.explain import describe_change

    return [describe_change(change) for change in one.changes]


def _json(result: ReplayResult) -> str:
    from pgdatahub.values.printable import printable_json

    described = {
        "destination": result.destination,
        "done": result.done,
        "rows": result.rows,
        "left": result.left,
        "imports": [_import_json(one) for one in result.imports],
    }
    return printable_json(described, indent=2)


def _import_json(one: ImportReplay) -> dict[str, Any]:
    from pgdatahub.model.faults import faults_to_json

    refusal = one.refusal
    return {
        "id": one.past.id,
        "table": str(one.past.table),
        "file": one.past.identity,
        "source_file": one.past.source_file,
        "rows": one.rows,
        "left": one.left,
        "changes": _described_changes(one),
        "notices": list(one.notices),
        "faults": faults_to_json(one.faults),
        "refusal": None
        if refusal is None
        else {"kind": type(refusal).__name__, "message": refusal.message, "hint": refusal.hint},
    }
