"""``pgdatahub run``: load what is not loaded yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pgdatahub.cli.options import (
    HOW,
    ConfigOption,
    DataRootOption,
    FormatOption,
    OutputFormat,
    QuietOption,
    SchemaOption,
    TableOption,
    configured,
)


def run_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Only these files and folders of the data root.", show_default=False),
    ] = None,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    table: TableOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything, write nothing.", rich_help_panel=HOW)
    ] = False,
    chunk_size: Annotated[
        int | None,
        typer.Option(
            "--chunk-size",
            metavar="ROWS",
            help="Rows that are read and encoded at a time (default: ETL_CHUNK_SIZE, else 10000).",
            show_default=False,
            rich_help_panel=HOW,
        ),
    ] = None,
    on_error: Annotated[
        str | None,
        typer.Option(
            "--on-error",
            metavar="continue|stop",
            help="What a file that cannot be loaded does to the run (default: ETL_ON_ERROR, else continue).",
            show_default=False,
            rich_help_panel=HOW,
        ),
    ] = None,
    quiet: QuietOption = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Load the workbooks that are not loaded yet into their tables.

    Every file is loaded in a transaction of its own: it is in, with its schema changes and its history, or it is not.
    Running again is always safe and does only what is left.
    """
    config = configured(
        config_file,
        data_root=data_root,
        schema_name=schema,
        skip_db=dry_run or None,
        chunk_size=chunk_size,
        on_error=on_error,
    )
    from rich.console import Console

    from pgdatahub.cli.progress import ConsoleReporter
    from pgdatahub.cli.render import print_report, report_json
    from pgdatahub.runner import Selection, run

    selection = Selection(paths=tuple(paths or ()), tables=tuple(table or ()))
    with ConsoleReporter(Console(stderr=True, highlight=False), quiet=quiet) as reporter:
        report = run(config, selection=selection, reporter=reporter)
    if output is OutputFormat.JSON:
        typer.echo(report_json(report))
    elif not quiet:
        print_report(report, Console(highlight=False))
    raise typer.Exit(report.exit_code)
