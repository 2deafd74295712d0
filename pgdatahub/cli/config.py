"""``pgdatahub config``: settings with their sources, passwords masked."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgdatahub.cli.options import ConfigOption
from pgdatahub.cli.terminal import say, say_json, say_lines

if TYPE_CHECKING:
    from pgdatahub.config import Config


class ConfigFormat(str, enum.Enum):
    """Output formats of ``config``."""

    TEXT = "text"
    JSON = "json"


def config_command(
    output: Annotated[ConfigFormat, typer.Option("--format", help="Output format.")] = ConfigFormat.TEXT,
    config_file: ConfigOption = None,
    contract: Annotated[
        str | None,
        typer.Option(
            "--contract",
            metavar="TABLE",
            help="Print the columns and types of a table as options of a folder, to paste.",
            show_default=False,
        ),
    ] = None,
    json_schema: Annotated[
        bool,
        typer.Option(
            "--json-schema", help="Print the JSON Schema of etl_config.yaml, by which editors complete and check it."
        ),
    ] = False,
) -> None:
    """Show all settings with their sources, and the options of every folder."""
    if json_schema:
        from pgdatahub.config.starter import schema_text

        say_lines(schema_text().rstrip("\n"))
        return
    from pgdatahub.config import load_config

    config = load_config(config_file=config_file)
    if contract is not None:
        from pgdatahub.runs.checks.draft import draft_of_table

        say_lines(draft_of_table(config, contract))
        return
    if output is ConfigFormat.JSON:
        say_json(_described(config))
    else:
        _print(config)
    for notice in config.notices:
        say(f"warning: {notice}", err=True)


def _described(config: Config) -> dict[str, Any]:
    from pgdatahub.config import masked_url, settings

    return {
        "destination": {"kind": config.destination.kind, "database": _database(config)},
        "settings": {
            name: {
                "value": _shown(getattr(config, name), setting.explained.masked),
                "origin": config.origin(name),
                "variable": setting.explained.variable,
            }
            for name, setting in settings().items()
        },
        "directory": str(config.directory),
        "data_root": masked_url(config.data_root) if "://" in config.data_root else str(config.root_path),
        "config_file": _plain(config.config_file),
        "folders": [
            {
                "folder": "/".join(folder.parts),
                "where": folder.where,
                "options": _given(config, folder.parts),
            }
            for folder in config.folders.configured_folders()
        ],
        "notices": list(config.notices),
    }


def _print(config: Config) -> None:
    from rich import box
    from rich.table import Table

    from pgdatahub.cli.console import Line, TerminalConsole, stacked
    from pgdatahub.config import environment_text

    described = _described(config)
    console = TerminalConsole()
    console.print(Line(f"rows go to: {described['destination']['database']}"), soft_wrap=True)
    console.print(Line(f"files come from: {described['data_root']}"), soft_wrap=True)
    console.print()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("setting", "value", "from"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "setting")
    for setting in described["settings"].values():
        quiet = "dim" if setting["origin"] == "default" else ""
        table.add_row(
            Line(setting["variable"]), Line(environment_text(setting["value"])), Line(setting["origin"]), style=quiet
        )
    console.print(table)
    console.print()
    if config.config_file is None:
        console.print(Line("no config/etl_config.yaml: every folder is read with the default options"))
        return
    console.print(Line(f"folder options: {described['config_file']}"), soft_wrap=True)
    folders = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    folders.add_column("folder", overflow="fold")
    folders.add_column("options, inherited ones included", overflow="fold")
    for parts, name in ((), "(all)"), *((f.parts, "/".join(f.parts)) for f in config.folders.configured_folders()):
        given = _given(config, parts)
        columns = given.pop("columns", {})
        lines = [f"{key}: {_written(value)}" for key, value in given.items()]
        lines += [f"column {key} › {_written(column)}" for key, column in columns.items()]
        if lines or parts:
            folders.add_row(Line(name), stacked(map(Line, lines or ["the default options"])))
    if folders.rows:
        console.print(folders)
    else:
        console.print(Line("every folder is read with the default options"))


def _database(config: Config) -> str:
    from pgdatahub.config import masked_url

    destination = config.destination
    if destination.kind == "url":
        return masked_url(destination.conninfo)
    if destination.kind == "environment":
        return "the server that libpq's environment names (PGHOST, PGSERVICE)"
    return "the embedded server"


def _given(config: Config, parts: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of a folder that differ from their defaults."""
    from pgdatahub.config import ColumnOptions, FolderOptions, options

    folder = config.folders.options_for(parts)
    given = {
        name: _plain(getattr(folder, name))
        for name, option in options(FolderOptions).items()
        if getattr(folder, name) != option.default
    }
    for key, column in folder.columns.items():
        given.setdefault("columns", {})[key] = {
            name: _plain(getattr(column, name))
            for name, option in options(ColumnOptions).items()
            if getattr(column, name) != option.default
        }
    return given


def _shown(value: object, masked: Callable[[str], str] | None) -> Any:
    """Return the value of a setting for JSON, without secrets."""
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        return masked(value.get_secret_value()) if masked is not None else str(value)
    return _plain(value)


def _plain(value: object) -> Any:
    """Return a value for JSON, without passwords in URLs."""
    from pgdatahub.config import masked_url

    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    return masked_url(value) if isinstance(value, str) and "://" in value else value


def _written(value: Any) -> str:
    """Return an option's value similar to its form in the file."""
    if isinstance(value, list):
        return ", ".join(f'"{item}"' if not item.strip() or "," in item else item for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_written(item)}" for key, item in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)
