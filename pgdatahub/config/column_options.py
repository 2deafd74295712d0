"""Options of a column: its type, the notation of its values, its names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from pgdatahub.config.coerce import BOOLEAN, COLUMN_NAME, DESCRIPTION, MARK, TEXTS, Written
from pgdatahub.config.coerce_values import BOUND, FORMATS, LOCALE, NULLS, UNITS, VALUES, WHOLE_VALUE
from pgdatahub.config.option_fields import choice_field, option_field
from pgdatahub.values.literals import literal_field, order_of
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.type_fit import NUMBERS

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
_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_NAME = rf"""(?:{_WORD}|"[^"%{{}}\x00-\x1f]+")"""
_SERVER_TYPE = re.compile(
    rf"{_NAME}(?:[.]{_NAME})?(?: [A-Za-z]+){{0,3}}(?: ?[(] ?[0-9]+(?: ?, ?-?[0-9]+)? ?[)])?(?: [A-Za-z]+){{0,3}}(?:\[\])*"
)
"""The names of types that may stand in a statement: words, names in double quotes, and numbers in parentheses."""


_OTHER_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("int", "int4"), "integer"),
    "int8": "bigint",
    "float4": "real",
    **dict.fromkeys(("float", "float8", "double precision"), "double"),
    **dict.fromkeys(("decimal", "dec"), "numeric"),
    "bool": "boolean",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
}
"""Other names of the server for types that follow the values; ``config --contract`` and people write them."""


def _column_type(written: Written) -> str:
    if not isinstance(written, str) or not written.strip():
        raise ValueError
    text = " ".join(written.split())
    if (known := _OTHER_NAMES.get(text.lower(), text.lower())) in COLUMN_TYPES:
        return known
    is_other = text.lower() == "timestamptz" or text.endswith("[]")
    misspelt = not is_other and get_close_matches(
        text.lower(), [*COLUMN_TYPES, "decimal", "double precision"], n=1, cutoff=0.85
    )
    if misspelt or not _SERVER_TYPE.fullmatch(text):
        raise ValueError
    return text


COLUMN_TYPE = (f"one of {', '.join(COLUMN_TYPES)}, or a type of the server such as uuid or varchar(20)", _column_type)
_NUMBERS = frozenset({"integer", "bigint", "real", "double", "numeric"})
_NUMBER_TYPES = frozenset(COLUMN_TYPES[name] for name in _NUMBERS)
_MOMENTS = frozenset({"date", "timestamp", "time"})
_ORDERED = NUMBERS.union((SqlType.DATE, SqlType.TIMESTAMP, SqlType.TIME, SqlType.INTERVAL))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOptions:
    """Options of one column of a folder's sheets; :func:`options` documents the attributes."""

    type: str | None = option_field(
        None,
        COLUMN_TYPE,
        "the column's type, whatever the values look like; or a type of the server for a new column, such as uuid,"
        " varchar(20), numeric(12,2), timestamptz, jsonb or an enum",
        choices=tuple(COLUMN_TYPES),
    )
    decimal: str | None = option_field(None, MARK, "the decimal mark of numbers that are written as text")
    thousands: str | None = option_field(None, MARK, "the thousands mark of numbers that are written as text")
    unit: tuple[str, ...] = option_field(
        (), UNITS, "a text that stands once before or behind each number, such as a currency; or several"
    )
    format: str | tuple[str, ...] | None = option_field(
        None,
        FORMATS,
        "the format of dates that are written as text, as for strptime, or several that do not contradict each other;"
        " excel and excel1904 for serial numbers",
    )
    locale: str | None = option_field(
        None, LOCALE, "the language of the names of months and of the marks of numbers, if not the folder's"
    )
    trim: bool | None = option_field(
        None, BOOLEAN, "remove white space at both ends of texts, if not as the folder does"
    )
    rename: str | None = option_field(None, COLUMN_NAME, "the column's name in the table")
    aliases: tuple[str, ...] = option_field((), TEXTS, "other headers that mean this column")
    skip: bool = option_field(False, BOOLEAN, "leave the column out")
    nulls: tuple[str, ...] = option_field((), NULLS, "texts that mean an empty cell here, beside those of the folder")
    required: Literal["false", "column", "true"] = choice_field(
        "false",
        ("false", "column", "true"),
        "each sheet has the column; true: and none of its cells is empty",
        judges=True,
    )
    unique: bool = option_field(
        False, BOOLEAN, "no value is there twice in a file; empty cells are never equal", judges=True
    )
    values: tuple[str, ...] = option_field((), VALUES, "the values that cells may have, exactly", judges=True)
    pattern: str | None = option_field(
        None, WHOLE_VALUE, "a regular expression of Python that each whole value matches", judges=True
    )
    min: str | None = option_field(
        None, BOUND, "the smallest value, for a type: of a number, date, timestamp, time or interval", judges=True
    )
    max: str | None = option_field(None, BOUND, "the largest value, likewise", judges=True)
    description: str | None = option_field(
        None,
        DESCRIPTION,
        "the meaning of the column, for readers of the table, in reports and in the column's comment in the database;"
        " an empty text removes it there",
        shapes_rows=False,
    )

    def __post_init__(self) -> None:
        """Check that the options are consistent.

        Raises:
            ValueError: Two options contradict each other; the message names them.
        """
        if self.thousands is not None and self.thousands == (self.decimal or "."):
            also = "" if self.decimal else ', since decimal is "." unless it is set'
            raise ValueError(f"decimal and thousands are the same character{also}")
        if (self.decimal or self.thousands or self.unit) and self.conversion_type not in _NUMBER_TYPES:
            raise ValueError(f"decimal, thousands and unit need a type: {', '.join(sorted(_NUMBERS))}")
        if self.format and self.type not in _MOMENTS:
            raise ValueError(f"format needs a type: {', '.join(sorted(_MOMENTS))}")
        self._check_rules()

    def _check_rules(self) -> None:
        wanted = self.conversion_type or SqlType.TEXT
        for text in self.values:
            self._field("values", text)
        bounds = {name: text for name, text in (("min", self.min), ("max", self.max)) if text is not None}
        if bounds and wanted not in _ORDERED:
            named = " and ".join(bounds)
            raise ValueError(
                f"{named} needs a type: of a number, date, timestamp, time or interval; use pattern: or values: for text"
            )
        places = [order_of(self._field(name, text), wanted) for name, text in bounds.items()]
        if len(places) > 1 and places[0] > places[1]:  # type: ignore[operator]  # both are of one type
            raise ValueError(f"min {self.min} is above max {self.max}")

    def _field(self, rule: str, text: str) -> bytes:
        """Return the ``COPY`` field of a value of a rule."""
        wanted = self.conversion_type or SqlType.TEXT
        try:
            return literal_field(text, wanted)
        except ValueError:
            raise ValueError(f"{rule}: {text!r} is not a valid {self.type or 'text'}") from None

    @property
    def allowed(self) -> tuple[bytes, ...]:
        """The ``COPY`` fields of ``values``."""
        return tuple(self._field("values", text) for text in self.values)

    @property
    def lowest(self) -> bytes | None:
        """The ``COPY`` field of ``min``."""
        return None if self.min is None else self._field("min", self.min)

    @property
    def highest(self) -> bytes | None:
        """The ``COPY`` field of ``max``."""
        return None if self.max is None else self._field("max", self.max)

    @property
    def is_judged(self) -> bool:
        """Return whether a rule applies to the column."""
        rules = (self.required != "false", self.unique, self.values, self.pattern, self.min, self.max)
        return not self.skip and any(rules)

    @property
    def makes_contract(self) -> bool:
        """Return whether cells of the column can break a rule, or a type of the server, which the reading does not check."""
        return self.is_judged or (self.server_type is not None and not self.skip)

    @property
    def only_describes(self) -> bool:
        """Return whether the options are a description and nothing else."""
        return self.description is not None and self == ColumnOptions(description=self.description)

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of dates."""
        return (self.format,) if isinstance(self.format, str) else self.format or ()

    @property
    def sql_type(self) -> SqlType | None:
        """The type as a :class:`SqlType`; None for none, and for a type of the server."""
        return None if self.type is None else COLUMN_TYPES.get(self.type)

    @property
    def server_type(self) -> str | None:
        """The type of the server that a new column gets."""
        return self.type if self.type is not None and self.type not in COLUMN_TYPES else None

    @property
    def conversion_type(self) -> SqlType | None:
        """The type under which texts are read: that of the column, ``numeric`` for a numeric type of the server."""
        server = self.server_type
        if server is not None and server.partition("(")[0].strip().lower() in ("numeric", "decimal"):
            return SqlType.NUMERIC
        return self.sql_type

    @property
    def is_converted(self) -> bool:
        """Return whether values are converted to the type."""
        return self.conversion_type not in (None, SqlType.TEXT)
