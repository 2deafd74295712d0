"""Options of folders: those of their sheets, and the files and tables. A rule for sheets holds options of its own."""

# ruff: noqa: RUF009 - the calls in the dataclasses make fields, as dataclasses.field does

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, TypeAlias

from pgdatahub.config.coerce import (
    BOOLEAN,
    COUNT,
    DESCRIPTION,
    DIRECTORY,
    KEY,
    MAX_BAD,
    MISSING_KEYS,
    NEWEST,
    ROW_LIMIT,
    SCHEMA,
    SQL_NAME,
    TABLE_MODE,
    TEXTS,
    VARIABLE,
)
from pgdatahub.config.key_rule import NEWEST_WORDS, DuplicateKeys, KeyRule, TableMode, check_key_rule, flag_column
from pgdatahub.config.option_fields import changed_options, choice_field, option_field
from pgdatahub.config.sheet_keys import REST, is_glob
from pgdatahub.config.sheet_options import SheetOptions

ViewPolicy: TypeAlias = Literal["fail", "recreate"]
MissingPolicy: TypeAlias = Literal["keep", "revert"]
ChangedPolicy: TypeAlias = Literal["append", "replace", "fail"]
Contract: TypeAlias = Literal["evolve", "freeze"]
BadPolicy: TypeAlias = Literal["fail", "quarantine", "blank"]
NewColumns: TypeAlias = Literal["evolve", "freeze", "listed"]

_SAME_ROWS: Final[Mapping[str, tuple[object, ...]]] = {"header_row": (1,)}
"""Values of an option that give the rows of its default, for every file that both load. Files were loaded under them."""
_MEANING: Final = frozenset({"errors", "uncached", "nulls", "trim", "locale", "decimal", "thousands", "unit", "format"})
"""Options of folders and columns that change the meaning of a cell, and neither its place nor the name or type of its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions(SheetOptions):
    """Options of a folder, with inherited ones; :func:`options` documents the attributes."""

    password_env: str | None = option_field(
        None,
        VARIABLE,
        "the environment variable that holds the password of encrypted workbooks (needs pgdatahub[encrypted])",
        shapes_rows=False,
        secret=True,
    )
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
    key: tuple[str, ...] = option_field(
        (),
        KEY,
        "the columns that identify a row, by header or name: the table has the greatest row of each key, and all other rows"
        " are in the table's companion",
        shapes_rows=False,
    )
    newest: str = option_field(
        "path",
        NEWEST,
        "which of two rows of one key is in the table: that of the file whose path is later in natural order (path), of the"
        " file that was modified or loaded later (modified, loaded), or the greater value of a column of a fixed type",
        shapes_rows=False,
    )
    duplicates: DuplicateKeys = choice_field(
        "fail",
        ("fail", "first", "last"),
        "two rows of one key in a file that newest cannot tell apart: fail the file, or take the first or last one",
        shapes_rows=False,
    )
    mode: TableMode | None = option_field(
        None,
        TABLE_MODE,
        "append: the table has all rows of all files (the default); merge: the greatest row of each key (the default with"
        " key); snapshot: the rows of the newest file",
        choices=("append", "merge", "snapshot"),
        shapes_rows=False,
    )
    missing_keys: str = option_field(
        "keep",
        MISSING_KEYS,
        "keys that the newest file lacks: keep them as they are, or flag them in a column that is true for them (flag"
        " COLUMN)",
        shapes_rows=False,
    )
    on_missing: MissingPolicy = choice_field(
        "keep",
        ("keep", "revert"),
        "a file that was loaded before and is not there any more: its rows stay, or are reverted by a run over the whole"
        " data root",
        shapes_rows=False,
    )
    new_columns: NewColumns = choice_field(
        "evolve",
        ("evolve", "freeze", "listed"),
        "columns that the table lacks: add them, or fail the file; listed: a column that no entry below columns: means"
        " fails the file",
        shapes_rows=False,
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
    min_rows: int = option_field(
        0, COUNT, "the fewest rows of a file; with 1, a file without rows fails", shapes_rows=False
    )
    max_rows: int | None = option_field(None, ROW_LIMIT, "the most rows of a file", shapes_rows=False)
    on_bad: BadPolicy = choice_field(
        "fail",
        ("fail", "quarantine", "blank"),
        "cells that break a rule or their type: fail the file with all of them, keep their rows out of the table in"
        " etl_quarantine, or empty them",
        judges=True,
    )
    max_bad: str = option_field(
        "50%",
        MAX_BAD,
        "with on_bad: quarantine or blank, the most rows with such cells: a number, or a share of the rows of the file;"
        " a file with more fails",
        judges=True,
    )
    samples: bool = option_field(
        True,
        BOOLEAN,
        "false keeps the values of cells out of the history, the log, messages and JSON; the tables have them",
        shapes_rows=False,
    )
    description: str | None = option_field(
        None, DESCRIPTION, "the meaning of the table, in reports and the data dictionary", shapes_rows=False
    )
    report_dir: str | None = option_field(
        None,
        DIRECTORY,
        "the folder, outside of the data root, for marked copies of files that fail or have rows set aside or cells emptied:"
        " under the path that each file has below the data root",
        shapes_rows=False,
    )
    table_per_sheet: bool = option_field(
        False, BOOLEAN, "a table of its own for each sheet, named after the folder and the sheet", shapes_rows=False
    )
    sheets: tuple[SheetRule, ...] = dataclasses.field(default=(), hash=False)
    """The tables on the sheets of a workbook, by name or glob, in the order of loading."""

    def __post_init__(self) -> None:
        """Check that the options are consistent.

        Raises:
            ValueError: Two options contradict each other; the message names them.
        """
        SheetOptions.__post_init__(self)  # super() does not work in a class with slots
        cells = self.cell_range
        if cells is not None and cells.sheet is not None and (self.sheet is not None or self.is_routed):
            raise ValueError("range names a sheet, and so do sheet, sheets or table_per_sheet")
        if self.max_rows is not None and self.min_rows > self.max_rows:
            raise ValueError(f"min_rows {self.min_rows} is above max_rows {self.max_rows}")
        check_key_rule(self._key_rule, mode=self.mode)
        if self.on_bad == "quarantine" and (self.mode == "snapshot" or flag_column(self.missing_keys)):
            setting = "mode: snapshot" if self.mode == "snapshot" else "missing_keys: flag"
            raise ValueError(
                f"on_bad: quarantine and {setting} exclude each other: a row that is set aside would count as gone"
            )

    @property
    def _key_rule(self) -> KeyRule:
        return KeyRule(
            mode=self.mode or "merge",
            key=tuple(map(self.column_name, self.key)),
            newest=self.newest if self.newest in NEWEST_WORDS else self.column_name(self.newest),
            duplicates=self.duplicates,
            missing=flag_column(self.missing_keys),
        )

    @property
    def rule(self) -> KeyRule | None:
        """The rule for the rows of a table with a key, or of a snapshot; None for a table that keeps all rows."""
        return self._key_rule if self.key or self.mode == "snapshot" else None

    @property
    def has_contract(self) -> bool:
        """Return whether the settings have rules that a file can break."""
        of_file = self.min_rows > 0 or self.max_rows is not None or self.new_columns == "listed" or bool(self.key)
        return of_file or self.on_bad != "fail" or any(column.is_judged for column in self.columns.values())

    @property
    def has_server_types(self) -> bool:
        """Return whether a column of a sheet gets a type of the server."""
        return any(column.server_type for one in self.of_tables for column in one.columns.values())

    @property
    def of_tables(self) -> tuple[FolderOptions, ...]:
        """These options, and those of the tables on sheets, which may differ."""
        return (self, *(entry.options for rule in self.sheets for entry in rule.entries))

    @property
    def has_rule(self) -> bool:
        """Return whether a table of the folder has a key or is a snapshot."""
        return any(one.rule is not None for one in self.of_tables)

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
        facts = [self.table_per_sheet, self.table, self.schema, _routing_facts(self.rules)]
        return sha256(json.dumps(facts).encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal, 64 digits) of all options that shape rows or names.

        Options at their default are left out, so that a new option of a later version does not change the hash.
        """
        return _fingerprint(self)

    @property
    def place_fingerprint(self) -> str:
        """SHA-256 (hexadecimal, 64 digits) of the options that decide on sheets, cells, names and types of columns.

        Rows that were set aside can be loaded later only if these are the same; rules and the meaning of cells may differ.
        """
        return _hash(_shaping(self, judging=False, without=_MEANING))


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntry:
    """One table on a sheet.

    Attributes:
        options: The options of the folder, overridden by those of the entry.
        table: The table that the entry itself names, if any.
        skip: Leave the sheet out without a notice.
        optional: The sheet may be missing.
        where: The file and line, ``config/etl_config.yaml:12``.
    """

    options: FolderOptions
    table: str | None = None
    skip: bool = False
    optional: bool = False
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRule:
    """The tables on the sheets that a key matches.

    Attributes:
        key: A sheet's name or a glob, as written.
        entries: The tables.
    """

    key: str
    entries: tuple[SheetEntry, ...]

    @property
    def is_glob(self) -> bool:
        """Return whether the key is a glob unless a sheet has exactly this name."""
        return is_glob(self.key)

    @property
    def required(self) -> bool:
        """Return whether a workbook without such a sheet fails."""
        return not self.is_glob and not all(entry.skip or entry.optional for entry in self.entries)


def _routing_facts(rules: Iterable[SheetRule]) -> list[object]:
    """Return the facts of rules that determine which cells go to which table, for a hash."""
    return [
        [
            rule.key,
            [
                [entry.options.fingerprint, entry.table, entry.options.schema, entry.skip, entry.optional]
                for entry in rule.entries
            ],
        ]
        for rule in rules
    ]


@lru_cache(maxsize=256)  # a run asks for the same few folders once or twice a file
def _fingerprint(folder: FolderOptions) -> str:
    # Rules that fail the file leave the rows of other files as they are.
    return _hash(_shaping(folder, judging=folder.on_bad != "fail"))


def _shaping(folder: FolderOptions, *, judging: bool, without: frozenset[str] = frozenset()) -> dict[str, object]:
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


def _hash(facts: dict[str, object]) -> str:
    return sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
