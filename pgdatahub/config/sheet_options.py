"""Options of the table on a sheet: its cells, and their meaning. With those of folders and columns they are the registry.

The parser of the YAML file, the template of ``pgdatahub init`` and the documentation all use
:func:`~pgdatahub.config.option_fields.options`.
"""

# ruff: noqa: RUF009 - the calls in the dataclasses make fields, as dataclasses.field does

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pgdatahub.config.cell_ranges import CellRange, parse_range
from pgdatahub.config.coerce import (
    BOOLEAN,
    COLUMN_NAME,
    COUNT,
    DELIMITER,
    ENCODING,
    HEADER_ROW,
    PATTERN,
    QUOTE,
    RANGE,
    TEXTS,
)
from pgdatahub.config.coerce_values import LOCALE, NULLS, STOP
from pgdatahub.config.column_layers import FindOptions, Layer, finder, merged, rename_levels, same_name
from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.option_fields import choice_field, option_field
from pgdatahub.values.identifiers import ColumnNames, cut, fold
from pgdatahub.values.sql_types import SqlType

HeaderRow: TypeAlias = "int | str"
"""A number; ``first``, ``auto`` or ``none``; or several rows as ``3-4``."""
HeaderFill: TypeAlias = Literal["merged", "right"]
ErrorPolicy: TypeAlias = Literal["blank", "text", "fail"]
UncachedPolicy: TypeAlias = Literal["fail", "blank"]
MergedPolicy: TypeAlias = Literal["top_left", "fill"]
HiddenPolicy: TypeAlias = Literal["load", "skip"]
Reader: TypeAlias = Literal["auto", "calamine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetOptions:
    """Options that shape the rows and the names of a table; :func:`options` documents the attributes."""

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
    encoding: str | None = option_field(
        None,
        ENCODING,
        "the encoding of text files (needs pgdatahub-read-csv); else that of their mark, UTF-8, or a guess",
    )
    delimiter: str | None = option_field(
        None, DELIMITER, "the character between the cells of text files (needs pgdatahub-read-csv); else it is found"
    )
    quote: str | None = option_field(
        None, QUOTE, "the character around cells of text files (needs pgdatahub-read-csv), or none; else it is found"
    )
    nulls: tuple[str, ...] = option_field((), NULLS, 'texts that mean an empty cell, such as ["n/a", "-"]')
    columns: Mapping[str, ColumnOptions] = dataclasses.field(default_factory=dict, hash=False)
    """Options of single columns, by header as written or by name; entries of one spelling are merged."""
    column_layers: tuple[Layer, ...] = dataclasses.field(default=(), hash=False, compare=False)
    """The same as the folders set them, the outermost first, where there are several entries."""
    cell_columns: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """Further columns from cells above the table: name → address."""

    def __post_init__(self) -> None:
        """Check that the columns are consistent.

        Raises:
            ValueError: Two columns claim one header; the message names them.
        """
        owners: dict[str, str] = {key.strip(): key for key in self.columns}
        for key, column in self.columns.items():
            for alias in column.aliases:
                owner = owners.setdefault(alias.strip(), key)
                if fold(owner) != fold(key):
                    raise ValueError(f"the header {alias!r} is claimed by two columns, {owner!r} and {key!r}")

        twice = [name for name, often in Counter(map(fold, self.origin_columns)).items() if often > 1]
        if twice:
            raise ValueError(
                f"two columns of sheet_column, row_column, path_columns and cell_columns are named {twice[0]}"
            )
        for name in self.origin_columns:
            further = self.named_column(name)
            if further is not None and further.is_judged:
                raise ValueError(f"the further column {name!r} takes no rules, which judge the cells of the table")

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
        groups = same_name(self.columns)
        for key, column in self.columns.items():
            if column.rename or column.aliases:
                alike = groups[cut(fold(key))]
                name = column.rename or merged(alike, self.columns, self.column_layers).rename or key
                # The key itself too, so that a sheet with a column and its alias gives the column its own name.
                renames |= dict.fromkeys((*column.aliases, key), name)
        return renames

    def column_name(self, written: str) -> str:
        """Return the SQL name of the column that a setting names by header or by name."""
        renames = {cut(fold(key)): name for key, name in self.renames.items()}
        return cut(fold(self.renames.get(written) or renames.get(cut(fold(written)), written)))

    def has_fixed_type(self, name: str) -> bool:
        """Return whether the settings give the column of this SQL name a type."""
        return any(self._types(name))

    def fixed_type(self, name: str) -> SqlType | None:
        """Return the type that the settings give the column of this SQL name; None for none, or one of the server's own."""
        return next((column.conversion_type for column in self._types(name)), None)

    def _types(self, name: str) -> list[ColumnOptions]:
        return [column for key, column in self.columns.items() if column.type and self.column_name(key) == name]

    @property
    def rename_levels(self) -> Mapping[str, int]:
        """The ``levels`` of :class:`~pgdatahub.values.identifiers.ColumnNames` for :attr:`renames`."""
        return rename_levels(self.column_layers)

    def column_options(self, names: ColumnNames) -> FindOptions:
        """Return a function from a position (from 0) to the options of the column there, by the sheet's ``names``."""
        return finder(self.columns, self.column_layers, names)

    def named_column(self, name: str) -> ColumnOptions | None:
        """Return the options of a further column, whose name is folded."""
        keys = same_name(self.columns).get(cut(fold(name)))
        return merged(keys, self.columns, self.column_layers) if keys else None
