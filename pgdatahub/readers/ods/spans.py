"""Attributes of rows, columns and cells that stand for several: repeated ones and merged areas."""

from __future__ import annotations

from collections.abc import Mapping

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import names
from pgdatahub.readers.tables.merged_areas import Area


def number_of(attributes: Mapping[str, str], name: str) -> int:
    """Return the number of an attribute, 1 if it is not there or not a number of at least 1."""
    text = attributes.get(name, "1").strip()
    return max(1, int(text)) if text.isdecimal() and len(text) < 12 else 1


def add_area(areas: list[Area], attributes: Mapping[str, str], row: int, column: int, limits: Limits) -> None:
    """Add the merged area that a cell begins, if it is larger than the cell.

    Raises:
        CorruptError: There are too many areas.
    """
    rows = number_of(attributes, names.ROWS_SPANNED)
    columns = number_of(attributes, names.COLUMNS_SPANNED)
    if rows < 2 and columns < 2:
        return
    last_column = min(column + columns, limits.columns) - 1
    areas.append(Area(first_row=row, first_column=column, last_row=row + rows - 1, last_column=last_column))
    if len(areas) > limits.merged_areas:
        raise CorruptError(f"there are more than {limits.merged_areas:,} merged areas", hint=DAMAGED)
