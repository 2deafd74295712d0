"""Options of a folder without its contract: the rules for rows, columns and cells; types and the reading of cells stay."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.option_fields import options
from pgdatahub.config.options import FolderOptions, SheetEntry

_OF_ROWS: Final = ("min_rows", "max_rows", "new_columns", "key", "newest", "duplicates", "mode", "missing_keys")
"""Options of a table that make a contract without judging cells."""


def without_rules(folder: FolderOptions) -> FolderOptions:
    """Return the options of a folder, under which no file breaks a rule."""
    rules = _rules(ColumnOptions)
    return dataclasses.replace(
        folder,
        **_rules(FolderOptions),
        columns={key: dataclasses.replace(column, **rules) for key, column in folder.columns.items()},
        column_layers=tuple(
            {key: {name: value for name, value in given.items() if name not in rules} for key, given in layer.items()}
            for layer in folder.column_layers
        ),
        sheets=tuple(
            dataclasses.replace(rule, entries=tuple(map(_entry_without_rules, rule.entries))) for rule in folder.sheets
        ),
    )


def _entry_without_rules(entry: SheetEntry) -> SheetEntry:
    return dataclasses.replace(entry, options=without_rules(entry.options))


def _rules(kind: type[FolderOptions | ColumnOptions]) -> Mapping[str, Any]:
    """Return the defaults of the options that make a contract."""
    return {name: option.default for name, option in options(kind).items() if option.judges or name in _OF_ROWS}
