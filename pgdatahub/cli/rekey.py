"""``pgdatahub rekey``: give a loaded table the key of its folder, change the key, or remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.completion import complete_table
from pgdatahub.cli.options import HOW, WHICH, ConfigOption, FormatOption, OutputFormat, SchemaOption, configured
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.undo.rekey import RekeyPlan, RekeyResult


def rekey_command(
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", autocompletion=complete_table, help="The table.", rich_help_panel=WHICH),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it, show the result, and change nothing.", rich_help_panel=HOW)
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=HOW)] = False,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Give a loaded table the key that its folder's settings name, change its key, or remove it.

    One transaction, in which the table is locked. It is refused where a key is empty, or where rows of one file have one key
    and nothing in the table tells their order.
    """
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.cli.terminal import say, say_lines
    from pgdatahub.cli.undo import require_terminal
    from pgdatahub.undo.rekey import rekey

    if not (yes or dry_run):
        require_terminal("--yes")
    config = configured(config_file, schema_name=schema)
    result = rekey(config, table, confirm=None if yes or dry_run else _ask, dry_run=dry_run, reporter=tell_notices)
    if output is OutputFormat.JSON:
        say_lines(_json(result))
    elif result.plan.nothing:
        say(f"{result.plan.table} has all rows of all files, as the settings say; nothing to do")
    elif result.done or dry_run:
        say(_sentence(result, would=dry_run))
    else:
        say("nothing was done", err=True)


def _ask(plan: RekeyPlan) -> bool:
    from pgdatahub.cli.terminal import confirm, say
    from pgdatahub.cli.undo import require_terminal

    require_terminal("--yes")
    say(f"{plan.table}: {_change(plan)}", err=True)
    say(
        f"{count(plan.rows, 'row')} in the table, {plan.beside:,} in its companion; the table is locked meanwhile",
        err=True,
    )
    return confirm("Go on?")


def _sentence(result: RekeyResult, *, would: bool) -> str:
    plan = result.plan
    verb = "would have" if would else "has"
    beside = f", and {plan.companion.name} {result.beside:,}" if plan.new is not None else ""
    return f"{plan.table}: {_change(plan)}; it {verb} {count(result.rows, 'row')}{beside}"


def _change(plan: RekeyPlan) -> str:
    from pgdatahub.config.key_rule import describe_change

    old, new = describe_change(plan.old, plan.new)
    return f"{old} stays" if old == new else f"{old} → {new}"


def _json(result: RekeyResult) -> str:
    from dataclasses import asdict

    from pgdatahub.values.printable import printable_json

    plan = result.plan
    described = {
        "destination": result.destination,
        "done": result.done,
        "table": str(plan.table),
        "old": None if plan.old is None else asdict(plan.old),
        "new": None if plan.new is None else asdict(plan.new),
        "rows_before": plan.rows,
        "rows_in_companion_before": plan.beside,
        "rows": result.rows,
        "rows_in_companion": result.beside,
    }
    return printable_json(described, indent=2)
