"""A binary workbook that is open for reading: its sheets, styles and shared strings."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from functools import partial

from pgdatahub.model.workbooks import RangeInfo
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.numbers.serials import Serials
from pgdatahub.readers.packages.office_workbook import OfficeWorkbook
from pgdatahub.readers.packages.package import Package, Relationship
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.readers.packages.worksheet_entries import SheetEntry, sheet_entry
from pgdatahub.readers.xlsb.cells import Converter
from pgdatahub.readers.xlsb.native_source import NativeSource, read_native_strings
from pgdatahub.readers.xlsb.ranges import read_ranges
from pgdatahub.readers.xlsb.sheet import XlsbSheet
from pgdatahub.readers.xlsb.sheet_list import read_sheet_list
from pgdatahub.readers.xlsb.sheet_records import SheetRecords
from pgdatahub.readers.xlsb.sheet_source import PythonSource, SheetSource
from pgdatahub.readers.xlsb.strings import read_shared_strings
from pgdatahub.readers.xlsb.styles import read_styles
from pgdatahub.readers.xlsx.native.strings import NativeStrings
from pgdatahub.readers.xlsx.reader_choice import describe_reader
from pgdatahub.readers.xlsx.string_table import SharedStrings


class XlsbWorkbook(OfficeWorkbook[XlsbSheet]):
    """An ``.xlsb`` workbook; see :class:`~pgdatahub.readers.packages.package_workbook.PackageWorkbook`."""

    WITHOUT_WORKBOOK = "the file is a ZIP archive without a binary workbook in it"
    _strings: SharedStrings | NativeStrings | None = None

    def _list_sheets(self, package: Package, part: str, relationships: Mapping[str, Relationship]) -> list[SheetEntry]:
        by_type = {found.type: found.target for found in relationships.values()}
        # A package without relationships keeps the parts in their usual places.
        folder = posixpath.dirname(part)
        self._styles_part = by_type.get("styles", posixpath.join(folder, "styles.bin"))
        self._strings_part = by_type.get("sharedStrings", posixpath.join(folder, "sharedStrings.bin"))
        listed = read_sheet_list(package.open(part), self._limits)
        self._date1904 = listed.date1904
        self._stale = listed.stale
        return [
            sheet_entry(name=sheet.name, visible=sheet.visible, relationship=relationships.get(sheet.relationship))
            for sheet in listed.sheets
        ]

    def _read_style_part(self, stream: PartStream) -> Sequence[NumberFormat]:
        return read_styles(stream, self._limits)

    def _read_ranges(self) -> Sequence[RangeInfo]:
        return read_ranges(self._package, self._part, self._worksheet_parts, self._positions, self._limits)

    def _open_sheet(self, position: int, label: str, where: str) -> XlsbSheet:
        sheet = XlsbSheet(
            name=label,
            where=where,
            open_part=lambda: self._open_part(position),
            open_source=partial(self._open_source, any_order=position in self._any_order),
            limits=self._limits,
            fill_merged=self._fill_merged,
            stale=self._stale,
            reader_notice=describe_reader(self._reader) if self._reader == "python" else "",
        )
        self._opened = position, sheet
        return sheet

    def has_values(self, position: int) -> bool:
        """Return whether the sheet ``sheets[position]`` has a cell with a value.

        Raises:
            ReadError: Its part is missing or damaged.
        """
        rows = SheetRecords(self._open_part(position), self._limits, self._converter())
        return next(rows.blocks(), None) is not None

    def close(self) -> None:
        """Close the file and the shared strings with their temporary file; may be called twice."""
        if self._strings is not None:
            self._strings.close()
        super().close()

    def _open_source(self, part: PartStream, *, any_order: bool) -> SheetSource:
        """Open the rows of a worksheet part with the reader that was chosen; in any order, with the one in Python."""
        strings, converter = self._read_strings(), self._converter()
        if isinstance(strings, NativeStrings) and not any_order:
            return NativeSource(part, self._limits, strings, self._read_styles(), converter, date1904=self._date1904)
        return PythonSource(part, self._limits, converter, any_order=any_order)

    def _converter(self) -> Converter:
        return Converter(self._read_strings(), self._read_styles(), Serials(date1904=self._date1904))

    def _read_strings(self) -> SharedStrings | NativeStrings:
        if self._strings is None:
            strings = read_native_strings(self._open_strings(), self._limits) if self._reader == "native" else None
            if strings is None:
                stream = self._open_strings()
                self._strings = (
                    read_shared_strings(stream, self._limits) if stream is not None else SharedStrings(self._limits)
                )
            else:
                self._strings = strings
        return self._strings

    def _open_strings(self) -> PartStream | None:
        return self._open_optional(self._strings_part, limit=self._limits.part_bytes)
