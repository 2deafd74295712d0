"""Options that several commands share, and the settings they stand for."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pgdatahub.config import Config

WHERE = "Where from, where to"
HOW = "How"
OUTPUT = "Output"


class OutputFormat(str, enum.Enum):
    """How a command prints its answer."""

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
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress and no notices, errors only.", rich_help_panel=OUTPUT)
]


def configured(config_file: Path | None = None, **overrides: Any) -> Config:
    """Return the settings, with those options on top that were given.

    Raises:
        ConfigError: A setting is wrong.
    """
    from pgdatahub.config import load_config

    given = {name: value for name, value in overrides.items() if value is not None}
    return load_config(overrides=given, config_file=config_file)
