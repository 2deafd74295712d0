"""Entries below ``columns:`` of now, for a draft: the reading of cells under which a file keeps its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pgdatahub.config import ColumnOptions, FolderOptions
from pgdatahub.config.option_fields import options as options_of
from pgdatahub.load.contracts.column_keys import ColumnKeys
from pgdatahub.load.contracts.table_columns import TableColumns
from pgdatahub.model.batches import Table


@dataclass(slots=True, kw_only=True)
class DraftEntries(ColumnKeys):
    """The entries that mean columns of a table.

    Attributes:
        keys: Name of a column → the key of its entry.
        reading: Name of a column → its options of now, without rules.
        skipped: The keys of columns that are left out.
    """

    keys: dict[str, str] = field(default_factory=dict)
    reading: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    skipped: dict[str, None] = field(default_factory=dict)

    def see(self, table: Table, options: FolderOptions) -> None:
        """Take the columns of a sheet's table into account."""
        ColumnKeys.see(self, table, options)
        columns = TableColumns(table, options)
        for position in columns.positions:
            keys = columns.keys(position)
            if not keys:
                continue
            given = _reading(columns.options(position))
            if "skip" in given:
                self.skipped[keys[-1]] = None
            else:
                self.keys[columns.name(position)] = keys[-1]
                self.reading[columns.name(position)] = given

    def join(self, other: DraftEntries) -> None:
        """Add the entries that mean columns of another file."""
        self.keys |= other.keys
        self.reading |= other.reading
        self.skipped |= other.skipped


def _reading(column: ColumnOptions) -> Mapping[str, Any]:
    """Return the options of a column that are no rules, if they differ from the default."""
    return {
        name: value
        for name, option in options_of(ColumnOptions).items()
        if not option.judges and (value := getattr(column, name)) != option.default
    }
