"""The workbook part of a package: its sheets, and the new sheet that is added as the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pgdatahub.model.workbooks import SheetInfo, sheet_labels
from pgdatahub.readers.choice.own_sheets import own_sheet_name
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.office_workbook import find_workbook_part
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.packages.worksheet_entries import SheetEntry, sheet_entry, with_cells
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.small_part import Element, SmallPart
from pgdatahub.reports.marked.tags import as_value

_MAX_SHEET_ID: Final = 65_534


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSheet:
    """The sheet that is added: its name and the identifier of its relationship."""

    name: str
    relationship: str


class WorkbookPart:
    """The workbook part.

    Args:
        package: The package.
        limits: The limits on its markup.

    Raises:
        UnmarkableError: The part has another form than that of the standard.
        CorruptError: The part is missing or damaged.
    """

    def __init__(self, package: Package, limits: Limits) -> None:
        name = find_workbook_part(package)
        if name is None or name.lower().endswith(".bin"):
            raise UnmarkableError("the workbook is not in XML")
        self.name = name
        self._part = SmallPart.read(package.open(name), limits, depth=3)
        part = self._part
        sheets = part.child(part.root, "sheets")
        if part.root.name != "workbook" or sheets is None:
            raise UnmarkableError("the workbook part has an unusual form")
        self._sheets = sheets
        self._listed = [one for one in part.children(sheets) if one.name == "sheet"]
        if not self._listed:
            raise UnmarkableError("the workbook part lists no sheets")
        relationships = {found.identifier: found for found in package.relationships(name)}
        entries = [
            sheet_entry(
                name=one.attributes.get("name", ""),
                visible=one.attributes.get("state", "visible") == "visible",
                relationship=relationships.get(_relationship(one)),
            )
            for one in self._listed
        ]
        self.all_entries: Sequence[SheetEntry] = entries
        self.entries: Sequence[SheetEntry] = with_cells(entries)
        """The sheets with cells, as the readers count them."""

    @property
    def namespace(self) -> str:
        """The namespace of the workbook's parts, which differs between strict and transitional files."""
        return self._part.root.uri

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the sheets with cells."""
        return sheet_labels([SheetInfo(name=entry.name, visible=entry.visible) for entry in self.entries])

    def free_name(self) -> str:
        """Return a name for the list that no sheet has."""
        return own_sheet_name(entry.name for entry in self.all_entries)

    def add_sheet(self, sheet: NewSheet) -> None:
        """Add a sheet behind all others, and have the workbook opened with it.

        Raises:
            UnmarkableError: The sheets have no free identifier, or an unusual form.
        """
        part = self._part
        numbers = [int(text) for one in self._listed if (text := one.attributes.get("sheetId", "")[:9]).isdecimal()]
        number = max(numbers, default=0) + 1
        reference = next((key for key in part.written(self._listed[-1]) if key.endswith(":id")), None)
        if number > _MAX_SHEET_ID or reference is None:
            raise UnmarkableError("the workbook part has an unusual form")
        part.append(
            self._sheets,
            f'<{part.prefix}sheet name="{as_value(sheet.name)}" sheetId="{number}" {reference}="{sheet.relationship}"/>',
        )
        position = str(len(self._listed))
        views = part.child(part.root, "bookViews")
        shown = [one for one in part.children(views) if one.name == "workbookView"] if views is not None else []
        for view in shown:
            part.set(view, activeTab=position)
        if not shown:
            new = f'<{part.prefix}workbookView activeTab="{position}"/>'
            if views is None:
                part.insert(self._sheets.start, f"<{part.prefix}bookViews>{new}</{part.prefix}bookViews>")
            else:
                part.append(views, new)

    def render(self) -> bytes:
        """Return the part."""
        return self._part.render()


def _relationship(sheet: Element) -> str:
    return next((value for key, value in sheet.attributes.items() if key.endswith("/relationships id")), "")
