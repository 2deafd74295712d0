"""``pgdatahub watch``: load arriving workbooks until the user stops the watch."""

from __future__ import annotations

from typing import Annotated

import typer

from pgdatahub.cli.options import (
    HOW,
    ConfigOption,
    DataRootOption,
    ExecutorOption,
    ExecutorOptOption,
    FormatOption,
    InsecureExecutorOption,
    LogFormat,
    LogFormatOption,
    OutputFormat,
    QuietOption,
    SchemaOption,
    StateDirOption,
    VerboseOption,
    WorkersOption,
    configured,
    executor_settings,
    within,
)
from pgdatahub.cli.terminal import say, say_lines
from pgdatahub.system import gc_tuning


def watch_command(
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            metavar="SECONDS",
            callback=within(0),
            help="Time without changes after which a file is loaded.",
            rich_help_panel=HOW,
        ),
    ] = 5.0,
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            metavar="SECONDS",
            callback=within(0.1),
            help="Interval between two listings of the data root, besides changes that the system reports (default: 10, for a URL 60).",
            show_default=False,
            rich_help_panel=HOW,
        ),
    ] = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    executor_opt: ExecutorOptOption = None,
    insecure_executor: InsecureExecutorOption = False,
    state_dir: StateDirOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Load the present workbooks and those that arrive, until Ctrl-C or SIGTERM.

    A file is loaded when it has stopped changing and no program has it open. A file that fails is retried when it changes.
    Files wait while the database does not answer.
    """
    config = configured(
        config_file,
        data_root=data_root,
        schema_name=schema,
        workers=workers,
        state_dir=state_dir,
        **executor_settings(executor, executor_opt, insecure=insecure_executor),
    )
    from pgdatahub.cli.lines import open_console
    from pgdatahub.cli.progress import LineReporter
    from pgdatahub.cli.render import seconds, watch_json
    from pgdatahub.cli.signals import interruptible
    from pgdatahub.errors import ExitCode
    from pgdatahub.model.results import Outcome
    from pgdatahub.runs.watch import watch
    from pgdatahub.values.counting import count

    gc_tuning.keep_imports()
    with interruptible() as interruption:
        report = watch(
            config,
            reporter=LineReporter(open_console(stderr=True), quiet=quiet, verbose=verbose),
            interruption=interruption,
            settle_seconds=settle,
            look_seconds=every,
            log_json=log_format is LogFormat.JSON,
        )
    if output is OutputFormat.JSON:
        say_lines(watch_json(report))
    elif not quiet:
        outcomes = report.outcomes
        parts = [f"{count(outcomes[Outcome.LOADED], 'file')} loaded, {count(report.rows, 'row')}"]
        parts += [f"{outcomes[o]:,} {o.value}" for o in (Outcome.SKIPPED, Outcome.FAILED) if outcomes[o]]
        say(f"{', '.join(parts)} in {seconds(report.seconds)}")
        if report.unfinished:
            say("ended in the middle of a run: the next run, or pgdatahub resume, continues it")
    # A signal is the regular end of a watch.
    raise typer.Exit(report.stopped.exit_code if report.unfinished else ExitCode.OK)
