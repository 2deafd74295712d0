"""Filters for found files, and the table of a file's folder; shared by all discover plugins."""

from __future__ import annotations

import re
from collections.abc import Collection
from posixpath import splitext
from typing import Final

from pgdatahub.config import Config, FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.values.identifiers import table_name

_DIGITS = re.compile("([0-9]+)")
READERS: Final = dict.fromkeys((".csv", ".tsv", ".csv.gz", ".tsv.gz"), "pgdatahub-read-csv")
"""Suffixes of formats that a distribution of this repository reads, which is installed separately → its name."""


def why_ignored(parts: tuple[str, ...], suffixes: Collection[str], *, hidden: bool) -> str | None:
    """Return the reason to ignore a file by its name, if any.

    Args:
        parts: Its path below the data root.
        suffixes: Suffixes to accept, in lower case, with their dot; one such as ``.csv.gz`` is the end of a name.
        hidden: The file is in a hidden folder.
    """
    name = parts[-1]
    stem, last = splitext(name)
    suffix = last.lower().rstrip(".")
    packed = splitext(stem)[1].lower() + suffix
    kind = packed if packed in suffixes or packed in READERS else suffix
    checks = (
        (name.startswith("~$"), "a lock file: the workbook is open in Excel"),
        (name.startswith("."), "a hidden file"),
        (hidden, "in a hidden folder"),
        (kind not in suffixes, f"not a workbook: {kind or 'no suffix'}{_needs(kind)}"),
        (len(parts) == 1, "files directly in the data root have no table; move it into a folder"),
    )
    return next((reason for true, reason in checks if true), None)


def _needs(suffix: str) -> str:
    distribution = READERS.get(suffix)
    return f" (needs {distribution})" if distribution else ""


class SourceMaker:
    """Maker of found files; the files of a folder share its settings and table.

    Args:
        config: The settings.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._folders: dict[tuple[str, ...], tuple[TableName, FolderOptions]] = {}

    def source(
        self, location: str, identity: str, folder: tuple[str, ...], size: int, ignored: str | None
    ) -> SourceFile:
        """Return a found file with the settings of its folder.

        Args:
            location: Its absolute path or its URL.
            identity: Its path below the data root.
            folder: The folders on that path.
            size: Bytes.
            ignored: The reason to ignore the file, if any.
        """
        known = self._folders.get(folder)
        if known is None:
            options = self._config.folders.options_for(folder)
            schema, name = options.schema or self._config.schema_name, options.table or table_name(folder)
            known = self._folders[folder] = TableName(schema=schema, name=name), options
        table, options = known
        return SourceFile(
            location=location, identity=identity, table=table, options=options, size=size, ignored=ignored
        )


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that ignores case and puts ``week 9`` before ``week 10``."""
    pieces = _DIGITS.split(name.casefold())
    return [(int(piece), "") if index % 2 else (0, piece) for index, piece in enumerate(pieces)], name
