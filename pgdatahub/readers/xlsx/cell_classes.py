"""Classes of cells: the meaning of a cell's text by the cell's type and style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pgdatahub.readers.numbers.number_formats import NUMBER, NumberFormat
from pgdatahub.readers.xlsx.number_texts import InvalidNumberError, is_no_number, plain_number, shown


class Source(Enum):
    """The kind of text that a cell has."""

    NUMBER = "n"
    SHARED = "s"
    """The index of a shared string."""
    TEXT = "str"
    """The text itself: a formula's result or an inline string."""
    BOOLEAN = "b"
    ERROR = "e"
    DATE = "d"
    """ISO 8601."""
    UNCACHED = "uncached"
    """No text: a formula that was never computed."""
    INVALID = "invalid"
    """The fault of a cell that no column can hold."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellClass:
    """The meaning of a cell's text; one object for each combination in a workbook, compared by identity.

    Attributes:
        source: The kind of text.
        format: The number format of the cell's style.
    """

    source: Source
    format: NumberFormat = NUMBER


UNCACHED_CLASS = CellClass(source=Source.UNCACHED)
INVALID_CLASS = CellClass(source=Source.INVALID)

_SOURCES = {
    "": Source.NUMBER,
    "n": Source.NUMBER,
    "s": Source.SHARED,
    "str": Source.TEXT,
    "inlineStr": Source.TEXT,
    "b": Source.BOOLEAN,
    "e": Source.ERROR,
    "d": Source.DATE,
}


class CellClasses:
    """The classes of a workbook's cells, by the attributes ``t`` and ``s``.

    Args:
        styles: The number formats of the cell styles.
    """

    def __init__(self, styles: Sequence[NumberFormat]) -> None:
        self._styles = styles
        self._known: dict[tuple[str, str], CellClass | None] = {}
        self._classes: dict[tuple[Source, NumberFormat], CellClass] = {}

    def get(self, cell_type: str, style: str) -> CellClass | None:
        """Return the class of a cell; None for an unknown type. A style that the workbook does not define is General."""
        try:
            return self._known[cell_type, style]
        except KeyError:
            if len(self._known) > 100_000:  # more than Excel's 65,490 styles: a crafted file
                self._known.clear()
            found = self._known[cell_type, style] = self._find(cell_type, style)
            return found

    def checked(self, cell_type: str, style: str, value: str) -> tuple[CellClass, bytes]:
        """Return a cell's class and its text as the converter takes it; a text that its type cannot have is invalid."""
        cell_class = self.get(cell_type, style)
        if cell_class is None:
            return INVALID_CLASS, f"{cell_type[:40]!r} is not a type of cell".encode()
        source = cell_class.source
        if source is Source.TEXT:
            return cell_class, value.encode()
        text = value.encode().strip()
        if source is Source.NUMBER and text:
            if is_no_number(value):
                return self.get("e", style) or INVALID_CLASS, text
            try:
                return cell_class, plain_number(text)
            except InvalidNumberError as error:
                return INVALID_CLASS, str(error).encode()
        if source is Source.SHARED and not (text.isdigit() and len(text) < 12):
            return INVALID_CLASS, f"{shown(text)} is not the index of a shared string".encode()
        return cell_class, text

    def _find(self, cell_type: str, style: str) -> CellClass | None:
        source = _SOURCES.get(cell_type)
        if source is None:
            return None
        number_format = NUMBER
        if source is Source.NUMBER and style.isdecimal() and len(style) < 9 and int(style) < len(self._styles):
            number_format = self._styles[int(style)]
        return self._classes.setdefault((source, number_format), CellClass(source=source, format=number_format))
