"""``pgdatahub status``: tables, rows, last loads, and a paused run."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.options import OUTPUT, DataRootOption, LoadedTableOption, SchemaOption, StateDirOption, configured
from pgdatahub.cli.terminal import say_lines
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from pgdatahub.runs.status import DatabaseStatus


class StatusFormat(str, enum.Enum):
    """Output formats of ``status``."""

    TEXT = "text"
    JSON = "json"
    PROMETHEUS = "prometheus"


def status_command(
    table: LoadedTableOption = None,
    data_root: DataRootOption = None,
    schema: SchemaOption = None,
    state_dir: StateDirOption = None,
    count: Annotated[
        bool, typer.Option("--count", help="Count the rows in the tables, instead of using the history.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="For health checks: exit code 1 if a file did not load, 3 if there is no database."
        ),
    ] = False,
    output: Annotated[
        StatusFormat,
        typer.Option(
            "--format",
            help="Output format; prometheus: metrics for node_exporter's textfile collector.",
            rich_help_panel=OUTPUT,
        ),
    ] = StatusFormat.TEXT,
) -> None:
    """Show the tables, their rows and last loads, files that did not load, and a run that waits for resume."""
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.errors import ExitCode
    from pgdatahub.runs.status import status

    config = configured(data_root=data_root, schema_name=schema, state_dir=state_dir)
    found = status(config, count=count, tables=table or (), reporter=tell_notices)
    if output is StatusFormat.JSON:
        say_lines(_json(found))
    elif output is StatusFormat.PROMETHEUS:
        from pgdatahub.cli.status_metrics import prometheus_text

        say_lines(prometheus_text(found).rstrip("\n"))
    else:
        _print(found, config.data_root if "://" in config.data_root else str(config.root_path))
    if check and not found.exists:
        raise typer.Exit(ExitCode.NO_DATABASE)
    if check and found.failures:
        raise typer.Exit(ExitCode.FAILED)


def _print(status: DatabaseStatus, data_root: str) -> None:
    from rich import box
    from rich.filesize import decimal
    from rich.table import Table

    from pgdatahub.cli.console import Line, TerminalConsole
    from pgdatahub.cli.failures import print_standing
    from pgdatahub.load.known.older_readings import describe
    from pgdatahub.runs.plans.missing_files import describe_missing
    from pgdatahub.values.counting import count

    console = TerminalConsole()
    console.print(Line(status.destination), soft_wrap=True)
    if status.tables:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("table", overflow="fold")
        for heading in ("rows", "imports", "size"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("last load (UTC)", no_wrap=True)
        for one in status.tables:
            gone = "" if one.exists else "dropped by hand"
            table.add_row(
                Line(str(one.table) + (f" + {one.companion.name}" if one.companion else "")),
                f"{one.rows:,}" if one.exists else "–",
                f"{one.imports:,}",
                decimal(one.bytes) if one.exists else Line(gone, style="bold red"),
                f"{one.last_load:%Y-%m-%d %H:%M}" if one.last_load else "–",
                style="" if one.exists else "dim",
            )
        console.print(table)
        origin = "counted" if status.counted else "by the history; --count counts them"
        line = f"{count(len(status.tables), 'table')}, {count(status.rows, 'row')} ({origin})"
        console.print(Line(line, style="dim"), soft_wrap=True)
    else:
        console.print(Line("no table was loaded yet; pgdatahub run loads the folders of data/", style="dim"))
    for one in status.tables:
        if status.counted and one.exists and one.rows != one.recorded:
            line = (
                f"{one.table}: {count(one.rows, 'row')}, and {one.recorded:,} by the history; rows were changed by hand"
            )
            console.print(Line(line, style="yellow"), soft_wrap=True)
    for one in status.tables:
        if one.quarantined:
            rows = count(one.quarantined, "row", "is", "are")
            line = f"{one.table}: {rows} set aside; pgdatahub quarantine --table {one.table} lists them"
            console.print(Line(line, style="yellow"), soft_wrap=True)
    print_standing(status.failures, console)
    held = sum(one.held for one in status.tables)
    if held:
        line = f"{count(held, 'file')} on hold; pgdatahub history names them, run --reload FILE loads one"
        console.print(Line(line, style="yellow"), soft_wrap=True)
    for line in describe(status.read_by_older_rules):
        console.print(Line(line, style="yellow"), soft_wrap=True)
    for line in describe_missing(status.missing_files or {}):
        console.print(Line(line, style="yellow"), soft_wrap=True)
    if status.missing_files is None:
        line = f"missing files are not counted: {data_root} cannot be listed; --data-root or ETL_DATA_ROOT names another folder"
        console.print(Line(line, style="dim"), soft_wrap=True)
    for left in status.left_behind:
        console.print(Line(left.sentence, style="yellow"), soft_wrap=True)
    if status.pause_file:
        line = f"a run waits to be resumed: {status.pause_file} (pgdatahub resume)"
        console.print(Line(line, style="yellow"), soft_wrap=True)


def _json(status: DatabaseStatus) -> str:
    from pgdatahub.cli.failures import failure_json
    from pgdatahub.load.known.left_tables import as_json

    return printable_json(
        {
            "destination": status.destination,
            "rows_counted": status.counted,
            "rows": status.rows,
            "pause_file": status.pause_file,
            "exists": status.exists,
            "failures": [failure_json(failure) for failure in status.failures],
            "read_by_older_rules": [
                {"table": str(table), "files": files, "first": first}
                for table, (files, first) in sorted(status.read_by_older_rules.items())
            ],
            "missing_files": None
            if status.missing_files is None
            else [
                {"table": str(table), "files": files, "first": first}
                for table, (files, first) in sorted(status.missing_files.items())
            ],
            "left_behind": as_json(status.left_behind),
            "tables": [
                {
                    "table": str(one.table),
                    "schema": one.table.schema,
                    "name": one.table.name,
                    "exists": one.exists,
                    "rows": one.rows,
                    "rows_in_history": one.recorded,
                    **({"quarantined": one.quarantined} if one.quarantined else {}),
                    "imports": one.imports,
                    "held": one.held,
                    "last_load": one.last_load.isoformat() if one.last_load else None,
                    "bytes": one.bytes,
                    **({"companion": one.companion.name} if one.companion else {}),
                }
                for one in status.tables
            ],
        },
        indent=2,
    )
