"""Worksheets read by an XML parser (expat): every form of markup that the format allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import TRUE, GuardedParser
from pgdatahub.readers.xlsx.cell_classes import INVALID_CLASS, UNCACHED_CLASS, CellClass, CellClasses
from pgdatahub.readers.xlsx.cell_places import CellPlaces
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.outer_space import XML_SPACE, preserves_space
from pgdatahub.readers.xlsx.parsed_rows import ParsedRows
from pgdatahub.readers.xlsx.surroundings import Surroundings

_PLACED = frozenset({"sheetData", "row", "c", "v", "is"})
"""Elements with cells or values; each has one place, and its content would be lost in any other."""


class SheetParser(GuardedParser):
    """A worksheet part, fed in pieces; its rows are taken as batches.

    Args:
        part: The part's name, for errors.
        limits: How much it may ask.
        classes: The classes of the workbook's cells.
        converter: Makes columns of texts.
        any_order: Rows may come in any order; they are to be taken once, at the end.
    """

    def __init__(
        self, part: str, limits: Limits, classes: CellClasses, converter: Converter, *, any_order: bool = False
    ) -> None:
        super().__init__(part, limits, start=self._start, end=self._end, text=self._text)
        self._classes = classes
        self.rows = ParsedRows(converter, any_order=any_order)
        self._any_order = any_order
        self.in_data = False
        """Within ``<sheetData>``."""
        self.in_row = False
        self.ended = False
        """Past ``</sheetData>``."""
        self.surroundings = Surroundings(limits)
        self.places = CellPlaces(limits, any_order=any_order)
        self.hidden_row = False
        """The last row is hidden."""
        self._depth = 0
        self._around = ""
        """The last element that began beside ``<sheetData>``."""
        # the row
        self._row_cells: dict[int, tuple[CellClass, bytes]] = {}
        self._row_bytes = 0
        # the cell
        self._in_cell = False
        self._cell_type = ""
        self._style = ""
        self._has_value = self._has_formula = self._has_inline = False
        self._in_inline = self._collecting = False
        self.preserves_space = False
        """White space around texts counts everywhere: the root or ``<sheetData>`` has ``xml:space="preserve"``."""
        self._trims = False
        self._text_start = 0
        self._extension = 0  # the level of an <extLst>, whose content is not the sheet's
        self._inline_child = ""
        self._value: list[str] = []
        self._inline: list[str] = []
        self._target: list[str] = self._value
        self._cell_bytes = 0

    @property
    def between_rows(self) -> bool:
        """Return whether the parser is within ``<sheetData>`` and outside of any element there."""
        return self.in_data and self._depth == 2

    def feed_rows(self, data: bytes, *, final: bool = False) -> Iterator[Batch]:
        """Feed the next bytes and yield the rows that ended, also those before damage; in any order, yield them at the end.

        Raises:
            CorruptError: The bytes are damaged, or pass a limit.
        """
        damage: FileError | None = None
        try:
            self.feed(data, final)
        except FileError as error:
            damage = error
        if (final or damage or not self._any_order) and (batch := self.rows.take()):
            yield batch
        if damage:
            raise damage

    # ── what expat calls ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, name: str, attributes: list[str]) -> None:
        local = name.rpartition(" ")[2]
        self._depth += 1
        if not self.in_data:
            self._start_outside(local, attributes)
            return
        level = self._depth - 2  # below <sheetData>, which is at depth 2
        if level == 2:
            if self.in_row and local == "c":
                self._start_cell(attributes)
                return
        elif level == 3:
            if self._in_cell:
                self._start_part_of_cell(local)
                return
        elif level == 1:
            if local == "row":
                self._start_row(attributes)
                return
        elif self._in_cell and not self._extension:
            self._start_deep_in_cell(local, level, attributes)
            return
        if local in _PLACED and not self._extension:
            self._misplaced(local)
        if local == "extLst" and not self._extension:
            self._extension = level
        if self._depth > self._limits.depth:
            self._too_deep()

    def _start_outside(self, local: str, attributes: list[str]) -> None:
        if self._depth == 1:
            if local != "worksheet":
                raise CorruptError(
                    f"the part {self._part} is not a worksheet; it begins with <{local[:40]}>", hint=DAMAGED
                )
            self.preserves_space = preserves_space(attributes)
        elif self._depth == 2 and local == "sheetData":
            if self.ended:
                raise CorruptError(f"the part {self._part} has <sheetData> twice", hint=DAMAGED)
            self.in_data = True
            self.preserves_space |= preserves_space(attributes)
        elif self._depth > self._limits.depth:
            self._too_deep()
        elif self._depth == 3:
            self.surroundings.start(self._around, local, attributes)
        if self._depth == 2:
            self._around = local

    def _too_deep(self) -> NoReturn:
        raise CorruptError(f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED)

    def _start_part_of_cell(self, local: str) -> None:
        if local == "v":
            if self._has_value:
                self._corrupt("the cell has <v> twice")
            self._has_value = True
            self._collect(self._value)
        elif local == "f":
            self._has_formula = True
        elif local == "is":
            if self._has_inline:
                self._corrupt("the cell has <is> twice")
            self._has_inline = self._in_inline = True
        elif local == "extLst":
            self._extension = 3
        elif local in _PLACED or local == "t":
            self._misplaced(local)

    def _start_deep_in_cell(self, local: str, level: int, attributes: list[str]) -> None:
        """Take an element within a part of a cell: texts and their runs within ``<is>``, nothing within ``<v>``."""
        if self._depth > self._limits.depth:
            self._too_deep()
        if self._collecting:
            self._corrupt(f"<{local[:40]}> stands inside a value")
        if local == "t" and self._in_inline:
            if level == 4 or (level == 5 and self._inline_child == "r"):
                self._collect(self._inline)
                self._trims = not (self.preserves_space or preserves_space(attributes))
                self._text_start = len(self._inline)
            elif level > 5 or self._inline_child != "rPh":
                self._misplaced(local)
        elif local in _PLACED:
            self._misplaced(local)
        if level == 4:
            self._inline_child = local

    def _misplaced(self, local: str) -> NoReturn:
        if self._in_cell:
            self._corrupt(f"<{local}> stands inside the cell, where it has no place")
        where = f"row {self.places.row}" if self.in_row else f"<sheetData> after row {self.places.row}"
        raise CorruptError(f"<{local}> stands in {where}, which is not its place", hint=DAMAGED)

    def _collect(self, target: list[str]) -> None:
        self._target = target
        self._collecting = True

    def _text(self, data: str) -> None:
        if self._collecting:
            self._cell_bytes += len(data)
            if self._cell_bytes > self._limits.cell_bytes:
                self._corrupt(f"the text has more than {self._limits.cell_bytes:,} bytes")
            self._target.append(data)

    def _end(self, _name: str) -> None:
        level = self._depth - 2
        self._depth -= 1
        if not self.in_data:
            return
        if level == self._extension:
            self._extension = 0
        if level > 2:
            if self._trims:
                self._trims = False
                self._inline[self._text_start :] = ["".join(self._inline[self._text_start :]).strip(XML_SPACE)]
            self._collecting = False
            if level == 3:
                self._in_inline = False
        elif level == 2:
            if self._in_cell:
                self._in_cell = False
                self._end_cell()
        elif level == 1:
            if self.in_row:
                self.in_row = False
                self.rows.add(self.places.row, self._row_cells, hidden=self.hidden_row)
                self._row_cells.clear()
        elif level == 0:
            self.in_data = False
            self.ended = True

    # ── rows and cells ────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_row(self, attributes: list[str]) -> None:
        self.in_row = True
        self.hidden_row = False
        number = ""
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name == "r":
                number = value
            elif name == "hidden":
                self.hidden_row = value in TRUE
        self.places.begin_row(number)
        self._row_bytes = 0
        self._row_cells.clear()

    def _start_cell(self, attributes: list[str]) -> None:
        self._in_cell = True
        self._has_value = self._has_formula = self._has_inline = False
        self._value.clear()
        self._inline.clear()
        self._cell_bytes = 0
        address = self._cell_type = self._style = ""
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name == "r":
                address = value
            elif name == "t":
                self._cell_type = value
            elif name == "s":
                self._style = value
        self.places.begin_cell(address)

    def _end_cell(self) -> None:
        value = "".join(self._value)
        if self._has_inline and (self._cell_type == "inlineStr" or not self._has_value):
            cell_class = self._classes.get("inlineStr", self._style) or INVALID_CLASS
            text = "".join(self._inline).encode()
        elif value:
            cell_class, text = self._classes.checked(self._cell_type, self._style, value)
        elif self._has_formula and not (self._has_value and self._cell_type == "str"):
            cell_class = UNCACHED_CLASS
            text = b"f"
        else:
            return
        if text:
            self._row_bytes += len(text)
            if self._row_bytes > self._limits.row_bytes:
                self._corrupt(f"the row has more than {self._limits.row_bytes:,} bytes")
            self._row_cells[self.places.position] = (cell_class, text)

    def _where(self) -> str | None:
        if self._in_cell:
            return self.places.address
        if self.in_row:
            return f"row {self.places.row}"
        return f"after row {self.places.row}" if self.in_data else None

    def _corrupt(self, what: str) -> NoReturn:
        raise CorruptError(what, where=self.places.address, hint=DAMAGED)
