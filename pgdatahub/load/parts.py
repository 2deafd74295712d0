"""Parts of a file: what the file brings to each table, and the sheets that it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgdatahub.model.files import SourceFile
from pgdatahub.model.workbooks import SheetInfo, sheet_labels
from pgdatahub.readers.sheets import choose_sheets


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSheet:
    """A sheet that brings rows to a part.

    Attributes:
        position: Its position in the workbook, from 0.
        label: Its name in messages.
        source: The file with the part's table and the settings for the sheet.
    """

    position: int
    label: str
    source: SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The content of a file for one table.

    Attributes:
        source: The file with the part's table and settings.
        sheets: The sheets that its rows come from, in the order of the rows.
    """

    source: SourceFile
    sheets: tuple[PartSheet, ...]


def parts_of(source: SourceFile, sheets: Sequence[SheetInfo]) -> tuple[Part, ...]:
    """Return the parts of a file, in the order in which they are loaded.

    Raises:
        SheetError: The workbook does not have the sheets that the settings name.
    """
    labels = sheet_labels(sheets)
    chosen = choose_sheets(sheets, source.options)
    return (
        Part(
            source=source,
            sheets=tuple(PartSheet(position=position, label=labels[position], source=source) for position in chosen),
        ),
    )
