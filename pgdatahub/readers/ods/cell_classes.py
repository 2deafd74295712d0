"""Classes of cells by their source and the name of their style."""

from __future__ import annotations

from pgdatahub.readers.numbers.number_formats import NUMBER
from pgdatahub.readers.ods.cells import CellClass, Converter, Source
from pgdatahub.readers.ods.styles import Styles


class CellClasses(dict[tuple[str, str], CellClass]):
    """Value of a source and name of a style, or an empty text → class, found at the first request.

    Args:
        styles: The styles of the workbook.
        converter: Makes columns of texts.
    """

    def __init__(self, styles: Styles, converter: Converter) -> None:
        super().__init__()
        self._styles = styles
        self._converter = converter

    def __missing__(self, key: tuple[str, str]) -> CellClass:
        """Find the class of a source and a style."""
        source, style = key
        number_format = self._styles.number_format(style) if style else NUMBER
        found = self[key] = self._converter.cell_class(Source(source), number_format)
        return found
