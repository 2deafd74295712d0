"""The columns of one table on a sheet, by their positions on the sheet, with their names and settings."""

from __future__ import annotations

from functools import lru_cache

from pgdatahub.config import ColumnOptions, FolderOptions
from pgdatahub.config.column_layers import key_finder
from pgdatahub.load.contracts.cell_rules import cell_rules
from pgdatahub.load.contracts.judged_column import JudgedColumn
from pgdatahub.load.contracts.server_types import judge_of
from pgdatahub.model.batches import Table
from pgdatahub.plugins.column_naming import column_names
from pgdatahub.values.identifiers import fold, is_positional


class TableColumns:
    """The columns of one table on a sheet.

    Args:
        table: The place of the table.
        options: The settings for the table.
    """

    def __init__(self, table: Table, options: FolderOptions) -> None:
        self.headers = table.headers
        self._first = table.first_column
        self._settings = options.columns
        self._names = column_names(table, options)
        self._keys_of = key_finder(options.columns, self._names)
        self._options_of = lru_cache(maxsize=None)(options.column_options(self._names))

    def name(self, position: int) -> str:
        """Return the SQL name of a column."""
        return self._names.name(position - self._first)

    def header(self, position: int) -> str | None:
        """Return the header of a column as written, if it has one."""
        return self._names.header(position - self._first)

    def keys(self, position: int) -> tuple[str, ...]:
        """Return the keys below ``columns:`` that mean a column."""
        return self._keys_of(position - self._first)

    def options(self, position: int) -> ColumnOptions:
        """Return the options of a column."""
        return self._options_of(position - self._first)

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of the columns with a header, and of those that an entry names by position."""
        named = {int(fold(key)[len("column_") :]) - 1 + self._first for key in self._settings if is_positional(key)}
        return tuple(sorted(named.union(self.headers)))

    def judged(self) -> tuple[JudgedColumn, ...]:
        """Return the columns with rules for their cells, among them absent ones that a rule names by position."""
        return tuple(self.judged_column(position) for position in self.positions if self._is_judged(position))

    def judged_column(self, position: int, *, with_rules: bool = True) -> JudgedColumn:
        """Return a column as it is judged."""
        options = self.options(position)
        return JudgedColumn(
            position=position,
            name=self.name(position),
            header=self.header(position),
            options=options,
            rules=cell_rules(options) if with_rules else (),
        )

    def _is_judged(self, position: int) -> bool:
        options = self.options(position)
        if options.is_judged:
            return True
        return options.server_type is not None and not options.skip and judge_of(options.server_type) is not None
