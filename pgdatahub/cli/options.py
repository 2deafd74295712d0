"""Options that several commands share, and the settings they stand for."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pgdatahub.config import Config

WHERE = "Where from, where to"
HOW = "How"
TRANSACTIONS = "Transactions"
PAUSES = "Pauses, and runs that were paused"
WHICH = "Which"
OUTPUT = "Output"


class OutputFormat(str, enum.Enum):
    """How a command prints its answer."""

    TEXT = "text"
    JSON = "json"


class LogFormat(str, enum.Enum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    OutputFormat, typer.Option("--format", help="How to print the answer.", rich_help_panel=OUTPUT)
]
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
TableOption = Annotated[
    list[str] | None,
    typer.Option(
        "--table", metavar="NAME", help="Only the folders of this table; may be repeated.", rich_help_panel=WHERE
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Files loaded at a time (default: ETL_WORKERS, else the number of processors, less one with the compiled core).",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help="Who loads the files: local, dask, or what a plugin brings (default: ETL_EXECUTOR, else local).",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
ExecutorOptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--executor-opt",
        metavar="KEY=VALUE",
        help="What the executor needs to know, such as scheduler=tls://host:8786; may be repeated.",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
InsecureExecutorOption = Annotated[
    bool,
    typer.Option(
        "--insecure-executor",
        help="Allow an executor that is not encrypted; only where the whole network is your own.",
        rich_help_panel=HOW,
    ),
]
OnErrorOption = Annotated[
    str | None,
    typer.Option(
        "--on-error",
        metavar="continue|stop",
        help="What a file that cannot be loaded does to the run (default: ETL_ON_ERROR, else continue).",
        show_default=False,
        rich_help_panel=HOW,
    ),
]
RequireFilesOption = Annotated[
    bool,
    typer.Option(
        "--require-files",
        help="A data root without any workbook is an error, not a warning (ETL_REQUIRE_FILES).",
        rich_help_panel=HOW,
    ),
]
PauseEveryOption = Annotated[
    int | None,
    typer.Option(
        "--pause-every",
        metavar="FILES",
        help="Pause after so many files (default: ETL_PAUSE_EVERY, else never).",
        show_default=False,
        rich_help_panel=PAUSES,
    ),
]
PauseSecondsOption = Annotated[
    float | None,
    typer.Option(
        "--pause-seconds",
        metavar="SECONDS",
        help="How long a pause is (default: ETL_PAUSE_SECONDS, else 30).",
        show_default=False,
        rich_help_panel=PAUSES,
    ),
]
LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="How etl.log is written.", rich_help_panel=OUTPUT)
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no notices, errors only.", rich_help_panel=OUTPUT)
]


def executor_settings(executor: str | None, options: list[str] | None, *, insecure: bool) -> dict[str, Any]:
    """Return the settings that the options of executors stand for.

    Raises:
        typer.BadParameter: One of them is not ``KEY=VALUE``.
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
    """Return the settings, with those options on top that were given.

    Raises:
        ConfigError: A setting is wrong.
    """
    from pgdatahub.config import load_config

    given = {name: value for name, value in overrides.items() if value is not None}
    return load_config(overrides=given, config_file=config_file)


def configured_as_paused(config: Config, config_file: Path | None, given: Mapping[str, Any]) -> Config:
    """Return the settings that a paused run was started with, below the options that are given now.

    Args:
        config: The settings so far, which say where the pause file is; returned if there is none.
        config_file: The file of folder options that is given now.
        given: The options that are given now, by field; None is none.

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
