"""Starter files of ``pgdatahub init``: every setting and option explained, at its default."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.json_schema import MODELINE, SCHEMA_FILE, folders_schema
from pgdatahub.config.loading import ENVIRONMENT_FILE, FOLDERS_FILE
from pgdatahub.config.option_fields import Option, options
from pgdatahub.config.options import FolderOptions
from pgdatahub.config.registry import Setting, settings
from pgdatahub.config.settings import Config
from pgdatahub.config.settings_file import SETTINGS_FILE
from pgdatahub.errors import ConfigError

_WIDTH: Final = 100
_EXAMPLES: Final = {
    "sheet": "[Q1, Q2]",
    "range": '"B4:H"',
    "sheet_column": "quarter",
    "row_column": "sheet_row",
    "path_columns": "'(?P<region>[^/]+)/[^/]+$'",
    "stop_at": "Total",
    "encoding": "cp1252",
    "delimiter": '";"',
    "quote": "none",
    "nulls": '["n/a", "-"]',
    "table": "sales_all",
    "schema": "public",
    "type": "numeric",
    "decimal": '","',
    "thousands": '"."',
    "unit": '"€"',
    "format": '"%d.%m.%Y"',
    "locale": "de",
    "trim": "true",
    "rename": "net_amount",
    "aliases": "[Betrag, Montant]",
    "values": "[1, 2.5]",
    "pattern": "'[0-9.]+'",
    "min": "0",
    "max": "100000",
    "max_rows": "200000",
    "key": "[customer_no]",
    "mode": "merge",
    "description": "Orders from the web shop",
    "exclude": '["_old", "*draft*"]',
    "password_env": "PAYROLL_PASSWORD",
    "report_dir": "reports",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterFile:
    """A file or folder of a new directory, and the outcome of writing it.

    Attributes:
        path: The path below the directory, with a final ``/`` for a folder.
        outcome: ``kept`` for an existing file or folder that was left unchanged.
    """

    path: str
    outcome: Literal["written", "overwritten", "kept"]


def write_starter(directory: Path, *, force: bool = False) -> tuple[StarterFile, ...]:
    """Write ``.env``, files in ``config/``, and ``data/`` to a directory, which is created if it does not exist.

    Args:
        directory: The directory.
        force: Overwrite existing files.

    Raises:
        ConfigError: A file or folder cannot be written.
    """
    try:
        data = directory / str(Config.model_fields["data_root"].default)
        existed = data.is_dir()
        data.mkdir(parents=True, exist_ok=True)
        (directory / FOLDERS_FILE).parent.mkdir(parents=True, exist_ok=True)
        return (
            _write(directory, ENVIRONMENT_FILE, environment_template(), force=force, mode=0o600),
            _write(directory, FOLDERS_FILE, folders_template(), force=force, mode=0o644),
            _write(directory, _beside(FOLDERS_FILE, SCHEMA_FILE), schema_text(), force=force, mode=0o644),
            _write(directory, f"{SETTINGS_FILE}.example", settings_template(), force=force, mode=0o644),
            StarterFile(path=f"{data.name}/", outcome="kept" if existed else "written"),
        )
    except OSError as error:
        where = str(error.filename or directory)
        raise ConfigError(f"cannot write: {error.strerror or error}", where=where) from error


def _write(directory: Path, name: str, text: str, *, force: bool, mode: int) -> StarterFile:
    path = directory / name
    existed = path.is_symlink() or path.exists()
    if existed and not force:
        return StarterFile(path=name, outcome="kept")
    # O_EXCL: do not overwrite a file that appears at this moment either.
    how = os.O_TRUNC if force else os.O_EXCL
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, mode), "w", encoding="utf-8") as file:
        file.write(text)
    return StarterFile(path=name, outcome="overwritten" if existed else "written")


def _beside(name: str, other: str) -> str:
    return f"{name.rpartition('/')[0]}/{other}"


def schema_text() -> str:
    """Return the JSON Schema of ``etl_config.yaml``."""
    return json.dumps(folders_schema(), indent=2, ensure_ascii=False) + "\n"


def environment_template() -> str:
    """Return a commented ``.env``."""
    lines = [
        *_prose(
            "Settings of pgdatahub. The environment overrides this file; options of the command line override both. Each"
            " commented line shows the default or an example."
        ),
    ]
    for advanced in (False, True):
        if advanced:
            lines += ["", "# Advanced: several machines, and the embedded server."]
        for setting in settings().values():
            if setting.explained.advanced == advanced:
                lines += ["", *_prose(_sentence(setting.explained.help)), _assignment(setting)]
    return "\n".join(lines) + "\n"


def _assignment(setting: Setting) -> str:
    return f"#{setting.explained.variable}={setting.explained.example or setting.default}"


def settings_template() -> str:
    """Return an example of ``config.json``: the database of the example, and all other settings at their defaults."""
    content = {
        setting.name: setting.explained.example
        if setting.name == "database_url"
        else Config.model_fields[setting.name].get_default(call_default_factory=True)
        for setting in settings().values()
        if not setting.explained.advanced
    }
    return json.dumps(content, indent=2, default=str) + "\n"


def folders_template() -> str:
    """Return a commented ``etl_config.yaml``, which stays valid YAML without its ``#`` signs."""
    of_column = options(ColumnOptions).values()
    lines = [
        MODELINE,
        *_prose(
            "Options of folders: sheets, headers, types. Every folder with workbooks below the data root becomes a table."
            " By default pgdatahub reads the first visible sheet, with the headers in the first row that has a value;"
            " set options only for folders that differ."
        ),
        "",
        *_prose("The sheet for folders that name none."),
        "#default_sheet: Sheet1",
        "",
        *_prose(
            "A folder by its name below the data root (case does not matter), followed by its options, which folders"
            " inside it inherit. Write  name/:  for a folder with the name of an option."
        ),
        "#sales:",
        *_indented(_explained(options(FolderOptions).values()), 2),
        "",
        *_indented(_prose("Columns, by header as written in the sheet or by name in the table."), 2),
        "  #columns:",
        "    #Amount:",
        *_indented(_explained(option for option in of_column if option.name != "format"), 6),
        "",
        "    #Paid on:",
        "      #type: date",
        *_indented(_explained(option for option in of_column if option.name == "format"), 6),
        "",
        *_indented(_prose("A folder inside the folder."), 2),
        "  #2024:",
        "    #sheet: Q1_Sales",
    ]
    return "\n".join(lines) + "\n"


def _explained(registry: Iterable[Option]) -> Iterator[str]:
    for option in registry:
        choices = f" ({' | '.join(option.choices)})" if option.choices else ""
        yield from ("", *_prose(_sentence(option.help + choices)), f"#{option.name}: {_example(option)}")


def _example(option: Option) -> str:
    if option.name in _EXAMPLES:
        return _EXAMPLES[option.name]
    return str(option.default).lower() if isinstance(option.default, bool) else str(option.default)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _prose(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _indented(lines: Iterable[str], by: int) -> Iterator[str]:
    return (f"{' ' * by}{line}" if line else "" for line in lines)
