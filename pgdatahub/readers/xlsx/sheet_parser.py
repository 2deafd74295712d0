"""Worksheets read by an XML parser (expat): every form of markup that the format allows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.model.workbooks import Batch
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.markup import GuardedParser
from pgdatahub.readers.package import ASK_SENDER, DAMAGED
from pgdatahub.readers.pieces import merge_pieces
from pgdatahub.readers.row_order import row_order_error, sorted_places
from pgdatahub.readers.xlsx.addresses import column_position
from pgdatahub.readers.xlsx.cell_classes import INVALID_CLASS, UNCACHED_CLASS, CellClass, CellClasses, Source
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.merged_areas import Area, add_area
from pgdatahub.readers.xlsx.number_texts import InvalidNumberError, is_no_number, plain_number, shown
from pgdatahub.readers.xlsx.outer_space import XML_SPACE, preserves_space
from pgdatahub.values.cells import Column, cell_address

_ADDRESS = re.compile(r"([A-Za-z]{1,3})([1-9][0-9]{0,6})")
_TRUE = frozenset({"1", "true", "on"})
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
        self._converter = converter
        self._any_order = any_order
        self._seen_rows: set[int] = set()
        self.in_data = False
        """Within ``<sheetData>``."""
        self.in_row = False
        self.ended = False
        """Past ``</sheetData>``."""
        self.hidden_columns: set[int] = set()
        self.merged_areas: list[Area] = []
        """Merged areas, which stand behind the rows."""
        self.row_count = 0
        """Rows with a value that the parser took."""
        self.last_row = 0
        """The number of the last row, be it one that the parser did not see."""
        self.hidden_row = False
        """The last row is hidden."""
        self._depth = 0
        self._path: list[str] = []
        # the row
        self._row_cells: dict[int, tuple[CellClass, bytes]] = {}
        self._row_bytes = 0
        self._row_positions: set[int] = set()
        self._numbered = True
        # the cell
        self._in_cell = False
        self._position = -1
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
        # the batch
        self._rows: list[int] = []
        self._hidden: set[int] = set()
        self._cells: dict[int, tuple[list[int], list[CellClass], list[bytes]]] = {}

    @property
    def between_rows(self) -> bool:
        """Return whether the parser is within ``<sheetData>`` and outside of any element there."""
        return self.in_data and self._depth == 2

    def take(self) -> Batch | None:
        """Return the rows that were finished since the last call, None if there were none with a value."""
        if not self._rows:
            return None
        if self._any_order:
            self._sort_rows()
        batch = Batch(
            rows=self._rows,
            hidden_rows=frozenset(self._hidden),
            columns={position: self._column(position, *cells) for position, cells in self._cells.items()},
        )
        self._rows, self._hidden, self._cells = [], set(), {}
        return batch

    def _sort_rows(self) -> None:
        """Bring the rows into the order of their numbers."""
        self._rows, places = sorted_places(self._rows)
        for indexes, _, _ in self._cells.values():
            indexes[:] = [places[index] for index in indexes]

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
        if (final or damage or not self._any_order) and (batch := self.take()):
            yield batch
        if damage:
            raise damage

    def _column(self, position: int, indexes: list[int], classes: list[CellClass], texts: list[bytes]) -> Column:
        """Convert the cells of a column, class by class, each at its place."""
        rows, pieces = self._rows, []
        groups: dict[CellClass, list[bytes]] = {}
        for index, cell_class, text in zip(indexes, classes, texts, strict=True):
            group = groups.get(cell_class)
            if group is None:
                group = groups[cell_class] = [b""] * len(rows)
            group[index] = text
        for cell_class, column in groups.items():
            pieces.append(
                self._converter.convert(cell_class, column, lambda index: cell_address(rows[index], position))
            )
        return merge_pieces(pieces)

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
            raise CorruptError(
                f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED
            )

    def _start_outside(self, local: str, attributes: list[str]) -> None:
        if self._depth == 1 and local != "worksheet":
            raise CorruptError(f"the part {self._part} is not a worksheet; it begins with <{local[:40]}>", hint=DAMAGED)
        if self._depth == 1:
            self.preserves_space = preserves_space(attributes)
        if self._depth == 2 and local == "sheetData":
            if self.ended:
                raise CorruptError(f"the part {self._part} has <sheetData> twice", hint=DAMAGED)
            self.in_data = True
            self.preserves_space |= preserves_space(attributes)
        elif self._depth == 3 and local == "col" and self._path[-1:] == ["cols"]:
            self._note_column(dict(zip(attributes[::2], attributes[1::2], strict=True)))
        elif self._depth == 3 and local == "mergeCell" and self._path[-1:] == ["mergeCells"]:
            add_area(self.merged_areas, attributes, self._limits)
        elif self._depth > self._limits.depth:
            raise CorruptError(
                f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED
            )
        self._path.append(local)

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
            raise CorruptError(
                f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED
            )
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
        where = f"row {self.last_row}" if self.in_row else f"<sheetData> after row {self.last_row}"
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
            self._path.pop()
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
                self._end_row()
        elif level == 0:
            self.in_data = False
            self.ended = True
            self._path.pop()

    # ── rows and cells ────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_row(self, attributes: list[str]) -> None:
        self.in_row = True
        self.hidden_row = False
        number = ""
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name == "r":
                number = value
            elif name == "hidden":
                self.hidden_row = value in _TRUE
        self._numbered = bool(number)
        if number:
            self.begin_row(int(number) if number.isdecimal() and len(number) < 9 else 0)
        else:
            self.begin_row(self.last_row + 1)
        self._position = -1
        self._row_bytes = 0
        self._row_cells.clear()
        self._row_positions.clear()

    def begin_row(self, number: int) -> None:
        """Note that a row begins, in whichever lane.

        Raises:
            CorruptError: It cannot be, or not here.
        """
        if not 0 < number <= self._limits.rows:
            raise CorruptError(
                f"a row has the number {number or 'that it cannot have'}, after row {self.last_row}", hint=DAMAGED
            )
        if self._any_order:
            if number in self._seen_rows:
                raise CorruptError(f"row {number} is there twice", hint=ASK_SENDER)
            self._seen_rows.add(number)
        elif number == self.last_row:
            raise CorruptError(f"row {number} is there twice", hint=ASK_SENDER)
        elif number < self.last_row:
            raise row_order_error(number, self.last_row)
        self.last_row = number

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
        if address:
            match = _ADDRESS.fullmatch(address)
            if match is None:
                raise CorruptError(f"row {self.last_row} has a cell {address[:40]!r}, which is nowhere", hint=DAMAGED)
            row = int(match[2])
            if row != self.last_row:
                if self._numbered or self._row_positions:
                    raise CorruptError(f"the cell {address} stands in row {self.last_row}", hint=DAMAGED)
                self.last_row -= 1  # a row without a number has that of its cells
                self.begin_row(row)
                self._numbered = True
            self._position = column_position(match[1])
        else:
            self._position += 1
        if self._position >= self._limits.columns:
            raise CorruptError(
                f"row {self.last_row} has a cell beyond the {self._limits.columns:,} columns of a sheet", hint=DAMAGED
            )
        if self._position in self._row_positions:
            raise CorruptError("the cell is there twice", where=self._address(), hint=ASK_SENDER)
        self._row_positions.add(self._position)

    def _end_cell(self) -> None:
        value = "".join(self._value)
        if self._has_inline and (self._cell_type == "inlineStr" or not self._has_value):
            cell_class = self._class("inlineStr")
            text = "".join(self._inline).encode()
        elif value:
            cell_class, text = self._checked(self._class(self._cell_type), value)
        elif self._has_formula and not (self._has_value and self._cell_type == "str"):
            cell_class = UNCACHED_CLASS
            text = b"f"
        else:
            return
        if text:
            self._row_bytes += len(text)
            if self._row_bytes > self._limits.row_bytes:
                self._corrupt(f"the row has more than {self._limits.row_bytes:,} bytes")
            self._row_cells[self._position] = (cell_class, text)

    def _end_row(self) -> None:
        self.in_row = False
        if not self._row_cells:
            return
        index = len(self._rows)
        self._rows.append(self.last_row)
        if self.hidden_row:
            self._hidden.add(self.last_row)
        for position, (cell_class, text) in self._row_cells.items():
            cells = self._cells.get(position)
            if cells is None:
                cells = self._cells[position] = ([], [], [])
            cells[0].append(index)
            cells[1].append(cell_class)
            cells[2].append(text)
        self._row_cells.clear()
        self.row_count += 1

    def _class(self, cell_type: str) -> CellClass:
        return self._classes.get(cell_type, self._style) or INVALID_CLASS

    def _checked(self, cell_class: CellClass, value: str) -> tuple[CellClass, bytes]:
        """Return a cell's text as the converter takes it, with its class; a text that its type cannot have is invalid."""
        source = cell_class.source
        if source is Source.TEXT:
            return cell_class, value.encode()
        if source is Source.INVALID:
            return cell_class, f"{self._cell_type[:40]!r} is not a type of cell".encode()
        text = value.encode().strip()
        if source is Source.NUMBER and text:
            if is_no_number(value):
                return self._class("e"), text
            try:
                return cell_class, plain_number(text)
            except InvalidNumberError as error:
                return INVALID_CLASS, str(error).encode()
        if source is Source.SHARED and not (text.isdigit() and len(text) < 12):
            return INVALID_CLASS, f"{shown(text)} is not the index of a shared string".encode()
        return cell_class, text

    def _note_column(self, attributes: dict[str, str]) -> None:
        first, last = attributes.get("min", ""), attributes.get("max", "")
        if attributes.get("hidden") in _TRUE and first.isdecimal() and last.isdecimal() and len(first + last) < 16:
            self.hidden_columns.update(range(int(first) - 1, min(int(last), self._limits.columns)))

    def _address(self) -> str:
        return cell_address(self.last_row, self._position)

    def _where(self) -> str | None:
        if self._in_cell:
            return self._address()
        if self.in_row:
            return f"row {self.last_row}"
        return f"after row {self.last_row}" if self.in_data else None

    def _corrupt(self, what: str) -> NoReturn:
        raise CorruptError(what, where=self._address(), hint=DAMAGED)
