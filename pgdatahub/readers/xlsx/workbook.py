"""A workbook that is open for reading: its sheets, styles and shared strings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from pgdatahub.errors import FileError
from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.packages.markup import TRUE, start_elements
from pgdatahub.readers.packages.office_workbook import OfficeWorkbook
from pgdatahub.readers.packages.package import Package, Relationship
from pgdatahub.readers.packages.package_workbook import Reader
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.packages.worksheet_entries import SheetEntry, require_worksheet, sheet_entry
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.xlsx.bad_characters import name_bad_cells
from pgdatahub.readers.xlsx.cell_classes import CellClasses
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.first_value import has_value
from pgdatahub.readers.xlsx.native.source import NativeSource
from pgdatahub.readers.xlsx.native.strings import NativeStrings, read_native_strings
from pgdatahub.readers.xlsx.python_source import PythonSource
from pgdatahub.readers.xlsx.ranges import read_ranges
from pgdatahub.readers.xlsx.reader_choice import describe_reader
from pgdatahub.readers.xlsx.shared_strings import read_shared_strings
from pgdatahub.readers.xlsx.sheet import XlsxSheet
from pgdatahub.readers.xlsx.sheet_source import SheetSource
from pgdatahub.readers.xlsx.string_table import SharedStrings
from pgdatahub.readers.xlsx.styles import read_styles


class XlsxWorkbook(OfficeWorkbook[XlsxSheet]):
    """An ``.xlsx`` or ``.xlsm`` workbook.

    Args:
        file: A path, or the bytes, seekable; a file object given is closed with the workbook.
        name: The file's name, for errors.
        merged: Whether a merged area's value stands in its first cell or in all of them.
        limits: How much the file may ask.
        piece_bytes: Bytes of a sheet that are inflated at a time.
        reader: The reader of the worksheets.

    Raises:
        ReadError: The file cannot be read as such a workbook.
    """

    WITHOUT_WORKBOOK = "this is a zip file, and no workbook is in it"

    def __init__(
        self,
        file: BinaryIO | Path,
        *,
        name: str,
        merged: Literal["top_left", "fill"] = "top_left",
        limits: Limits = DEFAULT_LIMITS,
        piece_bytes: int = 1024 * 1024,
        reader: Reader = "python",
    ) -> None:
        self._piece_bytes = piece_bytes
        self._strings: SharedStrings | NativeStrings | None = None
        self._areas: dict[int, Sequence[Area]] = {}
        super().__init__(file, name=name, merged=merged, limits=limits, reader=reader)

    def _list_sheets(self, package: Package, part: str, relationships: Mapping[str, Relationship]) -> list[SheetEntry]:
        by_type = {found.type: found.target for found in relationships.values()}
        self._styles_part = by_type.get("styles")
        self._strings_part = by_type.get("sharedStrings")
        self._date1904 = self._recalculated = False
        entries: list[SheetEntry] = []
        for parent, element, attributes in start_elements(package.open(part), self._limits):
            if element == "workbookPr" and parent == "workbook":
                self._date1904 = attributes.get("date1904") in TRUE
            elif element == "calcPr" and parent == "workbook":
                self._recalculated = attributes.get("fullCalcOnLoad") in TRUE
            elif element == "sheet" and parent == "sheets":
                identifier = next((value for key, value in attributes.items() if key.endswith("/relationships id")), "")
                entries.append(
                    sheet_entry(
                        name=attributes.get("name", ""),
                        visible=attributes.get("state", "visible") == "visible",
                        relationship=relationships.get(identifier),
                    )
                )
        return entries

    def _read_style_part(self, stream: PartStream) -> Sequence[NumberFormat]:
        return read_styles(stream, self._limits)

    def _read_ranges(self) -> Sequence[RangeInfo]:
        names = [entry.name for entry in self._entries]
        return read_ranges(self._package, self._part, self._worksheet_parts, self._positions, names, self._limits)

    def _open_sheet(self, position: int, label: str, where: str) -> XlsxSheet:
        entry = self._entries[position]
        require_worksheet(entry)
        sheet = XlsxSheet(
            name=label,
            where=where,
            open_part=lambda: self._open_part(position),
            open_source=self._open_source,
            limits=self._limits,
            fill_merged=self._fill_merged,
            areas=self._areas.get(position),
            any_order=position in self._any_order,
            recalculated=self._recalculated,
            reader_notice=describe_reader(self._reader) if self._reader == "python" else "",
        )
        self._opened = position, sheet
        return sheet

    def _explained(self, error: FileError, position: int) -> FileError:
        """Return an error about characters in the shared strings with the cells of a sheet that have one."""
        part, strings = self._entries[position].part, self._strings_part
        if self._strings is not None or strings is None or not part:
            return error
        package, limit = self._package, self._limits.part_bytes
        return name_bad_cells(
            error, lambda: package.open(part, limit=limit), lambda: package.open(strings, limit=limit)
        )

    def needs_second_reading(self) -> bool:
        """Return whether the open sheet has merged areas which its rows were read without, or rows that are not in order.

        Merged areas stand behind the rows. The next sheet that is opened at the position knows both.
        """
        if super().needs_second_reading():
            return True
        if self._opened is None:
            return False
        position, sheet = self._opened
        try:
            areas = sheet.late_areas()
        except FileError:
            return False  # the reading has named the damage already, or has not come to it
        if areas:
            self._areas[position] = areas
        return bool(areas)

    def has_values(self, position: int) -> bool:
        """Return whether the sheet ``sheets[position]`` has a cell with a value, without opening the sheet.

        Raises:
            ReadError: Its part is missing or damaged.
        """
        return has_value(self._open_part(position))

    def close(self) -> None:
        """Close the file and the shared strings with their temporary file; may be called twice."""
        if self._strings is not None:
            self._strings.close()
        super().close()

    def _open_source(self, part: PartStream, *, any_order: bool = False) -> SheetSource:
        """Open the rows of a worksheet part with the reader that was chosen; in any order, with the parser."""
        strings, styles = self._read_strings(), self._read_styles()
        converter = Converter(strings, Serials(date1904=self._date1904))
        if isinstance(strings, NativeStrings) and not any_order:
            return NativeSource(
                part,
                self._limits,
                strings,
                styles,
                converter,
                date1904=self._date1904,
                piece_bytes=self._piece_bytes,
            )
        return PythonSource(
            part,
            self._limits,
            CellClasses(styles),
            converter,
            piece_bytes=self._piece_bytes,
            parser_only=self._reader == "parser",
            any_order=any_order,
        )

    def _read_strings(self) -> SharedStrings | NativeStrings:
        if self._strings is None:
            stream = self._open_optional(self._strings_part, limit=self._limits.part_bytes)
            if self._reader == "native":
                self._strings = read_native_strings(stream, self._limits)
            elif stream is not None:
                self._strings = read_shared_strings(stream, self._limits)
            else:
                self._strings = SharedStrings(self._limits)
        return self._strings
