"""Hashes of the options that shape rows; imports keep them, so their values never change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final

from pgdatahub.config.option_fields import changed_options
from pgdatahub.config.sheet_options import SheetOptions

_SAME_ROWS: Final[Mapping[str, tuple[object, ...]]] = {"header_row": (1,)}
"""Values of an option that give the rows of its default, for every file that both load. Files were loaded under them."""
_MEANING: Final = frozenset({"errors", "uncached", "nulls", "trim", "locale", "decimal", "thousands", "unit", "format"})
"""Options of folders and columns that change the meaning of a cell, and neither its place nor the name or type of its column."""


@lru_cache(maxsize=256)  # a run asks for the same few folders once or twice a file
def fingerprint_of(folder: SheetOptions, *, judging: bool) -> str:
    """Return the hash of all options that shape rows or names.

    Args:
        folder: The options of a folder.
        judging: Include the rules for cells.
    """
    return hash_of(_shaping(folder, judging=judging))


def place_fingerprint_of(folder: SheetOptions) -> str:
    """Return the hash of the options that decide on sheets, cells, names and types of columns."""
    return hash_of(_shaping(folder, judging=False, without=_MEANING))


def hash_of(facts: object) -> str:
    """Return the SHA-256 (hexadecimal, 64 digits) of facts as JSON."""
    return sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _shaping(folder: SheetOptions, *, judging: bool, without: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return the options that shape rows; a column all of whose options are left out by ``without`` is left out too."""
    columns = {
        key: {
            name: value for name, value in changed_options(column, {}, judging=judging).items() if name not in without
        }
        for key, column in sorted(folder.columns.items())
        if not column.only_describes
    }
    return {
        **{
            name: value
            for name, value in changed_options(folder, _SAME_ROWS, judging=judging).items()
            if name not in without
        },
        "columns": {key: options for key, options in columns.items() if options or not without},
        **({"cell_columns": dict(sorted(folder.cell_columns.items()))} if folder.cell_columns else {}),
    }
