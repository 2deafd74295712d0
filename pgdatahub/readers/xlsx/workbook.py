"""A workbook that is open for reading: its sheets, styles and shared strings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from pgdatahub.errors import CorruptError, FileError, NotAWorkbookError
from pgdatahub.model.workbooks import RangeInfo, SheetInfo, sheet_labels
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits
from pgdatahub.readers.markup import TRUE, start_elements
from pgdatahub.readers.merged_areas import Area
from pgdatahub.readers.number_formats import NumberFormat
from pgdatahub.readers.package import Package
from pgdatahub.readers.part_stream import PartStream
from pgdatahub.readers.serials import Serials
from pgdatahub.readers.worksheet_entries import SheetEntry, positions_of, require_worksheet, sheet_entry, with_cells
from pgdatahub.readers.xlsx.bad_characters import name_bad_cells
from pgdatahub.readers.xlsx.cell_classes import CellClasses
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.first_value import has_value
from pgdatahub.readers.xlsx.native.source import NativeSource
from pgdatahub.readers.xlsx.native.strings import NativeStrings, read_native_strings
from pgdatahub.readers.xlsx.python_source import PythonSource
from pgdatahub.readers.xlsx.ranges import read_ranges
from pgdatahub.readers.xlsx.reader_choice import Reader, describe_reader
from pgdatahub.readers.xlsx.shared_strings import SharedStrings, read_shared_strings
from pgdatahub.readers.xlsx.sheet import XlsxSheet
from pgdatahub.readers.xlsx.sheet_source import SheetSource
from pgdatahub.readers.xlsx.styles import read_styles


class XlsxWorkbook:
    """An ``.xlsx`` or ``.xlsm`` workbook, as :class:`pgdatahub.model.workbooks.Workbook` asks for.

    Args:
        file: A path, or the bytes, seekable; a file object given is closed with the workbook.
        name: What errors call the file.
        merged: Whether a merged area's value stands in its first cell or in all of them.
        limits: How much the file may ask.
        piece_bytes: Bytes of a sheet that are inflated at a time.
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
        piece_bytes: int = 1024 * 1024,
        reader: Reader = "python",
    ) -> None:
        self._name = name
        self._merged = merged
        self._limits = limits
        self._piece_bytes = piece_bytes
        self._reader = reader
        self._file: BinaryIO = file.open("rb") if isinstance(file, Path) else file
        self._strings: SharedStrings | NativeStrings | None = None
        self._styles: Sequence[NumberFormat] | None = None
        self._opened: tuple[int, XlsxSheet] | None = None
        self._areas: dict[int, Sequence[Area]] = {}
        self._ranges: Sequence[RangeInfo] | None = None
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
            raise NotAWorkbookError("this is a zip file, and no workbook is in it")
        relationships = {found.identifier: found for found in package.relationships(part)}
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
        self._listed = entries
        self._part = part
        self._entries = with_cells(entries)
        self._labels = sheet_labels(self.sheets)

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The listed sheets in their order, without those of charts, dialogs and macros, which have no cells to load.

        A sheet whose part is missing or is of another kind is among them: it must fail the file that asks for it, not
        let the next sheet slip into its place.
        """
        return [SheetInfo(name=entry.name, visible=entry.visible) for entry in self._entries]

    @property
    def ranges(self) -> Sequence[RangeInfo]:
        """The Excel tables and defined names; read at the first use.

        Raises:
            CorruptError: A part that has them is damaged.
        """
        if self._ranges is None:
            listed = positions_of(self._listed, self._entries)
            parts = {position: entry.part for position, entry in enumerate(self._entries) if entry.kind == "worksheet"}
            names = [entry.name for entry in self._entries]
            try:
                self._ranges = read_ranges(self._package, self._part, parts, listed, names, self._limits)
            except FileError as error:
                raise error.located(self._name) from error
        return self._ranges

    def open(self, position: int) -> XlsxSheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: A part that the sheet needs is missing or damaged.
        """
        entry, label = self._entries[position], self._labels[position]
        where = f"{self._name} › {label}"
        try:
            require_worksheet(entry)
            sheet = XlsxSheet(
                name=label,
                where=where,
                open_part=lambda: self._package.open(entry.part, limit=self._limits.part_bytes),
                open_source=self._open_source,
                limits=self._limits,
                fill_merged=self._merged == "fill",
                areas=self._areas.get(position),
                any_order=position in self._any_order,
                recalculated=self._recalculated,
                reader_notice=describe_reader(self._reader) if self._reader == "python" else "",
            )
        except FileError as error:
            raise self._with_bad_cells(error, entry).located(where) from error
        self._opened = position, sheet
        return sheet

    def _with_bad_cells(self, error: FileError, entry: SheetEntry) -> FileError:
        """Return an error about characters in the shared strings with the cells of a sheet that have one."""
        strings = self._strings_part
        if self._strings is not None or strings is None or not entry.part:
            return error
        package, limit = self._package, self._limits.part_bytes
        return name_bad_cells(
            error, lambda: package.open(entry.part, limit=limit), lambda: package.open(strings, limit=limit)
        )

    def needs_second_reading(self) -> bool:
        """Return whether the open sheet has merged areas which its rows were read without, or rows that are not in order.

        Merged areas stand behind the rows. The next sheet that is opened at the position knows both.
        """
        if self._opened is None:
            return False
        position, sheet = self._opened
        if sheet.out_of_order:
            self._any_order.add(position)
            return True
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
        entry = self._entries[position]
        require_worksheet(entry)
        return has_value(self._package.open(entry.part, limit=self._limits.part_bytes))

    def close(self) -> None:
        """Close the file and the shared strings with their temporary file; may be called twice."""
        if self._strings is not None:
            self._strings.close()
        self._file.close()

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

    def _read_styles(self) -> Sequence[NumberFormat]:
        if self._styles is None:
            part = self._styles_part
            if part is not None and part in self._package:
                self._styles = read_styles(self._package.open(part), self._limits)
            else:
                self._styles = ()
        return self._styles

    def _read_strings(self) -> SharedStrings | NativeStrings:
        if self._strings is None:
            part, stream = self._strings_part, None
            if part is not None and part in self._package:
                stream = self._package.open(part, limit=self._limits.part_bytes)
            if self._reader == "native":
                self._strings = read_native_strings(stream, self._limits)
            elif stream is not None:
                self._strings = read_shared_strings(stream, self._limits)
            else:
                self._strings = SharedStrings(self._limits)
        return self._strings


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
