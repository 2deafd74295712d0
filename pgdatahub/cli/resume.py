"""``pgdatahub resume``: finish a run that ended early."""

from __future__ import annotations

import typer

from pgdatahub.cli.options import (
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
    StateDirOption,
    VerboseOption,
    WorkersOption,
    configured,
    configured_as_paused,
    executor_settings,
    require_data_root,
)
from pgdatahub.cli.terminal import say_lines
from pgdatahub.system import gc_tuning


def resume_command(
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    executor_opt: ExecutorOptOption = None,
    insecure_executor: InsecureExecutorOption = False,
    on_error: OnErrorOption = None,
    pause_every: PauseEveryOption = None,
    pause_seconds: PauseSecondsOption = None,
    state_dir: StateDirOption = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Finish a run that was stopped, interrupted, or lost its database, with the options of that run.

    The data root is that of the paused run; --data-root may only repeat it.

    Retries the files that failed. Removes the pause file when no file is left.
    """
    given = {
        "workers": workers,
        "state_dir": state_dir,
        "on_error": on_error,
        "pause_every": pause_every,
        "pause_seconds": pause_seconds,
        **executor_settings(executor, executor_opt, insecure=insecure_executor),
    }
    config = configured_as_paused(configured(config_file, **given), config_file, given)
    require_data_root(config, data_root)
    from pgdatahub.cli.lines import open_console
    from pgdatahub.cli.progress import ConsoleReporter
    from pgdatahub.cli.render import report_json
    from pgdatahub.cli.signals import interruptible
    from pgdatahub.cli.summary import print_report
    from pgdatahub.runs.run import resume

    gc_tuning.keep_imports()
    with (
        interruptible() as interruption,
        ConsoleReporter(
            open_console(stderr=True), quiet=quiet, verbose=verbose, failures=quiet or output is OutputFormat.JSON
        ) as reporter,
    ):
        report = resume(config, reporter=reporter, interruption=interruption, log_json=log_format is LogFormat.JSON)
    if output is OutputFormat.JSON:
        say_lines(report_json(report))
    elif not quiet:
        print_report(report, open_console(), open_console(stderr=True), verbose=verbose)
    raise typer.Exit(report.exit_code)
