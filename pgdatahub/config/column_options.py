"""Options of a column: its type, the notation of its values, its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pgdatahub.config.coerce import BOOLEAN, COLUMN_NAME, FORMAT, MARK, NULLS, TEXTS, one_of
from pgdatahub.config.option_fields import option_field
from pgdatahub.values.sql_types import SqlType

COLUMN_TYPES: Mapping[str, SqlType] = {
    "integer": SqlType.INTEGER,
    "bigint": SqlType.BIGINT_WIDE,  # named in a setting, it must hold every bigint of the server
    "real": SqlType.REAL,
    "double": SqlType.DOUBLE,
    "numeric": SqlType.NUMERIC,
    "boolean": SqlType.BOOLEAN,
    "date": SqlType.DATE,
    "timestamp": SqlType.TIMESTAMP,
    "time": SqlType.TIME,
    "interval": SqlType.INTERVAL,
    "text": SqlType.TEXT,
}
"""Column types by their names in the file."""
_NUMBERS = frozenset({"integer", "bigint", "real", "double", "numeric"})
_MOMENTS = frozenset({"date", "timestamp", "time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOptions:
    """Options of one column of a folder's sheets; :func:`options` documents the attributes."""

    type: str | None = option_field(
        None, one_of(*COLUMN_TYPES), "the column's type, whatever the values look like", choices=tuple(COLUMN_TYPES)
    )
    decimal: str | None = option_field(None, MARK, "the decimal mark of numbers that are written as text")
    thousands: str | None = option_field(None, MARK, "the thousands mark of numbers that are written as text")
    format: str | None = option_field(None, FORMAT, "the format of dates that are written as text, as for strptime")
    rename: str | None = option_field(None, COLUMN_NAME, "the column's name in the table")
    aliases: tuple[str, ...] = option_field((), TEXTS, "other headers that mean this column")
    skip: bool = option_field(False, BOOLEAN, "leave the column out")
    nulls: tuple[str, ...] = option_field((), NULLS, "texts that mean an empty cell here, beside those of the folder")

    def __post_init__(self) -> None:
        """Check that the options are consistent.

        Raises:
            ValueError: Two options contradict each other; the message names them.
        """
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        if (self.decimal or self.thousands) and self.type not in _NUMBERS:
            raise ValueError(f"decimal and thousands need a type: {', '.join(sorted(_NUMBERS))}")
        if self.format and self.type not in _MOMENTS:
            raise ValueError(f"format needs a type: {', '.join(sorted(_MOMENTS))}")

    @property
    def sql_type(self) -> SqlType | None:
        """The type as a :class:`SqlType`."""
        return None if self.type is None else COLUMN_TYPES[self.type]
