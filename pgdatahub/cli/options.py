"""Options that several commands share, and their settings."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgdatahub.cli.completion import complete_executor, complete_on_error, complete_table

if TYPE_CHECKING:
    from pgdatahub.config import Config

WHERE = "Source and destination"
HOW = "Behavior"
TRANSACTIONS = "Transactions"
PAUSES = "Pauses and paused runs"
WHICH = "Selection"
OUTPUT = "Output"


def within(least: float, most: float | None = None) -> Callable[[Any], Any]:
    """Return a check of an option's number; Typer's own would add ``[x>=1]`` to the help."""

    def check(value: Any) -> Any:
        if value is not None and (value < least or (most is not None and value > most)):
            raise typer.BadParameter(
                f"{value} is not {least} to {most}" if most is not None else f"{value} is not {least} or more"
            )
        return value

    return check


class OutputFormat(str, enum.Enum):
    """Output formats of a command."""

    TEXT = "text"
    JSON = "json"


class LogFormat(str, enum.Enum):
    """Formats of the log."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[OutputFormat, typer.Option("--format", help="Output format.", rich_help_panel=OUTPUT)]
DataRootOption = Annotated[
    str | None,
    typer.Option(
        "--data-root",
        metavar="DIR",
        help="The folder that holds the folders (default: ETL_DATA_ROOT, else data).",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
StateDirOption = Annotated[
    str | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="The folder of .etl_pause.json and etl.log (default: ETL_STATE_DIR, else the working directory).",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The file of folder options (default: config/etl_config.yaml).",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
SchemaOption = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="NAME",
        help="The schema of the tables and of the history (default: ETL_SCHEMA, else public).",
        show_default=False,
        rich_help_panel=WHERE,
    ),
]
LoadedTableOption = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="NAME",
        help="Only this table; may be repeated.",
        autocompletion=complete_table,
        show_default=False,
    ),
]
TableOption = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="NAME",
        help="Only the folders of this table; may be repeated.",
        autocompletion=complete_table,
        rich_help_panel=WHERE,
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Number of files loaded at the same time (default: ETL_WORKERS, else the number of processors, less one with the compiled core).",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        autocompletion=complete_executor,
        help="Executor that loads the files: local, dask, or the name of a plugin's executor (default: ETL_EXECUTOR, else local).",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
ExecutorOptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--executor-opt",
        metavar="KEY=VALUE",
        help="Option of the executor, such as scheduler=tls://host:8786; may be repeated.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
InsecureExecutorOption = Annotated[
    bool,
    typer.Option(
        "--insecure-executor",
        help="Allow an unencrypted connection to the executor; only if the whole network is your own.",
        rich_help_panel=HOW,
    ),
]
OnErrorOption = Annotated[
    str | None,
    typer.Option(
        "--on-error",
        metavar="continue|stop",
        autocompletion=complete_on_error,
        help="Continue or stop the run after a file that cannot be loaded (default: ETL_ON_ERROR, else continue).",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
RequireFilesOption = Annotated[
    bool,
    typer.Option(
        "--require-files",
        help="Make a data root without workbooks an error instead of a warning (ETL_REQUIRE_FILES).",
        rich_help_panel=HOW,
    ),
]
PauseEveryOption = Annotated[
    int | None,
    typer.Option(
        "--pause-every",
        metavar="FILES",
        help="Pause after this number of files (default: ETL_PAUSE_EVERY, else never).",
        show_default=False,
        rich_help_panel=PAUSES,
    ),
]
PauseSecondsOption = Annotated[
    float | None,
    typer.Option(
        "--pause-seconds",
        metavar="SECONDS",
        help="Length of a pause (default: ETL_PAUSE_SECONDS, else 30).",
        show_default=False,
        rich_help_panel=PAUSES,
    ),
]
LogFormatOption = Annotated[LogFormat, typer.Option("--log-format", help="Format of etl.log.", rich_help_panel=OUTPUT)]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print failures and warnings only.", rich_help_panel=OUTPUT)
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Print every file, skipped ones too, with each column and remark.",
        rich_help_panel=OUTPUT,
    ),
]


def executor_settings(executor: str | None, options: list[str] | None, *, insecure: bool) -> dict[str, Any]:
    """Return the settings of the executor options.

    Raises:
        typer.BadParameter: An option is not ``KEY=VALUE``.
    """
    pairs = [option.partition("=") for option in options or ()]
    if not all(key.strip() and equals for key, equals, _ in pairs):
        raise typer.BadParameter("--executor-opt takes KEY=VALUE, such as scheduler=tls://host:8786")
    return {
        "executor": executor,
        "executor_options": {key.strip(): value for key, _, value in pairs} or None,
        "insecure_executor": insecure or None,
    }


def configured(config_file: Path | None = None, **overrides: Any) -> Config:
    """Return the settings, overridden by the given options.

    Raises:
        ConfigError: A setting is wrong.
    """
    from pgdatahub.config import load_config

    given = {name: value for name, value in overrides.items() if value is not None}
    return load_config(overrides=given, config_file=config_file)


def configured_as_paused(config: Config, config_file: Path | None, given: Mapping[str, Any]) -> Config:
    """Return the settings of the paused run, overridden by the options given now.

    Args:
        config: The settings so far, with the path of the pause file; returned if no run is paused.
        config_file: The file of folder options given now.
        given: The options given now, by field; None for an option that is not given.

    Raises:
        ConfigError: A setting is wrong.
        PauseFileError: The pause file is damaged.
    """
    from pgdatahub.config import load_config
    from pgdatahub.runs.pause_file import read_pause

    paused = read_pause(config)
    if paused is None:
        return config
    if config_file is None and paused.config_file is not None:
        config_file = Path(paused.config_file)
    now = {name: value for name, value in given.items() if value is not None}
    return load_config(overrides={**paused.options, **now}, config_file=config_file, directory=config.directory)


def require_data_root(config: Config, given: str | None) -> None:
    """Check that a data root given now is that of the paused run.

    Args:
        config: The settings of the paused run.
        given: The data root given now, if any.

    Raises:
        ConfigError: It is another one.
    """
    import os.path

    from pgdatahub.errors import ConfigError
    from pgdatahub.runs.pause_file import pause_file

    def place(root: str) -> str:
        return root.rstrip("/") if "://" in root else os.path.realpath(config.directory / Path(root).expanduser())

    # Without a paused run, the command itself reports that.
    if given is not None and pause_file(config).exists() and place(given) != place(config.data_root):
        raise ConfigError(
            f"the paused run loads from {config.data_root}, not from {given}",
            where="option --data-root",
            hint="leave the option out, or forget the paused run with run --force",
        )
