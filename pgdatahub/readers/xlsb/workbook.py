"""A binary workbook that is open for reading: its sheets, styles and shared strings."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from pgdatahub.errors import FileError, NotAWorkbookError
from pgdatahub.model.workbooks import RangeInfo, SheetInfo, sheet_labels
from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits
from pgdatahub.readers.number_formats import NumberFormat
from pgdatahub.readers.package import Package
from pgdatahub.readers.part_stream import PartStream
from pgdatahub.readers.serials import Serials
from pgdatahub.readers.worksheet_entries import positions_of, require_worksheet, sheet_entry, with_cells
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
from pgdatahub.readers.xlsx.reader_choice import Reader, describe_reader
from pgdatahub.readers.xlsx.shared_strings import SharedStrings
from pgdatahub.readers.xlsx.workbook import find_workbook_part


class XlsbWorkbook:
    """An ``.xlsb`` workbook, as :class:`pgdatahub.model.workbooks.Workbook` asks for.

    Args:
        file: A path, or the bytes, seekable; a file object given is closed with the workbook.
        name: The file's name, for errors.
        merged: Whether a merged area's value stands in its first cell or in all of them.
        limits: How much the file may ask.
        reader: The reader of the worksheets.

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
        self._file: BinaryIO = file.open("rb") if isinstance(file, Path) else file
        self._ranges: Sequence[RangeInfo] | None = None
        self._strings: SharedStrings | NativeStrings | None = None
        self._styles: Sequence[NumberFormat] | None = None
        self._opened: tuple[int, XlsbSheet] | None = None
        self._any_order: set[int] = set()
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
        part = find_workbook_part(package)
        if part is None:
            raise NotAWorkbookError("the file is a ZIP archive without a binary workbook in it")
        relationships = {found.identifier: found for found in package.relationships(part)}
        by_type = {found.type: found.target for found in relationships.values()}
        # A package without relationships keeps the parts in their usual places.
        folder = posixpath.dirname(part)
        self._styles_part = by_type.get("styles", posixpath.join(folder, "styles.bin"))
        self._strings_part = by_type.get("sharedStrings", posixpath.join(folder, "sharedStrings.bin"))
        listed = read_sheet_list(package.open(part), self._limits)
        self._date1904 = listed.date1904
        self._stale = listed.stale
        self._part = part
        self._listed = [
            sheet_entry(name=sheet.name, visible=sheet.visible, relationship=relationships.get(sheet.relationship))
            for sheet in listed.sheets
        ]
        self._entries = with_cells(self._listed)
        self._labels = sheet_labels(self.sheets)

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The listed sheets in their order, without those of charts, dialogs and macros."""
        return [SheetInfo(name=entry.name, visible=entry.visible) for entry in self._entries]

    @property
    def ranges(self) -> Sequence[RangeInfo]:
        """The Excel tables and defined names; read at the first use.

        Raises:
            CorruptError: A part that has them is damaged.
        """
        if self._ranges is None:
            parts = {position: entry.part for position, entry in enumerate(self._entries) if entry.kind == "worksheet"}
            listed = positions_of(self._listed, self._entries)
            try:
                self._ranges = read_ranges(self._package, self._part, parts, listed, self._limits)
            except FileError as error:
                raise error.located(self._name) from error
        return self._ranges

    def open(self, position: int) -> XlsbSheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: A part that the sheet needs is missing or damaged.
        """
        label = self._labels[position]
        where = f"{self._name} › {label}"
        try:
            sheet = XlsbSheet(
                name=label,
                where=where,
                open_part=lambda: self._open_part(position),
                open_source=partial(self._open_source, any_order=position in self._any_order),
                limits=self._limits,
                fill_merged=self._merged == "fill",
                stale=self._stale,
                reader_notice=describe_reader(self._reader) if self._reader == "python" else "",
            )
        except FileError as error:
            raise error.located(where) from error
        self._opened = position, sheet
        return sheet

    def needs_second_reading(self) -> bool:
        """Return whether the open sheet has rows that are not in order; the next sheet opened at its position is sorted."""
        if self._opened is None or not self._opened[1].out_of_order:
            return False
        self._any_order.add(self._opened[0])
        return True

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
        self._file.close()

    def _open_part(self, position: int) -> PartStream:
        entry = self._entries[position]
        require_worksheet(entry)
        return self._package.open(entry.part, limit=self._limits.part_bytes)

    def _open_source(self, part: PartStream, *, any_order: bool) -> SheetSource:
        """Open the rows of a worksheet part with the reader that was chosen; in any order, with the one in Python."""
        strings, converter = self._read_strings(), self._converter()
        if isinstance(strings, NativeStrings) and not any_order:
            return NativeSource(part, self._limits, strings, self._read_styles(), converter, date1904=self._date1904)
        return PythonSource(part, self._limits, converter, any_order=any_order)

    def _converter(self) -> Converter:
        return Converter(self._read_strings(), self._read_styles(), Serials(date1904=self._date1904))

    def _read_styles(self) -> Sequence[NumberFormat]:
        if self._styles is None:
            part = self._styles_part
            self._styles = read_styles(self._package.open(part), self._limits) if part in self._package else ()
        return self._styles

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
        if self._strings_part not in self._package:
            return None
        return self._package.open(self._strings_part, limit=self._limits.part_bytes)
