"""Options of a table: its key, its order, and the contract for its rows."""

# ruff: noqa: RUF009 - the calls in the dataclasses make fields, as dataclasses.field does

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pgdatahub.config.coerce import BOOLEAN, COUNT, DESCRIPTION, KEY, MISSING_KEYS, NEWEST, ROW_LIMIT, TABLE_MODE
from pgdatahub.config.coerce_values import MAX_BAD
from pgdatahub.config.key_rule import NEWEST_WORDS, DuplicateKeys, KeyRule, TableMode, check_key_rule, flag_column
from pgdatahub.config.option_fields import choice_field, option_field
from pgdatahub.config.sheet_options import SheetOptions

ViewPolicy: TypeAlias = Literal["fail", "recreate"]
MissingPolicy: TypeAlias = Literal["keep", "revert"]
ChangedPolicy: TypeAlias = Literal["append", "replace", "fail"]
Contract: TypeAlias = Literal["evolve", "freeze"]
BadPolicy: TypeAlias = Literal["fail", "quarantine", "blank"]
NewColumns: TypeAlias = Literal["evolve", "freeze", "listed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions(SheetOptions):
    """Options of a table and of the sheets that bring its rows."""

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

    def __post_init__(self) -> None:
        """Check that the options are consistent.

        Raises:
            ValueError: Two options contradict each other; the message names them.
        """
        SheetOptions.__post_init__(self)  # super() does not work in a class with slots
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
        return of_file or self.on_bad != "fail" or any(column.makes_contract for column in self.columns.values())
