"""Parser of ``etl_config.yaml`` into a :class:`~pgdatahub.config.folders.FolderTree`; errors name the line.

The parser composes YAML nodes and does not construct values: keys and values stay texts as written (``007``, ``2024-01-15``
and ``no`` can be names of folders and sheets), and every node has its line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NoReturn

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pgdatahub.config.coerce import BOOLEAN, CELL, COLUMN_NAME, Written
from pgdatahub.config.column_entries import Column
from pgdatahub.config.column_options import ColumnOptions
from pgdatahub.config.folders import Entry, Folder, FolderTree, SheetKey, matching
from pgdatahub.config.option_fields import Option, options
from pgdatahub.config.options import FolderOptions
from pgdatahub.config.sheet_keys import REST, matching_sheet
from pgdatahub.config.yaml_nodes import compose, is_nothing
from pgdatahub.errors import ConfigError

DEFAULT_SHEET: Final = "default_sheet"
_COLUMNS: Final = "columns"
_FOLDER_OPTIONS = options(FolderOptions)
_COLUMN_OPTIONS = options(ColumnOptions)
_SHEETS: Final = "sheets"
_CELL_COLUMNS: Final = "cell_columns"
FILE_OPTIONS: Final = frozenset(
    {
        "sheet",
        "table_per_sheet",
        "reader",
        "encoding",
        "delimiter",
        "quote",
        "exclude",
        "password_env",
        "on_missing",
        "path_columns",
        "report_dir",
    }
)
"""Options that apply to whole files, not to single sheets."""
_FLAGS: Final = {
    name: Option(name=name, expects=BOOLEAN[0], help=text, default=False, parse=BOOLEAN[1])
    for name, text in (("skip", "leave the sheet out"), ("optional", "the sheet may be missing"))
}
ENTRY_OPTIONS = {name: option for name, option in _FOLDER_OPTIONS.items() if name not in FILE_OPTIONS} | _FLAGS
"""Options of an entry below ``sheets:``."""


def read_folders(path: Path, shown: str | None = None) -> FolderTree:
    """Read a file of folder options.

    Args:
        path: The file.
        shown: The file's name in messages.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or has an invalid key or value.
    """
    shown = shown or str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror or error}", where=shown) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8 text", where=shown, hint="save it as UTF-8") from error
    node = compose(text, shown)
    tree = FolderTree(_Reader(shown).root(node))
    for parts in ((), *(folder.parts for folder in tree.configured_folders())):
        tree.options_for(parts)  # raises now, not during a run, if options contradict each other
    return tree


class _Reader:
    """Conversion of YAML nodes to folders."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def root(self, node: Node | None) -> Folder:
        root = Folder(name="", where=self._shown)
        if node is None or is_nothing(node):
            return root
        if not isinstance(node, MappingNode):
            self._fail(node, "the file must map folders to their options", hint="for example  sales: {sheet: Sheet1}")
        self._folder(node, root, extra=(DEFAULT_SHEET,))
        return root

    def _folder(self, node: MappingNode, folder: Folder, *, extra: tuple[str, ...] = ()) -> None:
        default_sheet = None
        for key, key_node, value in self._items(node):
            if key.endswith("/") or "/" in key.strip("/"):
                self._subfolder(key, key_node, value, folder)
            elif key == _COLUMNS:
                folder.columns |= self._columns(value)
            elif key == _CELL_COLUMNS:
                folder.cell_columns |= self._cell_columns(value)
            elif key == _SHEETS:
                self._sheets(value, folder)
            elif isinstance(value, MappingNode) or (is_nothing(value) and key not in (*_FOLDER_OPTIONS, *extra)):
                self._subfolder(key, key_node, value, folder)
            elif key in extra:
                default_sheet = self._value(_FOLDER_OPTIONS["sheet"], key_node, value)
            elif key in _FOLDER_OPTIONS:
                folder.given[key] = self._value(_FOLDER_OPTIONS[key], key_node, value)
            else:
                hint = f"a folder is followed by its options:  {key}: {{sheet: {value.value}}}"
                # A folder's name may be similar to an option that cannot have such a value.
                takes = [name for name, option in _FOLDER_OPTIONS.items() if _takes(option, value)]
                valid = (*takes, _COLUMNS, _CELL_COLUMNS, _SHEETS, *extra)
                self._unknown(key_node, key, valid, "option", hint if isinstance(value, ScalarNode) else None)
        if default_sheet is not None:
            folder.given.setdefault("sheet", default_sheet)
        if folder.sheets and "sheet" in folder.given:
            self._fail(node, "sheet and sheets exclude each other", hint=f"name the sheets as keys below {_SHEETS}:")

    def _sheets(self, node: Node, folder: Folder) -> None:
        if not isinstance(node, MappingNode):
            self._fail(
                node, "sheets must map names of sheets to options", hint="for example  Policies: {table: policies}"
            )
        for key, key_node, value in self._items(node):
            name = matching_sheet(key)
            if not name:
                self._fail(
                    key_node, "a sheet needs a name", hint=f'"{REST}" is for all sheets without a key of their own'
                )
            if name in folder.sheets:
                self._fail(key_node, f"the sheet {key!r} is already defined", hint=f"as {folder.sheets[name].key!r}")
            is_list = isinstance(value, SequenceNode)
            nodes = value.value if is_list else [value]
            if not nodes:
                self._fail(
                    value, f"the list of tables of {key!r} is empty", hint=f"{key}: {{skip: true}} leaves it out"
                )
            entries = [self._entry(key, key_node, node) for node in nodes]
            folder.sheets[name] = SheetKey(key=key, entries=entries, is_list=is_list)

    def _entry(self, sheet: str, key_node: Node, node: Node) -> Entry:
        entry = Entry(where=self._where(key_node if is_nothing(node) else node))
        if is_nothing(node):
            return entry
        if not isinstance(node, MappingNode):
            hint = f"for example  {sheet}: {{table: policies}}"
            self._fail(node, f"the sheet {sheet!r} must be followed by its options", hint=hint)
        for key, option_node, value in self._items(node):
            if key == _COLUMNS:
                entry.columns = self._columns(value)
            elif key == _CELL_COLUMNS:
                entry.cell_columns = self._cell_columns(value)
            elif key in ENTRY_OPTIONS:
                entry.given[key] = self._value(ENTRY_OPTIONS[key], option_node, value)
            elif key in FILE_OPTIONS:
                self._fail(
                    option_node, f"{key} is an option of a folder, not of a sheet", hint=f"set it beside {_SHEETS}:"
                )
            else:
                self._unknown(option_node, key, (*ENTRY_OPTIONS, _COLUMNS, _CELL_COLUMNS), "option of a sheet")
        return entry

    def _subfolder(self, key: str, key_node: Node, value: Node, folder: Folder) -> None:
        parts = [part for part in key.split("/") if part]
        if not parts or any(part in (".", "..") for part in parts):
            self._fail(key_node, f"{key!r} is not a folder below the data root")
        if not isinstance(value, MappingNode) and not is_nothing(value):
            self._fail(value, f"the folder {key!r} must be followed by its options", hint="for example  sheet: Sheet1")
        for part in parts[:-1]:
            folder = folder.folders.setdefault(matching(part), Folder(name=part, where=self._where(key_node)))
        name = matching(parts[-1])
        if name in folder.folders:
            first = folder.folders[name].where
            self._fail(key_node, f"the folder {parts[-1]!r} is already defined", hint=f"first in {first}")
        below = folder.folders[name] = Folder(name=parts[-1], where=self._where(key_node))
        if isinstance(value, MappingNode):
            self._folder(value, below)

    def _columns(self, node: Node) -> dict[str, Column]:
        columns: dict[str, Column] = {}
        if is_nothing(node):
            return columns
        if not isinstance(node, MappingNode):
            self._fail(node, "columns must map headers to options", hint="for example  Amount: {type: numeric}")
        for header, key_node, value in self._items(node):
            if not header.strip():
                self._fail(key_node, "a column needs a header or a name", hint="column_7 is the seventh")
            if not isinstance(value, MappingNode):
                hint = f"for example  {header}: {{type: numeric}}"
                self._fail(value, f"the column {header!r} must be followed by its options", hint=hint)
            column = columns[header] = Column(where=self._where(key_node))
            for key, option_node, option_value in self._items(value):
                if key not in _COLUMN_OPTIONS:
                    self._unknown(option_node, key, _COLUMN_OPTIONS, "option of a column")
                column.given[key] = self._value(_COLUMN_OPTIONS[key], option_node, option_value)
        return columns

    def _cell_columns(self, node: Node) -> dict[str, str]:
        if not isinstance(node, MappingNode):
            self._fail(node, "cell_columns must map names of columns to cells", hint="for example  as_of: B1")
        cells = {}
        for key, key_node, value in self._items(node):
            name = Option(name=key, expects=COLUMN_NAME[0], help="", default=None, parse=COLUMN_NAME[1])
            try:
                name.parse(key)
            except ValueError as error:
                self._fail(key_node, f"the column {key!r}: {error}")
            cell = Option(name=key, expects=CELL[0], help="", default=None, parse=CELL[1])
            cells[key] = self._value(cell, key_node, value)
        return cells

    def _items(self, node: MappingNode) -> Iterator[tuple[str, Node, Node]]:
        lines: dict[str, int] = {}
        for key_node, value in node.value:
            if not isinstance(key_node, ScalarNode):
                self._fail(key_node, "a key must be a plain text")
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                self._fail(key_node, "merge keys are not supported", hint="folders inherit the options above them")
            if key in lines:
                self._fail(key_node, f"{key!r} is already defined", hint=f"first in line {lines[key]}")
            lines[key] = key_node.start_mark.line + 1
            yield key, key_node, value

    def _value(self, option: Option, key_node: Node, node: Node) -> Any:
        name = str(key_node.value)
        if is_nothing(node):
            self._fail(key_node, f"{name} has no value", hint=f"it must be {option.expects}; or leave it out")
        written = self._written(option, node, name)
        try:
            return option.parse(written)
        except ValueError as error:
            reason = str(error) if error.args else ""
            shown = repr(written) if isinstance(written, str) else f"[{', '.join(map(repr, written))}]"
            close = get_close_matches(written, option.choices, n=1) if isinstance(written, str) else []
            self._fail(
                node,
                f"{name} must be {option.expects}{'' if option.secret else f', not {shown}'}{f': {reason}' if reason else ''}",
                hint=f"did you mean {close[0]}?" if close else None,
            )

    def _written(self, option: Option, node: Node, name: str) -> Written:
        if isinstance(node, ScalarNode):
            return str(node.value)
        if isinstance(node, MappingNode) or not all(isinstance(item, ScalarNode) for item in node.value):
            self._fail(node, f"{name} must be {option.expects}")
        return tuple(str(item.value) for item in node.value)

    def _unknown(
        self, node: Node, key: str, valid: Collection[str], what: str, otherwise: str | None = None
    ) -> NoReturn:
        close = get_close_matches(key.lower(), valid, n=1, cutoff=0.7)
        hint = f"did you mean {close[0]}?" if close else otherwise or f"valid: {', '.join(valid)}"
        self._fail(node, f"{key!r} is not an {what}", hint=hint)

    def _fail(self, node: Node, message: str, *, hint: str | None = None) -> NoReturn:
        raise ConfigError(message, where=self._where(node), hint=hint)

    def _where(self, node: Node) -> str:
        return f"{self._shown}:{node.start_mark.line + 1}"


def _takes(option: Option, node: Node) -> bool:
    """Return whether a value may be meant for an option; a choice takes only similar words."""
    if not isinstance(node, ScalarNode) or not (option.choices or isinstance(option.default, bool)):
        return True
    try:
        option.parse(str(node.value))
    except ValueError:
        return get_close_matches(str(node.value).lower(), option.choices or ("true", "false", "yes", "no"), n=1) != []
    return True
