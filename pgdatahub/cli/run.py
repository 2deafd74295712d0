"""``pgdatahub run``: load the workbooks that are not loaded yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pgdatahub.cli.options import (
    HOW,
    PAUSES,
    TRANSACTIONS,
    ConfigOption,
    DataRootOption,
    ExecutorOption,
    ExecutorOptOption,
    FormatOption,
    InsecureExecutorOption,
    LogFormat,
    LogFormatOption,
    OnErrorOption,
    OutputFormat,
    PauseEveryOption,
    PauseSecondsOption,
    QuietOption,
    RequireFilesOption,
    SchemaOption,
    StateDirOption,
    TableOption,
    VerboseOption,
    WorkersOption,
    configured,
    configured_as_paused,
    executor_settings,
)
from pgdatahub.cli.terminal import say_lines
from pgdatahub.system import gc_tuning


def run_command(
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
            help="Load this file or folder again, in place of its earlier import; nothing else, unless PATHs are named too.",
            rich_help_panel=HOW,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read all files, write nothing.", rich_help_panel=HOW)
    ] = False,
    chunk_size: Annotated[
        int | None,
        typer.Option(
            "--chunk-size",
            metavar="ROWS",
            help="Number of rows in a batch (default: ETL_CHUNK_SIZE, else 10000).",
            show_default=False,
            rich_help_panel=HOW,
        ),
    ] = None,
    workers: WorkersOption = None,
    sectional: Annotated[
        bool | None,
        typer.Option(
            "--sectional-commit/--no-sectional-commit",
            help="One transaction for each folder, instead of each file (default: ETL_SECTIONAL_COMMIT, else no).",
            show_default=False,
            rich_help_panel=TRANSACTIONS,
        ),
    ] = None,
    executor: ExecutorOption = None,
    executor_opt: ExecutorOptOption = None,
    insecure_executor: InsecureExecutorOption = False,
    on_error: OnErrorOption = None,
    require_files: RequireFilesOption = False,
    pause_every: PauseEveryOption = None,
    pause_seconds: PauseSecondsOption = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="If a run is paused, finish it instead; for cron.", rich_help_panel=PAUSES),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="If a run is paused, forget it.", rich_help_panel=PAUSES)
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Rebuild lost history for tables whose rows the files prove.",
            rich_help_panel=HOW,
        ),
    ] = False,
    state_dir: StateDirOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Load the workbooks that are not loaded yet into their tables.

    Every file is loaded in one transaction, together with its schema changes and its history. Running again is always safe
    and loads only new files.
    """
    if resume and force:
        raise typer.BadParameter("--resume finishes a paused run, --force forgets it: one of them")
    given = {
        "data_root": data_root,
        "schema_name": schema,
        "skip_db": dry_run or None,
        "chunk_size": chunk_size,
        "state_dir": state_dir,
        "workers": workers,
        "sectional_commit": sectional,
        "on_error": on_error,
        "require_files": require_files or None,
        "pause_every": pause_every,
        "pause_seconds": pause_seconds,
        **executor_settings(executor, executor_opt, insecure=insecure_executor),
    }
    config = configured(config_file, **given)
    if resume:
        config = configured_as_paused(config, config_file, given)
    from pgdatahub.cli.lines import open_console
    from pgdatahub.cli.progress import ConsoleReporter
    from pgdatahub.cli.render import report_json
    from pgdatahub.cli.signals import interruptible
    from pgdatahub.cli.summary import print_report
    from pgdatahub.runs.run import Selection, run

    gc_tuning.keep_imports()
    selection = Selection(paths=tuple(paths or ()), tables=tuple(table or ()), reload=tuple(reload or ()))
    with (
        interruptible() as interruption,
        ConsoleReporter(
            open_console(stderr=True), quiet=quiet, verbose=verbose, failures=quiet or output is OutputFormat.JSON
        ) as reporter,
    ):
        report = run(
            config,
            selection=selection,
            reporter=reporter,
            resume=resume,
            force=force,
            adopt=adopt,
            interruption=interruption,
            log_json=log_format is LogFormat.JSON,
        )
    if output is OutputFormat.JSON:
        say_lines(report_json(report))
    elif not quiet:
        print_report(report, open_console(), open_console(stderr=True), verbose=verbose)
    raise typer.Exit(report.exit_code)
