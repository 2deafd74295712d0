"""Parts of the reference made from the code: commands, settings, options, joins and limits, as Markdown.

A page asks for a text with ``<!-- from the code: NAME -->``; :data:`TEXTS` has them by name. Nothing here needs Sphinx, so
that tests can read a page as it will be.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from cli_from_code import commands_text
from markdown_text import code, table

from pgdatahub.values.sql_types import SqlType, join

MARKER: Final = re.compile(r"^<!-- from the code: ([a-z-]+) -->$", flags=re.MULTILINE)


def expanded(page: str) -> str:
    """Return a page with its markers replaced.

    Raises:
        KeyError: A marker asks for what does not exist.
    """
    return MARKER.sub(lambda marker: TEXTS[marker[1]](), page)


# ── settings and options ──────────────────────────────────────────────────────────────────────────────────────────────


def settings_list() -> str:
    """Return all settings: what the environment, ``.env`` and ``config/config.json`` take."""
    from pgdatahub.config import settings

    return "\n\n".join(
        _entry(
            [setting.explained.variable, *filter(None, [setting.explained.option])],
            setting.explained.help,
            setting.explained.expects,
            setting.default,
        )
        for setting in settings().values()
    )


def folder_options() -> str:
    """Return the options of a folder."""
    from pgdatahub.config.options import FolderOptions

    return _options(FolderOptions)


def column_options() -> str:
    """Return the options of a column."""
    from pgdatahub.config.column_options import ColumnOptions

    return _options(ColumnOptions)


def _options(kind: Any) -> str:
    from pgdatahub.config.option_fields import options

    return "\n\n".join(
        _entry([option.name], option.help, option.expects, _default(option.default))
        for option in options(kind).values()
    )


def _entry(names: Sequence[str], said: str, expects: str, default: str) -> str:
    """Return an entry of a list of definitions."""
    lines = [", ".join(map(code, names)), f": {said[0].upper()}{said[1:]}."]
    lines.append(f"  Must be {expects}." + (f" Default: {code(default)}." if default else ""))
    return "\n".join(lines)


def _default(value: object) -> str:
    if value is None or value == ():
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


# ── types and limits ──────────────────────────────────────────────────────────────────────────────────────────────────


def joins() -> str:
    """Return the type that holds the values of any two, for those that meet below TEXT."""
    kinds = [kind for kind in SqlType if kind not in (SqlType.UNDECIDED, SqlType.TEXT)]
    tables = []
    while kinds:
        related = [kind for kind in kinds if join(kinds[0], kind) is not SqlType.TEXT]
        kinds = [kind for kind in kinds if kind not in related]
        if len(related) > 1:
            rows = ([f"**{short(kind)}**", *(short(join(kind, other)) for other in related)] for kind in related)
            tables.append(table(["", *map(short, related)], rows))
    return "\n\n".join(tables)


def short(kind: SqlType) -> str:
    """Return the name of an element of the lattice, short enough for a wide table."""
    return "BIGINT+" if kind is SqlType.BIGINT_WIDE else kind.name


def column_types() -> str:
    """Return the words that ``type:`` takes, and what they are in PostgreSQL."""
    from pgdatahub.config.column_options import COLUMN_TYPES

    return table(["`type:`", "in PostgreSQL"], ([code(word), code(kind.sql)] for word, kind in COLUMN_TYPES.items()))


def limits() -> str:
    """Return the limits of workbooks."""
    from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits

    said = attributes(Limits)
    return table(
        ["limit", "value", "why"],
        (
            [code(field.name), f"{getattr(DEFAULT_LIMITS, field.name):,}", said[field.name].rstrip(".")]
            for field in fields(Limits)
        ),
    )


def attributes(kind: type) -> Mapping[str, str]:
    """Return what a class's docstring says of its attributes."""
    _, _, text = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", text, flags=re.MULTILINE)
    return {name: re.sub(r"\s+", " ", said).replace("``", "`") for name, said in entries}


TEXTS: Final[Mapping[str, Callable[[], str]]] = {
    "settings": settings_list,
    "folder-options": folder_options,
    "column-options": column_options,
    "column-types": column_types,
    "commands": commands_text,
    "joins": joins,
    "limits": limits,
}
"""Name of a marker → its function."""
