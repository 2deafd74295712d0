"""What makes a found file a candidate for loading, and the table that its folder stands for; wherever it was found."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from pgdatahub.config import Config
from pgdatahub.model.flow import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.values.identifiers import table_name

_DIGITS = re.compile("([0-9]+)")


def why_ignored(parts: tuple[str, ...], suffixes: Collection[str], *, hidden: bool) -> str | None:
    """Return why a file is no candidate by its name, or None.

    Args:
        parts: Its path below the data root.
        suffixes: The endings of candidates, in lower case, with their point.
        hidden: It is in a hidden folder.
    """
    name = parts[-1]
    suffix = PurePosixPath(name).suffix.lower()
    checks = (
        (name.startswith("~$"), "a lock file: somebody has the workbook open"),
        (name.startswith("."), "a hidden file"),
        (hidden, "in a hidden folder"),
        (suffix not in suffixes, f"not a workbook: {suffix or 'no ending'}"),
        (len(parts) == 1, "directly in the data root: put it into a folder, whose name becomes the table's"),
    )
    return next((reason for true, reason in checks if true), None)


def make_source(
    config: Config, location: str, identity: str, folder: tuple[str, ...], size: int, ignored: str | None
) -> SourceFile:
    """Return a found file, with the settings of its folder.

    Args:
        config: The settings.
        location: Its absolute path or its URL.
        identity: Its path below the data root.
        folder: The folders on that path.
        size: Bytes.
        ignored: Why it is no candidate, or None.
    """
    options = config.folders.options_for(folder)
    return SourceFile(
        location=location,
        identity=identity,
        table=TableName(schema=options.schema or config.schema_name, name=options.table or table_name(folder)),
        options=options,
        size=size,
        ignored=ignored,
    )


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key under which ``week 9`` comes before ``week 10``, whatever the case."""
    pieces = _DIGITS.split(name.casefold())
    return [(int(piece), "") if index % 2 else (0, piece) for index, piece in enumerate(pieces)], name
