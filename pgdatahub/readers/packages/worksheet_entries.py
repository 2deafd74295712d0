"""Sheets as the workbook part of an Office Open XML package lists them, in XML or in binary records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.packages.package import Relationship

WITHOUT_CELLS: Final = frozenset({"chartsheet", "dialogsheet", "xlMacrosheet", "xlIntlMacrosheet"})
"""Types of relationships that lead to sheets of other kinds, which have no cells to load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntry:
    """A sheet as the workbook part lists it.

    Attributes:
        name: Its name.
        visible: It is not hidden.
        kind: The type of the relationship that leads to its part; ``missing`` for none.
        part: The part's name, empty for none.
    """

    name: str
    visible: bool
    kind: str
    part: str


def sheet_entry(*, name: str, visible: bool, relationship: Relationship | None) -> SheetEntry:
    """Return a listed sheet with the part that its relationship leads to."""
    if relationship is None:
        return SheetEntry(name=name, visible=visible, kind="missing", part="")
    return SheetEntry(name=name, visible=visible, kind=relationship.type, part=relationship.target)


def with_cells(entries: Iterable[SheetEntry]) -> list[SheetEntry]:
    """Return the sheets without those of charts, dialogs and macros, which have no cells to load.

    A sheet whose part is missing or is of another kind stays: it must fail the file that asks for it, not let the next
    sheet slip into its place. So does a sheet whose part is another sheet's before it: a small file could have thousands
    of them.
    """
    seen: set[str] = set()
    found = []
    for entry in entries:
        if entry.kind == "worksheet" and entry.part.lower() in seen:
            entry = replace(entry, kind="shared")
        seen.add(entry.part.lower())
        if entry.kind not in WITHOUT_CELLS:
            found.append(entry)
    return found


def positions_of(listed: Sequence[SheetEntry], entries: Sequence[SheetEntry]) -> list[int | None]:
    """Return the position among ``entries`` of each listed sheet; None for a sheet without cells."""
    keys = [(entry.name, entry.part) for entry in entries]
    return [keys.index((one.name, one.part)) if (one.name, one.part) in keys else None for one in listed]


def require_worksheet(entry: SheetEntry) -> None:
    """Check that the workbook part leads to a worksheet.

    Raises:
        CorruptError: The relationship is missing, is of another kind, or leads to the part of another sheet.
    """
    if entry.kind == "missing":
        raise CorruptError("the workbook lists this sheet and has no part for it", hint=DAMAGED)
    if entry.kind == "shared":
        raise CorruptError(f"another sheet before this one has the same part, {entry.part}", hint=DAMAGED)
    if entry.kind != "worksheet":
        raise CorruptError(
            f"the workbook lists this sheet, and its part {entry.part} is not a worksheet ({entry.kind})", hint=DAMAGED
        )
