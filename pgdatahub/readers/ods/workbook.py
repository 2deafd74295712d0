"""An OpenDocument spreadsheet that is open for reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pgdatahub.errors import EncryptedError, FileError, NotAWorkbookError
from pgdatahub.model.workbooks import RangeInfo, SheetInfo, sheet_labels
from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits
from pgdatahub.readers.markup import start_elements
from pgdatahub.readers.ods.content import Content, has_table_tag
from pgdatahub.readers.ods.ranges import read_ranges
from pgdatahub.readers.ods.sheet import OdsSheet
from pgdatahub.readers.ods.sheet_list import list_sheets
from pgdatahub.readers.ods.styles import Styles, read_styles
from pgdatahub.readers.package import Package
from pgdatahub.readers.part_stream import PartStream
from pgdatahub.readers.xlsx.native.scanner import core_has_table_tag
from pgdatahub.readers.xlsx.reader_choice import Reader

_CONTENT: Final = "content.xml"
_STYLES: Final = "styles.xml"
_MANIFEST: Final = "META-INF/manifest.xml"


class OdsWorkbook:
    """An ``.ods`` workbook, as :class:`pgdatahub.model.workbooks.Workbook` asks for.

    Args:
        file: A path, or the bytes, seekable; a file object given is closed with the workbook.
        name: The file's name, for errors.
        merged: Whether a merged area's value stands in its first cell or in all of them.
        limits: How much the file may ask.
        reader: The reader of the sheets.

    Raises:
        ReadError: The file cannot be read as such a workbook.
    """

    def __init__(
        self,
        file: BinaryIO | Path,
        *,
        name: str,
        merged: Literal["top_left", "fill"] = "top_left",
        limits: Limits = DEFAULT_LIMITS,
        reader: Reader = "python",
    ) -> None:
        self._reader = reader
        self._name = name
        self._merged = merged
        self._limits = limits
        self._ranges: Sequence[RangeInfo] | None = None
        self._file: BinaryIO = file.open("rb") if isinstance(file, Path) else file
        try:
            self._open()
        except FileError as error:
            self.close()
            raise error.located(name) from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        package = self._package = Package(self._file, self._limits)
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
        self._labels = sheet_labels(self.sheets)

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The sheets in their order."""
        return [SheetInfo(name=sheet.name, visible=sheet.visible) for sheet in self._sheets]

    @property
    def ranges(self) -> Sequence[RangeInfo]:
        """The database ranges, as tables, and the named ranges; read at the first use.

        Raises:
            CorruptError: The content is damaged.
        """
        if self._ranges is None:
            try:
                self._ranges = read_ranges(self._content, _CONTENT, self._sheets, self._limits)
            except FileError as error:
                raise error.located(self._name) from error
        return self._ranges

    def open(self, position: int) -> OdsSheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: The sheet is damaged.
        """
        label = self._labels[position]
        where = f"{self._name} › {label}"
        try:
            return OdsSheet(
                name=label,
                where=where,
                part=_CONTENT,
                content=self._content,
                table=self._sheets[position].table,
                styles=self._styles,
                null_date=self._null_date,
                limits=self._limits,
                fill_merged=self._merged == "fill",
                reader=self._reader,
            )
        except FileError as error:
            raise error.located(where) from error

    def has_values(self, position: int) -> bool:
        """Return whether the sheet ``sheets[position]`` has a cell with a value.

        Raises:
            ReadError: The sheet is damaged.
        """
        return any(batch.rows for batch in self.open(position).batches(1))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

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
