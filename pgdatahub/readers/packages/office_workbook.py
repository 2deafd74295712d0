"""Workbooks of Office Open XML, in XML or in binary records: parts, listed sheets, styles and shared strings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, TypeVar

from pgdatahub.errors import CorruptError, NotAWorkbookError
from pgdatahub.model.workbooks import Sheet, SheetInfo
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.packages.package import Package, Relationship
from pgdatahub.readers.packages.package_workbook import PackageWorkbook
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.packages.worksheet_entries import SheetEntry, positions_of, require_worksheet, with_cells


class OfficeSheet(Sheet, Protocol):
    """A sheet whose rows may come in another order than that of their numbers."""

    out_of_order: bool


AnyOfficeSheet = TypeVar("AnyOfficeSheet", bound=OfficeSheet)


class OfficeWorkbook(PackageWorkbook[AnyOfficeSheet]):
    """A workbook of Office Open XML; see :class:`PackageWorkbook`."""

    WITHOUT_WORKBOOK: ClassVar[str]
    """The error of a zip file without such a workbook."""
    _styles_part: str | None
    """The name of the part with the styles, which need not exist."""

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The listed sheets in their order, without those of charts, dialogs and macros, which have no cells to load.

        A sheet whose part is missing or is of another kind is among them: it must fail the file that asks for it, not
        let the next sheet slip into its place.
        """
        return [SheetInfo(name=entry.name, visible=entry.visible) for entry in self._entries]

    def needs_second_reading(self) -> bool:
        """Return whether the open sheet has rows that are not in order; the next sheet opened at its position is sorted."""
        if self._opened is None or not self._opened[1].out_of_order:
            return False
        self._any_order.add(self._opened[0])
        return True

    def _open_package(self, package: Package) -> None:
        self._styles: Sequence[NumberFormat] | None = None
        self._opened: tuple[int, AnyOfficeSheet] | None = None
        self._any_order: set[int] = set()
        part = find_workbook_part(package)
        if part is None:
            raise NotAWorkbookError(self.WITHOUT_WORKBOOK)
        relationships = {found.identifier: found for found in package.relationships(part)}
        self._part = part
        self._listed = self._list_sheets(package, part, relationships)
        self._entries = with_cells(self._listed)

    @abstractmethod
    def _list_sheets(self, package: Package, part: str, relationships: Mapping[str, Relationship]) -> list[SheetEntry]:
        """Read the workbook part, and return the sheets that it lists."""

    @abstractmethod
    def _read_style_part(self, stream: PartStream) -> Sequence[NumberFormat]:
        """Read the number formats of the cell styles."""

    @property
    def _positions(self) -> list[int | None]:
        """The position among ``sheets`` of each listed sheet; None for one without cells."""
        return positions_of(self._listed, self._entries)

    @property
    def _worksheet_parts(self) -> dict[int, str]:
        return {position: entry.part for position, entry in enumerate(self._entries) if entry.kind == "worksheet"}

    def _open_part(self, position: int) -> PartStream:
        entry = self._entries[position]
        require_worksheet(entry)
        return self._package.open(entry.part, limit=self._limits.part_bytes)

    def _open_optional(self, part: str | None, *, limit: int | None = None) -> PartStream | None:
        """Open a part that a workbook need not have."""
        return None if part is None or part not in self._package else self._package.open(part, limit=limit)

    def _read_styles(self) -> Sequence[NumberFormat]:
        if self._styles is None:
            stream = self._open_optional(self._styles_part)
            self._styles = () if stream is None else self._read_style_part(stream)
        return self._styles


def find_workbook_part(package: Package) -> str | None:
    """Return the name of the part that is the workbook, in XML or in binary records; None if there is none.

    Raises:
        CorruptError: The package refers to a workbook part that is missing.
    """
    for relationship in package.relationships(""):
        if relationship.type == "officeDocument":
            if relationship.target not in package:
                raise CorruptError(f"the part {relationship.target} is missing", hint=DAMAGED)
            return relationship.target
    for part, content_type in package.content_types().items():
        if "spreadsheetml" in content_type and content_type.endswith(".main+xml"):
            return part
        if content_type.lower().endswith(".binary.macroenabled.main") and part in package:
            return part
    return next((part for part in ("xl/workbook.xml", "xl/workbook.bin") if part in package), None)
