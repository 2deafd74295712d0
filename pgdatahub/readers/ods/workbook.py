"""An OpenDocument spreadsheet that is open for reading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pgdatahub.errors import EncryptedError, NotAWorkbookError
from pgdatahub.model.workbooks import RangeInfo, SheetInfo
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods.content import Content, has_table_tag
from pgdatahub.readers.ods.ranges import read_ranges
from pgdatahub.readers.ods.sheet import OdsSheet
from pgdatahub.readers.ods.sheet_list import list_sheets
from pgdatahub.readers.ods.styles import Styles, read_styles
from pgdatahub.readers.packages.markup import start_elements
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.packages.package_workbook import PackageWorkbook
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.xlsx.native.scanner import core_has_table_tag

_CONTENT: Final = "content.xml"
_STYLES: Final = "styles.xml"
_MANIFEST: Final = "META-INF/manifest.xml"


class OdsWorkbook(PackageWorkbook[OdsSheet]):
    """An ``.ods`` workbook; see :class:`~pgdatahub.readers.packages.package_workbook.PackageWorkbook`."""

    def _open_package(self, package: Package) -> None:
        if _MANIFEST in package:
            _refuse_encrypted(package, self._limits)
        if _CONTENT not in package:
            raise NotAWorkbookError("the file is a ZIP archive without a spreadsheet in it")
        self._styles = Styles()
        if _STYLES in package:
            read_styles(package.open(_STYLES), self._styles, self._limits)
        self._content = Content(
            self._open_content,
            self._limits,
            size=self._open_content().size,
            has_tag=core_has_table_tag if self._reader == "native" else has_table_tag,
        )
        found = list_sheets(self._content, _CONTENT, self._styles, self._limits)
        self._sheets = found.sheets
        self._null_date = found.null_date

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The sheets in their order."""
        return [SheetInfo(name=sheet.name, visible=sheet.visible) for sheet in self._sheets]

    def _read_ranges(self) -> Sequence[RangeInfo]:
        return read_ranges(self._content, _CONTENT, self._sheets, self._limits)

    def _open_sheet(self, position: int, label: str, where: str) -> OdsSheet:
        return OdsSheet(
            name=label,
            where=where,
            part=_CONTENT,
            content=self._content,
            table=self._sheets[position].table,
            styles=self._styles,
            null_date=self._null_date,
            limits=self._limits,
            fill_merged=self._fill_merged,
            reader=self._reader,
        )

    def has_values(self, position: int) -> bool:
        """Return whether the sheet ``sheets[position]`` has a cell with a value.

        Raises:
            ReadError: The sheet is damaged.
        """
        return any(batch.rows for batch in self.open(position).batches(1))

    def _open_content(self) -> PartStream:
        return self._package.open(_CONTENT, limit=self._limits.part_bytes)


def _refuse_encrypted(package: Package, limits: Limits) -> None:
    """Refuse a package whose manifest says that its parts are encrypted (ODF 1.3 part 2, 3.4)."""
    for _, element, _ in start_elements(package.open(_MANIFEST), limits):
        if element == "encryption-data":
            raise EncryptedError(
                "the workbook is protected by a password",
                hint="open it in LibreOffice or Excel and save it without one",
            )
