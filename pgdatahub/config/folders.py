"""Tree of configured folders, and inheritance of their options."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pgdatahub.config.column_entries import Column, column_fields
from pgdatahub.config.excludes import Exclude
from pgdatahub.config.key_rule import with_replacement
from pgdatahub.config.options import FolderOptions, SheetEntry, SheetRule
from pgdatahub.errors import ConfigError
from pgdatahub.values.counting import count


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredFolder:
    """A folder in the configuration file.

    Attributes:
        parts: Its path below the data root, as written.
        where: The file and line, ``config/etl_config.yaml:12``.
    """

    parts: tuple[str, ...]
    where: str


@dataclass(slots=True, kw_only=True)
class Entry:
    """Options that the file sets for one table on a sheet.

    Attributes:
        where: The file and line.
        given: Values of folder options by name, and ``skip`` and ``optional``.
        columns: Options of columns, by header as written or by column name.
        outer_columns: Those of the same table in folders above, the outermost first.
        cell_columns: Columns from cells: name → address.
    """

    where: str = field(compare=False)
    given: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    outer_columns: tuple[Mapping[str, Column], ...] = ()
    cell_columns: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class SheetKey:
    """The tables that the file sets for the sheets that a key matches.

    Attributes:
        key: The key as written.
        entries: The tables.
        is_list: The file has a list of tables, which an outer folder's options do not change.
    """

    key: str
    entries: list[Entry]
    is_list: bool = False


@dataclass(slots=True, kw_only=True)
class Folder:
    """Options that the file sets for one folder, without inherited options.

    Attributes:
        name: The folder's name as written.
        where: The file and line.
        given: Values of folder options by name.
        columns: Options of columns, by header as written or by column name.
        cell_columns: Columns from cells: name → address.
        sheets: The tables on sheets, by :func:`~pgdatahub.config.sheet_keys.matching_sheet` key.
        folders: Folders below, by :func:`matching` name.
    """

    name: str
    where: str = field(compare=False)
    given: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
    cell_columns: dict[str, str] = field(default_factory=dict)
    sheets: dict[str, SheetKey] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)


class FolderTree:
    """The options of every folder; empty without a file. Can be pickled."""

    __slots__ = ("_root",)

    def __init__(self, root: Folder | None = None) -> None:
        self._root = root or Folder(name="", where="")

    def options_for(self, parts: Sequence[str]) -> FolderOptions:
        """Return the options of the folder at ``parts`` below the data root; case does not matter.

        Raises:
            ConfigError: The options contradict each other; reading a file checks all its folders.
        """
        return _options(self._path(parts))

    def _path(self, parts: Sequence[str]) -> list[Folder]:
        """Return the configured folders from the data root to ``parts``."""
        folders = [self._root]
        for part in parts:
            below = folders[-1].folders.get(matching(part))
            if below is None:
                break
            folders.append(below)
        return folders

    def has(self, parts: Sequence[str]) -> bool:
        """Return whether the file sets options for the folder at ``parts``, or for one above below the data root."""
        return len(self._path(parts)) > 1

    def excludes_for(self, parts: Sequence[str]) -> tuple[Exclude, ...]:
        """Return the globs of the folder at ``parts`` and of the folders above, which hold for its files and folders."""
        return tuple(
            Exclude(pattern, depth)
            for depth, folder in enumerate(self._path(parts))
            for pattern in folder.given.get("exclude", ())
        )

    def column_places(self, parts: Sequence[str]) -> dict[str, str]:
        """Return key under ``columns:`` → file and line, for the folder at ``parts``; the innermost folder counts."""
        return {key: column.where for folder in self._path(parts) for key, column in folder.columns.items()}

    def configured_folders(self) -> tuple[ConfiguredFolder, ...]:
        """Return every folder in the file, in the file's order."""
        return tuple(_named(self._root, ()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FolderTree) and self._root == other._root

    def __repr__(self) -> str:
        return f"<FolderTree of {count(len(self.configured_folders()), 'folder')}>"

    __hash__ = None  # type: ignore[assignment]  # it holds dictionaries


def _named(folder: Folder, parts: tuple[str, ...]) -> Iterator[ConfiguredFolder]:
    for below in folder.folders.values():
        path = (*parts, below.name)
        yield ConfiguredFolder(parts=path, where=below.where)
        yield from _named(below, path)


def _options(folders: Sequence[Folder]) -> FolderOptions:
    given: dict[str, Any] = {}
    columns: list[Mapping[str, Column]] = []
    sheets: dict[str, SheetKey] = {}
    cells: dict[str, str] = {}
    for folder in folders:
        cells |= folder.cell_columns
        # The nearer of sheet and sheets replaces the other.
        if folder.sheets:
            given.pop("sheet", None)
        elif "sheet" in folder.given:
            sheets = {}
        given |= folder.given
        columns.append(folder.columns)
        for name, key in folder.sheets.items():
            sheets[name] = _with_entry(sheets.get(name), key)
    try:
        options = FolderOptions(**with_replacement(given), **column_fields(columns), cell_columns=cells)
        return replace(options, sheets=_rules(sheets.values(), given, columns, cells)) if sheets else options
    except ValueError as error:
        raise ConfigError(str(error), where=folders[-1].where) from error


def _with_entry(above: SheetKey | None, key: SheetKey) -> SheetKey:
    """Return a key's entries with the options that a folder above sets for the same key."""
    if above is None or above.is_list or key.is_list:
        return key
    outer, (entry,) = above.entries[0], key.entries
    merged = Entry(
        where=entry.where,
        given=outer.given | entry.given,
        columns=entry.columns,
        outer_columns=(*outer.outer_columns, outer.columns),
        cell_columns=outer.cell_columns | entry.cell_columns,
    )
    return SheetKey(key=key.key, entries=[merged])


_OF_THE_FOLDER: Final = ("sheet", "table_per_sheet")
_OF_THE_TABLE: Final = (
    *("schema", "on_changed", "new_columns", "types", "views", "min_rows", "max_rows"),
    *("key", "newest", "duplicates", "mode", "missing_keys", "on_bad", "max_bad"),
)


def _rules(
    keys: Iterable[SheetKey],
    given: Mapping[str, Any],
    columns: Sequence[Mapping[str, Column]],
    cells: Mapping[str, str],
) -> tuple[SheetRule, ...]:
    inherited = {name: value for name, value in given.items() if name not in _OF_THE_FOLDER}
    rules = tuple(
        SheetRule(key=key.key, entries=tuple(_entry(entry, inherited, columns, cells) for entry in key.entries))
        for key in keys
    )
    first: dict[str | None, SheetEntry] = {}
    for rule in rules:
        for entry in rule.entries:
            if entry.skip or (entry.table is None and given.get("table_per_sheet")):
                continue
            _check_agreement(first.setdefault(entry.table, entry), entry)
    return rules


def _entry(
    entry: Entry, inherited: Mapping[str, Any], columns: Sequence[Mapping[str, Column]], cells: Mapping[str, str]
) -> SheetEntry:
    own = {name: value for name, value in entry.given.items() if name not in ("skip", "optional")}
    try:
        options = FolderOptions(
            **with_replacement({**inherited, **own}),
            **column_fields((*columns, *entry.outer_columns, entry.columns)),
            cell_columns={**cells, **entry.cell_columns},
        )
        if options.cell_range is not None and options.cell_range.sheet is not None:
            raise ValueError("the key names the sheet, so range must not name one")
    except ValueError as error:
        raise ConfigError(str(error), where=entry.where) from error
    return SheetEntry(
        options=options,
        table=entry.given.get("table"),
        skip=entry.given.get("skip", False),
        optional=entry.given.get("optional", False),
        where=entry.where,
    )


def _check_agreement(first: SheetEntry, entry: SheetEntry) -> None:
    """Refuse two entries of one table that differ in an option of the table.

    Raises:
        ConfigError: They differ.
    """
    for name in _OF_THE_TABLE:
        values = getattr(first.options, name), getattr(entry.options, name)
        if values[0] != values[1]:
            table = f"the table {entry.table}" if entry.table else "the folder's table"
            raise ConfigError(
                f"{name} is {values[1]!r} here and {values[0]!r} in {first.where}, and both entries are of {table}",
                where=entry.where,
                hint=f"set {name} once, for the folder, or to the same value",
            )


def matching(name: str) -> str:
    """Return the form in which two names of one folder are equal; macOS returns decomposed names."""
    return unicodedata.normalize("NFC", name).casefold()
