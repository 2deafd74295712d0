"""``pgdatahub plan``: the plan of a run, with reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.options import (
    HOW,
    OUTPUT,
    ConfigOption,
    DataRootOption,
    FormatOption,
    OutputFormat,
    QuietOption,
    RequireFilesOption,
    SchemaOption,
    TableOption,
    configured,
)
from pgdatahub.cli.terminal import say_lines
from pgdatahub.system import gc_tuning
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.text import Text

    from pgdatahub.runs.plans.result import FilePlan, PlannedChange, RunPlan, TablePlan

MOST_FILES = 20
"""Number of files that are listed for a table; JSON lists all."""


def plan_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Only these files and folders of the data root.", show_default=False),
    ] = None,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    table: TableOption = None,
    reload: Annotated[
        list[Path] | None,
        typer.Option(
            "--reload",
            metavar="PATH",
            help="Plan to load these files again, in place of their earlier imports; may be repeated.",
            rich_help_panel=HOW,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Exit with 5 if a run would create or change a table; for CI.", rich_help_panel=HOW
        ),
    ] = False,
    require_files: RequireFilesOption = False,
    no_database: Annotated[
        bool,
        typer.Option(
            "--no-database", help="Use no database; every table counts as new (SKIP_DB).", rich_help_panel=HOW
        ),
    ] = False,
    ddl: Annotated[
        bool, typer.Option("--ddl/--no-ddl", help="Show the DDL, without comments.", rich_help_panel=OUTPUT)
    ] = True,
    quiet: QuietOption = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Show the plan of a run: files, rows, tables, columns, types with the deciding cell, DDL.

    Reads all files, queries the database in a read-only transaction, and writes nothing.
    """
    config = configured(
        config_file,
        data_root=data_root,
        schema_name=schema,
        require_files=require_files or None,
        skip_db=True if no_database else None,
    )
    from pgdatahub.cli.console import TerminalConsole
    from pgdatahub.cli.progress import ConsoleReporter
    from pgdatahub.errors import ExitCode
    from pgdatahub.runs.files.selection import Selection
    from pgdatahub.runs.plans.plan import plan

    gc_tuning.keep_imports()
    selection = Selection(paths=tuple(paths or ()), tables=tuple(table or ()), reload=tuple(reload or ()))
    errors = TerminalConsole(stderr=True)
    # The plan itself has a line for each file.
    with ConsoleReporter(errors, quiet=quiet, bar_only=True, failures=output is OutputFormat.JSON) as reporter:
        planned = plan(config, selection=selection, reporter=reporter)
    if output is OutputFormat.JSON:
        say_lines(plan_json(planned))
    else:
        print_plan(planned, TerminalConsole(), ddl=ddl)
    raise typer.Exit(ExitCode.SCHEMA_CHANGES if check and planned.changes_schema else planned.exit_code)


def plan_json(plan: RunPlan) -> str:
    """Return a plan as JSON."""
    from dataclasses import asdict

    from pgdatahub.cli.render import missing_json

    actions = Counter(plan.actions.values())
    totals = {
        "changes_schema": plan.changes_schema,
        "load": actions["load"],
        "skip": actions["skip"],
        "fail": actions["fail"],
        "rows": sum(table.rows for table in plan.tables),
    }
    missing = {"missing": [missing_json(one) for one in plan.missing]}
    described = asdict(plan)
    for table in described["tables"]:
        if table["keys"] is None:
            del table["keys"]
        for file in table["files"]:
            if not file["quarantined"] and not file["faults"]:
                del file["quarantined"], file["faults"]
    return printable_json(described | totals | missing, indent=2)


def print_plan(plan: RunPlan, console: Console, *, ddl: bool = True) -> None:
    """Print a plan: for each table its files, its changes with their reasons, and the DDL."""
    from pgdatahub.cli.console import Line
    from pgdatahub.cli.render import seconds
    from pgdatahub.values.counting import count

    console.print(Line(f"rows would go to {plan.destination}", style="bold"), soft_wrap=True)
    idle = []
    for table in plan.tables:
        if all(file.action == "skip" and not file.notices for file in table.files):
            idle.append(table)
            continue
        console.print()
        for line in _table_lines(table, ddl=ddl):
            console.print(line, soft_wrap=True)
    if idle:
        files = len({file.location for table in idle for file in table.files})
        names = ", ".join(table.table for table in idle[:5]) + (f" and {len(idle) - 5} more" if len(idle) > 5 else "")
        console.print()
        console.print(Line(f"nothing to do for {count(files, 'file')} of {names}", style="dim"), soft_wrap=True)
    for folder, reason in plan.unreadable.items():
        console.print(Line(f"not read: {folder}: {reason}", style="bold red"), soft_wrap=True)
    for reason, ignored in plan.ignored.items():
        console.print(Line(f"skipped, {reason}: {count(len(ignored), 'file')}", style="dim"), soft_wrap=True)
    for line in _missing_lines(plan):
        console.print(line, soft_wrap=True)
    if plan.unplaced:
        console.print()
        for line in _file_lines(plan.unplaced):
            console.print(line, soft_wrap=True)
    actions = Counter(plan.actions.values())
    rows = sum(file.rows for file in plan.files if file.action == "load")
    parts = [f"{count(actions['load'], 'file')} to load, {count(rows, 'row')}"]
    aside = sum(file.quarantined for file in plan.files if file.action == "load")
    if aside:
        parts.append(f"{count(aside, 'row')} to set aside")
    if actions["skip"]:
        parts.append(f"{actions['skip']:,} skipped")
    if actions["fail"]:
        parts.append(f"{actions['fail']:,} would fail")
    if plan.unreadable:
        parts.append(f"{count(len(plan.unreadable), 'folder')} could not be read")
    parts.append("tables change" if plan.changes_schema else "no table changes")
    console.print()
    console.print(Line(f"{'; '.join(parts)}; nothing was written ({seconds(plan.seconds)})"), soft_wrap=True)


def _missing_lines(plan: RunPlan) -> Iterator[Text]:
    from pgdatahub.cli.console import Line
    from pgdatahub.cli.render import missing_line
    from pgdatahub.model.missing import MissingAction
    from pgdatahub.values.counting import count

    kept = [one for one in plan.missing if one.action is MissingAction.KEEP]
    for one in plan.missing:
        if one.action is MissingAction.REVERT:
            line = Line(f"revert  {one.file}", style="bold yellow")
            notice = f"; {one.notice}" if one.notice else ""
            going = f"{count(one.rows, 'row')} {'leaves' if one.rows == 1 else 'leave'} {one.table}"
            yield line.append(f": it is gone, and {going}{notice}", style="default")
        elif one.action is MissingAction.TAKE_OVER:
            line = Line(f"move  {one.file} → {one.heir}", style="yellow")
            stay = "stays" if one.rows == 1 else "stay"
            yield line.append(f": its {count(one.rows, 'row')} in {one.table} {stay}", style="default")
        elif one.reason is not None:
            yield Line(one.sentence, style="yellow")
    if kept:
        yield Line(missing_line(kept), style="dim")


def _table_lines(table: TablePlan, *, ddl: bool) -> Iterator[Text]:
    from rich.filesize import decimal

    from pgdatahub.cli.console import Line
    from pgdatahub.model.schema import RESERVED_COLUMNS
    from pgdatahub.values.counting import count

    loads = [file for file in table.files if file.action == "load"]
    title = Line(table.table, style="bold cyan")
    title.append(" (new table)" if table.is_created else "", style="green")
    title.append(f": {count(len(loads), 'file')} to load, {count(table.rows, 'row')}", style="default")
    yield title
    yield from _file_lines(table.files)
    for change in table.changes:
        if change.column not in RESERVED_COLUMNS:
            yield _change_line(change)
    if table.keys is not None:
        keys = table.keys
        text = f"  {keys.of}: {keys.new:,} new, {keys.replaced:,} replaced, {keys.unchanged:,} unchanged, {keys.older:,} older"
        yield Line(text, style="dim")
    if table.exists and table.rewritten:
        often = "once" if table.rewritten == 1 else f"{table.rewritten} times"
        yield Line(f"  the table ({decimal(table.bytes)}) is rewritten {often}, and locked meanwhile", style="yellow")
    if ddl:
        for file in loads:
            for statement in file.statements:
                if not statement.startswith("COMMENT "):
                    yield Line(f"  {statement};", style="dim")


def _file_lines(files: Iterable[FilePlan]) -> Iterator[Text]:
    from pgdatahub.cli.console import Line, stacked
    from pgdatahub.cli.fault_lines import fault_lines, lines_of_failure
    from pgdatahub.cli.render import failure_text
    from pgdatahub.errors import place_within
    from pgdatahub.values.counting import count

    listed = sorted(files, key=lambda file: ("fail", "load", "skip").index(file.action))
    for shown, file in enumerate(listed):
        # Files that fail are always listed.
        if shown >= MOST_FILES and file.action != "fail":
            yield Line(f"  … and {count(len(listed) - shown, 'file')} more", style="dim")
            return
        style = {"load": "green", "skip": "dim", "fail": "bold red"}[file.action]
        line = Line(f"  {file.action}  ", style=style)
        remarks: list[str] = []
        line.append(file.file, style="dim" if file.action == "skip" else "default")
        if file.action == "load":
            line.append(f"  {count(file.rows, 'row')}", style="default")
            if file.quarantined:
                line.append(f", {file.quarantined:,} set aside", style="yellow")
            remarks += fault_lines(file.faults)
            remarks += (
                f"{key}: {number:,}" + (f", first {file.examples[key]}" if key in file.examples else "")
                for key, number in sorted(file.counts.items())
            )
            remarks += file.notices
        elif file.action == "skip":
            line.append(f"  {file.reason}", style="dim")
            remarks += file.notices
        elif file.failure is not None:
            place = place_within(file.failure.where, file.file.rpartition("/")[2])
            line.append(f"  {failure_text(replace(file.failure, where=place))}", style="default")
            remarks += lines_of_failure(file.failure)
        yield stacked([line, *(Line(remark, style="yellow") for remark in remarks)], indent=8)


def _change_line(change: PlannedChange) -> Text:
    from pgdatahub.cli.console import Line

    sign, style = {
        "create_table": ("+", "green"),
        "add_column": ("+", "green"),
        "alter_type": ("~", "yellow"),
    }[change.kind]
    line = Line(f"    {sign} {change.column}: ", style=style)
    line.append(f"{change.old} → {change.new}" if change.old else change.new, style="bold" if change.old else "default")
    surprising = change.kind == "alter_type" or (change.count or 0) * 2 <= (change.values or 0)
    if change.because and surprising:
        line.append(f" because {change.because}", style="default")
    elif change.kind == "alter_type":
        line.append(f" because the settings ask for it ({change.file})", style="default")
    elif change.kind == "add_column":
        line.append(f" with {change.file}", style="dim")
    return line
