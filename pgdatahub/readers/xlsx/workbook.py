"""A workbook that is open for reading: its sheets, styles and shared strings."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from pgdatahub.errors import CorruptError, FileError, NotAWorkbookError
from pgdatahub.model.flow import SheetInfo, sheet_labels
from pgdatahub.readers.limits import DEFAULT_LIMITS, Limits
from pgdatahub.readers.markup import start_elements
from pgdatahub.readers.number_formats import NumberFormat
from pgdatahub.readers.package import DAMAGED, Package
from pgdatahub.readers.serials import Serials
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.first_value import has_value
from pgdatahub.readers.xlsx.lessons import Experience
from pgdatahub.readers.xlsx.matching_pool import MatchingPool, can_match_apart
from pgdatahub.readers.xlsx.shared_strings import SharedStrings, read_shared_strings
from pgdatahub.readers.xlsx.sheet import XlsxSheet
from pgdatahub.readers.xlsx.styles import read_styles

WORTH_PROCESSES_BYTES = 16 * 1024 * 1024
"""Sheet data from which on another process is worth its start, which takes about as long as matching 8 MB."""
_TRUE = frozenset({"1", "true", "on"})
_WITHOUT_CELLS = frozenset({"chartsheet", "dialogsheet", "xlMacrosheet", "xlIntlMacrosheet"})
"""Types of relationships that lead to sheets of other kinds, which have no cells to load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A sheet as the workbook part lists it."""

    name: str
    visible: bool
    kind: str
    part: str


class XlsxWorkbook:
    """An ``.xlsx`` or ``.xlsm`` workbook, as :class:`pgdatahub.model.flow.Workbook` asks for.

    Args:
        file: A path, or the bytes, seekable; a file object given is closed with the workbook.
        name: What errors call the file.
        merged: Whether a merged area's value stands in its first cell or in all of them.
        limits: How much the file may ask.
        learn_from: Bytes of sheet data, of this sheet and those like it, from which on the fast lane is worth its
            preparation (some milliseconds); None for the safe lane alone.
        experience: What other workbooks taught, and will be taught by this one.
        topic: What workbooks have in common whose sheets look alike.
        piece_bytes: How much of a sheet is inflated at a time.
        processes: How many processes, this one among them, may work on a large sheet.

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
        learn_from: int | None = 64 * 1024,
        experience: Experience | None = None,
        topic: Hashable = None,
        piece_bytes: int = 1024 * 1024,
        processes: int = 1,
    ) -> None:
        self._name = name
        self._merged = merged
        self._limits = limits
        self._learn_from = learn_from
        self._experience = experience or Experience()
        self._topic = topic
        self._sheet = ExitStack()
        self._piece_bytes = piece_bytes
        self._processes = processes
        self._file: BinaryIO = file.open("rb") if isinstance(file, Path) else file
        self._strings: SharedStrings | None = None
        self._styles: Sequence[NumberFormat] | None = None
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
        self._date1904 = False
        entries: list[_Entry] = []
        for parent, element, attributes in start_elements(package.open(part), self._limits):
            if element == "workbookPr" and parent == "workbook":
                self._date1904 = attributes.get("date1904") in _TRUE
            elif element == "sheet" and parent == "sheets":
                identifier = next((value for key, value in attributes.items() if key.endswith("/relationships id")), "")
                relationship = relationships.get(identifier)
                entries.append(
                    _Entry(
                        name=attributes.get("name", ""),
                        visible=attributes.get("state", "visible") == "visible",
                        kind=relationship.type if relationship else "missing",
                        part=relationship.target if relationship else "",
                    )
                )
        self._entries = [entry for entry in entries if entry.kind not in _WITHOUT_CELLS]
        self._labels = sheet_labels(self.sheets)

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        """The listed sheets in their order, without those of charts, dialogs and macros, which have no cells to load.

        A sheet whose part is missing or is of another kind is among them: it must fail the file that asks for it, not
        let the next sheet slip into its place.
        """
        return [SheetInfo(name=entry.name, visible=entry.visible) for entry in self._entries]

    def open(self, position: int) -> XlsxSheet:
        """Open the sheet ``sheets[position]``; one sheet at a time is open.

        Raises:
            ReadError: A part that the sheet needs is missing or damaged.
        """
        entry, label = self._entries[position], self._labels[position]
        where = f"{self._name} › {label}"
        try:
            self._sheet.close()
            _require_worksheet(entry)
            pool = self._open_pool(entry.part)
            # By its position and not by its name, which often is the month.
            lessons = self._experience.lessons(
                (self._topic, position), self._read_styles(), self._limits, self._learn_from
            )
            return XlsxSheet(
                name=label,
                where=where,
                open_part=lambda: self._package.open(entry.part, limit=self._limits.part_bytes),
                limits=self._limits,
                lessons=self._sheet.enter_context(lessons),
                converter=Converter(self._read_strings(), Serials(date1904=self._date1904)),
                piece_bytes=self._piece_bytes,
                fill_merged=self._merged == "fill",
                pool=pool,
            )
        except FileError as error:
            raise error.located(where) from error

    def has_values(self, position: int) -> bool:
        """Return whether the sheet ``sheets[position]`` has a cell with a value, without opening the sheet.

        Raises:
            ReadError: Its part is missing or damaged.
        """
        entry = self._entries[position]
        _require_worksheet(entry)
        return has_value(self._package.open(entry.part, limit=self._limits.part_bytes))

    def close(self) -> None:
        """Give back what was learnt, the file, the shared strings and what they have on disk; may be called twice."""
        self._sheet.close()
        if self._strings is not None:
            self._strings.close()
        self._file.close()

    def _open_pool(self, part: str) -> MatchingPool | None:
        """Start the processes that help with a sheet, if it is worth their start; they begin while the strings are read."""
        if self._processes < 2 or self._learn_from is None or not can_match_apart():
            return None
        if self._package.open(part, limit=self._limits.part_bytes).size < WORTH_PROCESSES_BYTES:
            return None
        others = self._processes - 1
        try:
            pool = MatchingPool(others, date1904=self._date1904, limits=self._limits, piece_bytes=self._piece_bytes)
        except OSError:
            return None  # where there is no room for another process, one reads it
        return self._sheet.enter_context(closing(pool))

    def _read_styles(self) -> Sequence[NumberFormat]:
        if self._styles is None:
            part = self._styles_part
            if part is not None and part in self._package:
                self._styles = read_styles(self._package.open(part), self._limits)
            else:
                self._styles = ()
        return self._styles

    def _read_strings(self) -> SharedStrings:
        if self._strings is None:
            part = self._strings_part
            if part is not None and part in self._package:
                stream = self._package.open(part, limit=self._limits.part_bytes)
                self._strings = read_shared_strings(stream, self._limits)
            else:
                self._strings = SharedStrings(self._limits)
        return self._strings


def _require_worksheet(entry: _Entry) -> None:
    """Check that the workbook part leads to a worksheet.

    Raises:
        CorruptError: The relationship is missing, or is of another kind.
    """
    if entry.kind == "missing":
        raise CorruptError("the workbook lists this sheet and has no part for it", hint=DAMAGED)
    if entry.kind != "worksheet":
        raise CorruptError(
            f"the workbook lists this sheet, and its part {entry.part} is not a worksheet ({entry.kind})", hint=DAMAGED
        )


def find_workbook_part(package: Package) -> str | None:
    """Return the name of the part that is the workbook, None if there is none.

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
    return "xl/workbook.xml" if "xl/workbook.xml" in package else None
