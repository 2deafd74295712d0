"""Options of folders and columns: each with its default, check and help text.

The two dataclasses are the registry: the parser of the YAML file, the template of ``pgdatahub init`` and the documentation all
use :func:`options`.
"""

# ruff: noqa: RUF009 - the calls in the dataclasses make fields, as dataclasses.field does

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Literal, TypeAlias

from pgdatahub.config.cell_ranges import CellRange, parse_range
from pgdatahub.config.coerce import (
    BOOLEAN,
    COLUMN_NAME,
    COUNT,
    HEADER_ROW,
    LOCALE,
    NULLS,
    PATTERN,
    RANGE,
    SCHEMA,
    SQL_NAME,
    STOP,
    TEXTS,
    VARIABLE,
)
from pgdatahub.config.column_options import COLUMN_TYPES, ColumnOptions
from pgdatahub.config.option_fields import Option, choice_field, option_field
from pgdatahub.config.sheet_rules import REST, SheetEntry, SheetRule, routing_facts
from pgdatahub.values.identifiers import ColumnNames, fold

__all__ = ["COLUMN_TYPES", "ColumnOptions", "FolderOptions", "options"]

HeaderRow: TypeAlias = "int | str"
"""A number; ``first``, ``auto`` or ``none``; or several rows as ``3-4``."""
HeaderFill: TypeAlias = Literal["merged", "right"]
ErrorPolicy: TypeAlias = Literal["blank", "text", "fail"]
UncachedPolicy: TypeAlias = Literal["fail", "blank"]
MergedPolicy: TypeAlias = Literal["top_left", "fill"]
HiddenPolicy: TypeAlias = Literal["load", "skip"]
ViewPolicy: TypeAlias = Literal["fail", "recreate"]
Reader: TypeAlias = Literal["auto", "calamine"]
MissingPolicy: TypeAlias = Literal["keep", "revert"]
ChangedPolicy: TypeAlias = Literal["append", "replace", "fail"]
Contract: TypeAlias = Literal["evolve", "freeze"]

_SAME_ROWS: Mapping[str, tuple[object, ...]] = {"header_row": (1,)}
"""Values of an option that give the rows of its default, for every file that both load. Files were loaded under them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions:
    """Options of a folder, with inherited ones; :func:`options` documents the attributes."""

    sheet: tuple[str, ...] | None = option_field(
        None, TEXTS, 'the sheets to load: a name, a list of names, or a glob such as "Q*"; else the first visible one'
    )
    range: str | None = option_field(
        None,
        RANGE,
        "the cells of the table: an area such as B4:H200, B4:H or B4:, columns, rows, or the name of an Excel table or of"
        " a range; rows of other options count inside it",
    )
    sheet_column: str | None = option_field(
        None, COLUMN_NAME, "a further column, of this name, for the name of the sheet"
    )
    header_row: HeaderRow = option_field(
        "first",
        HEADER_ROW,
        "the row with the headers: first (the first row with a value), its number, several rows such as 3-4, auto (find"
        " it) or none",
    )
    header_fill: HeaderFill = choice_field(
        "merged",
        ("merged", "right"),
        "headers of several rows: a text stands for all cells of its merged area, or for the empty cells to its right",
    )
    row_column: str | None = option_field(
        None, COLUMN_NAME, "a further column, of this name, for the number of the row in the sheet"
    )
    path_columns: str | None = option_field(
        None,
        PATTERN,
        "further columns from the path of the file below the data root: a regular expression whose named groups they are",
    )
    skip_rows: int = option_field(0, COUNT, "rows to leave out below the header")
    stop_at: str | tuple[str, ...] | None = option_field(
        None,
        STOP,
        "where the table ends: blank (the first empty row), the text in its first column that ends it, a pattern in any"
        " cell (/^total/) or in the cells of a column (Remark=/^see/); or a list of these",
    )
    trim: bool = option_field(False, BOOLEAN, "remove white space at both ends of texts")
    locale: str | None = option_field(
        None,
        LOCALE,
        "the language of names of months and of the marks of numbers in texts that columns: types (needs pgdatahub[locale])",
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
    exclude: tuple[str, ...] = option_field(
        (),
        TEXTS,
        'globs of files and folders to leave out, such as ["_old", "*draft*", "2024/**/copy.xlsx"]; those of the folders'
        " above hold too",
        shapes_rows=False,
    )
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
    cell_columns: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """Further columns from cells above the table: name → address."""
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

        twice = [name for name, often in Counter(map(fold, self.origin_columns)).items() if often > 1]
        if twice:
            raise ValueError(f"two of the further columns are named {twice[0]}")
        cells = self.cell_range
        if cells is not None and cells.sheet is not None and (self.sheet is not None or self.is_routed):
            raise ValueError("range names a sheet, and so do sheet, sheets or table_per_sheet")

    @property
    def cell_range(self) -> CellRange | None:
        """The range of the table; None for the whole sheet."""
        return None if self.range is None else parse_range(self.range)

    @property
    def header_rows(self) -> tuple[int, int] | None:
        """The first and the last of several header rows; None if the setting does not name several."""
        first, dash, last = str(self.header_row).partition("-")
        return (int(first), int(last)) if dash else None

    @property
    def path_groups(self) -> tuple[str, ...]:
        """The columns from the path of the file."""
        return tuple(re.compile(self.path_columns).groupindex) if self.path_columns else ()

    @property
    def origin_columns(self) -> tuple[str, ...]:
        """The columns that are not in the rows of the sheet, in their order."""
        named = [name for name in (self.sheet_column, self.row_column) if name]
        return (*named, *self.path_groups, *self.cell_columns)

    @property
    def has_server_types(self) -> bool:
        """Return whether a column of a sheet gets a type of the server."""
        entries = (entry.options for rule in self.sheets for entry in rule.entries)
        return any(column.server_type for one in (self, *entries) for column in one.columns.values())

    def typed(self, column: ColumnOptions) -> ColumnOptions:
        """Return a column's options with the language of the folder, if the column names none."""
        if column.locale is not None or self.locale is None:
            return column
        return dataclasses.replace(column, locale=self.locale)

    def trims(self, column: ColumnOptions | None) -> bool:
        """Return whether the texts of a column lose white space at both ends."""
        return self.trim if column is None or column.trim is None else column.trim

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
        return _fingerprint(self)


def options(kind: type[FolderOptions | ColumnOptions]) -> Mapping[str, Option]:
    """Return name → option of a folder or of a column, in the order of the documentation."""
    return {
        field.name: Option(name=field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(kind)
        if field.metadata
    }


@lru_cache(maxsize=256)  # a run asks for the same few folders once or twice a file
def _fingerprint(folder: FolderOptions) -> str:
    shaping = {
        **_changed(folder),
        "columns": {key: _changed(column) for key, column in sorted(folder.columns.items())},
        **({"cell_columns": dict(sorted(folder.cell_columns.items()))} if folder.cell_columns else {}),
    }
    return sha256(json.dumps(shaping, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _changed(value: FolderOptions | ColumnOptions) -> dict[str, object]:
    return {
        option.name: getattr(value, option.name)
        for option in options(type(value)).values()
        if option.shapes_rows and getattr(value, option.name) not in (option.default, *_SAME_ROWS.get(option.name, ()))
    }
