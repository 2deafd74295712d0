"""Options of folders and columns: each with its default, check and help text.

The two dataclasses are the registry: the parser of the YAML file, the template of ``pgdatahub init`` and the documentation all
use :func:`options`.
"""

# ruff: noqa: RUF009 - the calls in the dataclasses make fields, as dataclasses.field does

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypeAlias

from pgdatahub.config.coerce import (
    BOOLEAN,
    COLUMN_NAME,
    COUNT,
    FORMAT,
    HEADER_ROW,
    MARK,
    NULLS,
    SCHEMA,
    SQL_NAME,
    TEXT,
    TEXTS,
    VARIABLE,
    one_of,
)
from pgdatahub.config.option_fields import Option, choice_field, option_field
from pgdatahub.config.sheet_rules import REST, SheetEntry, SheetRule, routing_facts
from pgdatahub.values.identifiers import ColumnNames
from pgdatahub.values.sql_types import SqlType

HeaderRow: TypeAlias = "int | Literal['first', 'auto', 'none']"
ErrorPolicy: TypeAlias = Literal["blank", "text", "fail"]
UncachedPolicy: TypeAlias = Literal["fail", "blank"]
MergedPolicy: TypeAlias = Literal["top_left", "fill"]
HiddenPolicy: TypeAlias = Literal["load", "skip"]
ViewPolicy: TypeAlias = Literal["fail", "recreate"]
Reader: TypeAlias = Literal["auto", "calamine"]
MissingPolicy: TypeAlias = Literal["keep", "revert"]
ChangedPolicy: TypeAlias = Literal["append", "replace", "fail"]
Contract: TypeAlias = Literal["evolve", "freeze"]

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

_SAME_ROWS: Mapping[str, tuple[object, ...]] = {"header_row": (1,)}
"""Values of an option that give the rows of its default, for every file that both load. Files were loaded under them."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions:
    """Options of a folder, with inherited ones; :func:`options` documents the attributes."""

    sheet: tuple[str, ...] | None = option_field(
        None, TEXTS, 'the sheets to load: a name, a list of names, or a glob such as "Q*"; else the first visible one'
    )
    sheet_column: str | None = option_field(
        None, COLUMN_NAME, "a further column, of this name, for the name of the sheet"
    )
    header_row: HeaderRow = option_field(
        "first",
        HEADER_ROW,
        "the row with the headers: first (the first row with a value), its number, auto (find it) or none",
    )
    skip_rows: int = option_field(0, COUNT, "rows to leave out below the header")
    stop_at: str | None = option_field(
        None, TEXT, "where the table ends: blank (the first empty row), or the text in its first column that ends it"
    )
    errors: ErrorPolicy = choice_field(
        "blank", ("blank", "text", "fail"), "cells that show an error such as #N/A: empty, their text, or no load"
    )
    uncached: UncachedPolicy = choice_field(
        "fail", ("fail", "blank"), "formulas without a stored result: no load, or empty cells"
    )
    merged: MergedPolicy = choice_field(
        "top_left", ("top_left", "fill"), "merged cells: the value once, or in every cell of the area"
    )
    hidden: HiddenPolicy = choice_field("load", ("load", "skip"), "hidden rows and columns")
    reader: Reader = choice_field(
        "auto",
        ("auto", "calamine"),
        "the program that reads the workbooks: the reader of each format, or python-calamine, which takes some damaged"
        " files and cannot tell errors, formats and formulas without a result",
    )
    password_env: str | None = option_field(
        None,
        VARIABLE,
        "the environment variable that holds the password of encrypted workbooks (needs pgdatahub[encrypted])",
        shapes_rows=False,
        secret=True,
    )
    nulls: tuple[str, ...] = option_field((), NULLS, 'texts that mean an empty cell, such as ["n/a", "-"]')
    table: str | None = option_field(
        None,
        SQL_NAME,
        "the table, for the folder and those below it; else made from the folder's path",
        shapes_rows=False,
    )
    schema: str | None = option_field(None, SCHEMA, "the table's schema, if not ETL_SCHEMA", shapes_rows=False)
    on_changed: ChangedPolicy = choice_field(
        "append",
        ("append", "replace", "fail"),
        "a file that was loaded before and has other content now: its rows are added, take the place of the old ones,"
        " or are refused",
        shapes_rows=False,
    )
    on_missing: MissingPolicy = choice_field(
        "keep",
        ("keep", "revert"),
        "a file that was loaded before and is not there any more: its rows stay, or are reverted by a run over the whole"
        " data root",
        shapes_rows=False,
    )
    new_columns: Contract = choice_field(
        "evolve", ("evolve", "freeze"), "columns that the table lacks: add them, or fail the file", shapes_rows=False
    )
    types: Contract = choice_field(
        "evolve", ("evolve", "freeze"), "values that the table's types cannot hold: widen them, or fail the file",
        shapes_rows=False,
    )  # fmt: skip
    views: ViewPolicy = choice_field(
        "fail",
        ("fail", "recreate"),
        "views that use a column whose type has to change: fail the file, or drop the views and make them again",
        shapes_rows=False,
    )
    table_per_sheet: bool = option_field(
        False, BOOLEAN, "a table of its own for each sheet, named after the folder and the sheet", shapes_rows=False
    )
    columns: Mapping[str, ColumnOptions] = dataclasses.field(default_factory=dict, hash=False)
    """Options of single columns, by header as written or by name."""
    sheets: tuple[SheetRule, ...] = dataclasses.field(default=(), hash=False)
    """The tables on the sheets of a workbook, by name or glob, in the order of loading."""

    def __post_init__(self) -> None:
        """Check that the columns are consistent.

        Raises:
            ValueError: Two columns claim one header; the message names them.
        """
        owners: dict[str, str] = {key.strip(): key for key in self.columns}
        for key, column in self.columns.items():
            for alias in column.aliases:
                owner = owners.setdefault(alias.strip(), key)
                if owner != key:
                    raise ValueError(f"the header {alias!r} is claimed by two columns, {owner!r} and {key!r}")

    @property
    def renames(self) -> Mapping[str, str]:
        """Renamed columns and aliases, as ``rename`` of :class:`~pgdatahub.values.identifiers.ColumnNames`."""
        renames: dict[str, str] = {}
        for key, column in self.columns.items():
            if column.rename or column.aliases:
                # The key itself too, so that a sheet with a column and its alias gives the column its own name.
                renames |= dict.fromkeys((*column.aliases, key), column.rename or key)
        return renames

    def column_options(self, names: ColumnNames) -> Callable[[int], ColumnOptions]:
        """Return a function from a position (from 0) to the options of the column there, by the sheet's ``names``."""
        by_key = {alias: column for column in self.columns.values() for alias in column.aliases} | dict(self.columns)
        find = names.finder(by_key)
        nothing = ColumnOptions()

        def options_of(position: int) -> ColumnOptions:
            key = find(position)
            return nothing if key is None else by_key[key]

        return options_of

    @property
    def is_routed(self) -> bool:
        """Return whether the settings can give a file several tables."""
        return bool(self.sheets) or self.table_per_sheet

    @property
    def rules(self) -> tuple[SheetRule, ...]:
        """The rules for sheets, also if only ``table_per_sheet`` is set."""
        if self.sheets or not self.table_per_sheet:
            return self.sheets
        entry = SheetEntry(options=dataclasses.replace(self, sheet=None, table_per_sheet=False))
        return tuple(SheetRule(key=key, entries=(entry,)) for key in self.sheet or (REST,))

    @property
    def routing(self) -> str:
        """SHA-256 (hexadecimal) of all that decides which cells go to which table."""
        facts = [self.table_per_sheet, self.table, self.schema, routing_facts(self.rules)]
        return sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal, 64 digits) of all options that shape rows or names.

        Options at their default are left out, so that a new option of a later version does not change the hash.
        """
        shaping = {
            **_changed(self),
            "columns": {key: _changed(column) for key, column in sorted(self.columns.items())},
        }
        return sha256(json.dumps(shaping, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def options(kind: type[FolderOptions | ColumnOptions]) -> Mapping[str, Option]:
    """Return name → option of a folder or of a column, in the order of the documentation."""
    return {
        field.name: Option(name=field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(kind)
        if field.metadata
    }


def _changed(value: FolderOptions | ColumnOptions) -> dict[str, object]:
    return {
        option.name: getattr(value, option.name)
        for option in options(type(value)).values()
        if option.shapes_rows and getattr(value, option.name) not in (option.default, *_SAME_ROWS.get(option.name, ()))
    }
