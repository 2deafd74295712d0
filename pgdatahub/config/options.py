"""Options of folders: those of their sheets, and the files and tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from pgdatahub.config.coerce import (
    BOOLEAN,
    DIRECTORY,
    SCHEMA,
    SQL_NAME,
    TEXTS,
    VARIABLE,
)
from pgdatahub.config.fingerprints import fingerprint_of, hash_of, place_fingerprint_of
from pgdatahub.config.option_fields import option_field
from pgdatahub.config.sheet_keys import REST, is_glob
from pgdatahub.config.table_options import TableOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderOptions(TableOptions):
    """Options of a folder, with inherited ones."""

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
        TableOptions.__post_init__(self)  # super() does not work in a class with slots
        cells = self.cell_range
        if cells is not None and cells.sheet is not None and (self.sheet is not None or self.is_routed):
            raise ValueError("range names a sheet, and so do sheet, sheets or table_per_sheet")

    @property
    def has_server_types(self) -> bool:
        """Return whether a column of a sheet gets a type of the server."""
        return any(column.server_type for one in self.of_tables for column in one.columns.values())

    @property
    def of_tables(self) -> tuple[FolderOptions, ...]:
        """These options, and those of the tables on sheets, which may differ."""
        return (self, *(entry.options for rule in self.sheets for entry in rule.entries))

    @property
    def shows_values(self) -> bool:
        """Return whether messages may quote values of cells: no table on a sheet keeps them to itself."""
        return all(one.samples for one in self.of_tables)

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
        return hash_of(facts)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal, 64 digits) of all options that shape rows or names.

        Options at their default are left out, so that a new option of a later version does not change the hash.
        """
        # Rules that fail the file leave the rows of other files as they are.
        return fingerprint_of(self, judging=self.on_bad != "fail")

    @property
    def place_fingerprint(self) -> str:
        """SHA-256 (hexadecimal, 64 digits) of the options that decide on sheets, cells, names and types of columns.

        Rows that were set aside can be loaded later only if these are the same; rules and the meaning of cells may differ.
        """
        return place_fingerprint_of(self)


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
