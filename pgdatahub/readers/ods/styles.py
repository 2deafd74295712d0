"""Styles of an OpenDocument spreadsheet, as far as values and visibility depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.number_formats import NUMBER, NumberFormat
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.data_styles import DataStyle, add_element, begin_data_style, literal, number_format, padding
from pgdatahub.readers.packages.markup import GuardedParser, Stream

_PIECE: Final = 64 * 1024
_DEEPEST: Final = 32
"""Styles above a style; more are a circle."""
_MOST_STYLES: Final = 250_000
_LITERALS: Final = frozenset({f"{names.NUMBER}text", f"{names.NUMBER}embedded-text"})
_DEFAULT: Final = "Default"
"""The style of cells that name none (LibreOffice, Excel)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _CellStyle:
    """A cell style: its own data style, else that of its parent."""

    parent: str
    data: str


class Styles:
    """Cell styles, data styles and hidden sheets of a spreadsheet, first those of ``styles.xml``, then the automatic ones."""

    def __init__(self) -> None:
        self._cells: dict[str, _CellStyle] = {}
        self._data: dict[str, DataStyle] = {}
        self._formats: dict[str, NumberFormat] = {}
        self.hidden_sheets: set[str] = set()
        """Names of the table styles that hide their sheets."""

    def add_cell_style(self, name: str, parent: str, data: str) -> None:
        """Add a cell style.

        Raises:
            CorruptError: The spreadsheet has too many styles.
        """
        self._cells[name] = _CellStyle(parent=parent, data=data)
        self._check()

    def add_data_style(self, name: str, style: DataStyle) -> None:
        """Add a data style.

        Raises:
            CorruptError: The spreadsheet has too many styles.
        """
        self._data[name] = style
        self._check()

    def number_format(self, name: str) -> NumberFormat:
        """Return the number format of a cell style; plain numbers for a style that is not there."""
        found = self._formats.get(name)
        if found is None:
            found = self._formats[name] = self._find(name)
        return found

    def number_formats(self, most: int) -> Mapping[str, NumberFormat] | None:
        """Return the cell styles that do not show plain numbers; None if there are more than ``most`` cell styles."""
        if len(self._cells) > most:
            return None
        formats = {name: self.number_format(name) for name in self._cells}
        return {name: found for name, found in formats.items() if found != NUMBER}

    def _find(self, name: str) -> NumberFormat:
        for _ in range(_DEEPEST):
            style = self._cells.get(name)
            if style is None:
                return NUMBER
            if style.data:
                return number_format(self._data[style.data], self._data) if style.data in self._data else NUMBER
            name = style.parent or (_DEFAULT if name != _DEFAULT else "")
        return NUMBER

    def _check(self) -> None:
        if len(self._cells) + len(self._data) > _MOST_STYLES:
            raise CorruptError(f"the spreadsheet has more than {_MOST_STYLES:,} styles", hint=DAMAGED)


class StyleReader:
    """Reader of the styles in ``styles.xml``, or in ``content.xml`` before its tables.

    Args:
        styles: Where the styles go.
    """

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self._table = ""
        self._data: DataStyle | None = None
        self._data_name = ""
        self._data_depth = 0
        self._literal: list[str] | None = None
        self._embedded: list[tuple[int, str]] = []
        self._position = 0
        self._number: tuple[str, Mapping[str, str]] | None = None

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element."""
        if self._data is not None:
            self._data_depth += 1
            self._start_in_data_style(self._data, element, attributes)
        elif element == names.STYLE_ELEMENT:
            self._start_style(attributes)
        elif element == names.DEFAULT_STYLE:
            self._table = ""
        elif element == names.TABLE_PROPERTIES:
            if self._table and attributes.get(names.DISPLAY) == "false":
                self._styles.hidden_sheets.add(self._table)
        elif element in names.DATA_STYLES:
            self._data = begin_data_style(element, attributes)
            self._data_name = attributes.get(names.STYLE_OWN_NAME, "")
            self._data_depth = 0

    def end(self) -> None:
        """Take the end of an element."""
        if self._data is None:
            return
        if self._data_depth == 0:
            self._styles.add_data_style(self._data_name, self._data)
            self._data = None
            return
        self._data_depth -= 1
        if self._literal is not None:
            text, self._literal = "".join(self._literal), None
            if self._data_depth == 0:
                self._data.add(literal(text) if text.strip() else padding(text))
            else:
                self._embedded.append((self._position, text))
        elif self._data_depth == 0 and self._number is not None:
            self._end_number(self._data, *self._number)
            self._number = None

    def text(self, data: str) -> None:
        """Take character data."""
        if self._literal is not None:
            self._literal.append(data)

    def _start_style(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get(names.STYLE_OWN_NAME, "")
        family = attributes.get(names.FAMILY)
        self._table = name if family == "table" else ""
        if family == "table-cell":
            self._styles.add_cell_style(
                name, attributes.get(names.PARENT_STYLE, ""), attributes.get(names.DATA_STYLE, "")
            )

    def _start_in_data_style(self, style: DataStyle, element: str, attributes: Mapping[str, str]) -> None:
        if element in _LITERALS:
            self._literal = []
            position = attributes.get(names.POSITION, "0")
            self._position = int(position) if position.isdecimal() and len(position) < 6 else 0
        elif element == names.MAP:
            style.add_map(attributes.get(names.MAP_CONDITION, ""), attributes.get(names.MAP_STYLE, ""))
        elif self._data_depth == 1:
            self._number = (element, attributes)
            self._embedded = []

    def _end_number(self, style: DataStyle, element: str, attributes: Mapping[str, str]) -> None:
        add_element(style, element, attributes, self._embedded)


def read_styles(stream: Stream, styles: Styles, limits: Limits) -> None:
    """Add the styles of ``styles.xml``.

    Raises:
        CorruptError: The part is damaged, or asks too much.
    """
    reader = StyleReader(styles)
    depth = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > limits.depth:
            raise CorruptError(f"the part {stream.name} nests elements more than {limits.depth} deep", hint=DAMAGED)
        reader.start(name, attributes)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end()

    parser = GuardedParser(stream.name, limits, start=start, end=end, text=reader.text, mapping=True)
    while data := stream.read(_PIECE):
        parser.feed(data)
    parser.feed(b"", final=True)
