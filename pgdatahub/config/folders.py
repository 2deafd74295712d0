"""Tree of configured folders, and inheritance of their options."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgdatahub.config.options import ColumnOptions, FolderOptions
from pgdatahub.errors import ConfigError


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
class Column:
    """Options that the file sets for one column in one folder.

    Attributes:
        where: The file and line.
        given: Values of column options by name.
    """

    where: str = field(compare=False)
    given: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Folder:
    """Options that the file sets for one folder, without inherited options.

    Attributes:
        name: The folder's name as written.
        where: The file and line.
        given: Values of folder options by name.
        columns: Options of columns, by header as written or by column name.
        folders: Folders below, by :func:`matching` name.
    """

    name: str
    where: str = field(compare=False)
    given: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)
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
        folders = [self._root]
        for part in parts:
            below = folders[-1].folders.get(matching(part))
            if below is None:
                break
            folders.append(below)
        return _options(folders)

    def configured_folders(self) -> tuple[ConfiguredFolder, ...]:
        """Return every folder in the file, in the file's order."""
        return tuple(_named(self._root, ()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FolderTree) and self._root == other._root

    def __repr__(self) -> str:
        return f"<FolderTree of {len(self.configured_folders())} folders>"

    __hash__ = None  # type: ignore[assignment]  # it holds dictionaries


def _named(folder: Folder, parts: tuple[str, ...]) -> Iterator[ConfiguredFolder]:
    for below in folder.folders.values():
        path = (*parts, below.name)
        yield ConfiguredFolder(parts=path, where=below.where)
        yield from _named(below, path)


def _options(folders: Sequence[Folder]) -> FolderOptions:
    given: dict[str, Any] = {}
    columns: dict[str, Column] = {}
    for folder in folders:
        given |= folder.given
        for key, column in folder.columns.items():
            above = columns[key].given if key in columns else {}
            columns[key] = Column(where=column.where, given=above | column.given)
    try:
        return FolderOptions(**given, columns={key: _column_options(key, column) for key, column in columns.items()})
    except ValueError as error:
        raise ConfigError(str(error), where=folders[-1].where) from error


def _column_options(key: str, column: Column) -> ColumnOptions:
    try:
        return ColumnOptions(**column.given)
    except ValueError as error:
        raise ConfigError(f"the column {key!r}: {error}", where=column.where) from error


def matching(name: str) -> str:
    """Return the form in which two names of one folder are equal; macOS returns decomposed names."""
    return unicodedata.normalize("NFC", name).casefold()
