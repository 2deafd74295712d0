"""The files that a new directory begins with, every setting and option in them explained and left at its default."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pgdatahub.config.loading import ENVIRONMENT_FILE, FOLDERS_FILE
from pgdatahub.config.options import ColumnOptions, FolderOptions, Option, options
from pgdatahub.config.settings import Config, Setting, settings
from pgdatahub.errors import ConfigError

_WIDTH: Final = 100
_EXAMPLES: Final = {
    "sheet": "[Q1, Q2]",
    "sheet_column": "quarter",
    "stop_at": "Total",
    "nulls": '["n/a", "-"]',
    "table": "sales_all",
    "schema": "public",
    "type": "numeric",
    "decimal": '","',
    "thousands": '"."',
    "format": '"%d.%m.%Y"',
    "rename": "net_amount",
    "aliases": "[Betrag, Montant]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterFile:
    """One file or folder of a new directory, and what became of it.

    Attributes:
        path: Below the directory, with a final ``/`` for a folder.
        outcome: ``kept`` means that it was there and was left as it is.
    """

    path: str
    outcome: Literal["written", "overwritten", "kept"]


def write_starter(directory: Path, *, force: bool = False) -> tuple[StarterFile, ...]:
    """Write ``.env``, ``config/etl_config.yaml`` and ``data/`` to ``directory``, which is made if it does not exist.

    Args:
        directory: Where.
        force: Overwrite what is there.

    Raises:
        ConfigError: Something cannot be written.
    """
    try:
        data = directory / str(Config.model_fields["data_root"].default)
        existed = data.is_dir()
        data.mkdir(parents=True, exist_ok=True)
        (directory / FOLDERS_FILE).parent.mkdir(parents=True, exist_ok=True)
        return (
            _write(directory, ENVIRONMENT_FILE, environment_template(), force=force, mode=0o600),
            _write(directory, FOLDERS_FILE, folders_template(), force=force, mode=0o644),
            StarterFile(path=f"{data.name}/", outcome="kept" if existed else "written"),
        )
    except OSError as error:
        where = str(error.filename or directory)
        raise ConfigError(f"this cannot be written: {error.strerror or error}", where=where) from error


def _write(directory: Path, name: str, text: str, *, force: bool, mode: int) -> StarterFile:
    path = directory / name
    existed = path.is_symlink() or path.exists()
    if existed and not force:
        return StarterFile(path=name, outcome="kept")
    # O_EXCL: what somebody writes at this very moment is not overwritten either.
    how = os.O_TRUNC if force else os.O_EXCL
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, mode), "w", encoding="utf-8") as file:
        file.write(text)
    return StarterFile(path=name, outcome="overwritten" if existed else "written")


def environment_template() -> str:
    """Return a commented ``.env``."""
    lines = [
        *_prose(
            "Settings of pgdatahub. The environment is stronger than this file, an option on the command line stronger"
            " still. What is commented out is the default, or an example."
        ),
    ]
    for advanced in (False, True):
        if advanced:
            lines += ["", "# Several machines, and the embedded server; most people never need these."]
        for setting in settings().values():
            if setting.explained.advanced == advanced:
                lines += ["", *_prose(_sentence(setting.explained.help)), _assignment(setting)]
    return "\n".join(lines) + "\n"


def _assignment(setting: Setting) -> str:
    return f"#{setting.explained.variable}={setting.explained.example or setting.default}"


def folders_template() -> str:
    """Return a commented ``etl_config.yaml``; without its ``#`` signs the YAML in it is valid."""
    of_column = options(ColumnOptions).values()
    lines = [
        *_prose(
            "Which sheets of which folders are loaded, and how. Every folder below the data root that holds workbooks"
            " becomes a table; nothing need be said about it here unless its workbooks differ from: the first visible"
            " sheet, headers in row 1."
        ),
        "",
        *_prose("The sheet for folders that name none."),
        "#default_sheet: Sheet1",
        "",
        *_prose(
            "A folder, by its name below the data root (upper or lower case), followed by its options. A folder in it"
            " inherits them. Write  name/:  for a folder that is named like an option."
        ),
        "#sales:",
        *_indented(_explained(options(FolderOptions).values()), 2),
        "",
        *_indented(_prose("Single columns, by header as written in the sheet or by name in the table."), 2),
        "  #columns:",
        "    #Amount:",
        *_indented(_explained(option for option in of_column if option.name != "format"), 6),
        "",
        "    #Paid on:",
        "      #type: date",
        *_indented(_explained(option for option in of_column if option.name == "format"), 6),
        "",
        *_indented(_prose("A folder in the folder."), 2),
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
