"""A table of ``content.xml`` read by an XML parser: rows and cells, repeated ones without a loop over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.cell_classes import CellClasses
from pgdatahub.readers.ods.cell_values import SIMPLE, CellValue, text_value, typed_value
from pgdatahub.readers.ods.cells import TEXT, CellClass, Converter, Source
from pgdatahub.readers.ods.column_styles import HIDDEN, ColumnStyles
from pgdatahub.readers.ods.paragraphs import CHARACTERS, has_own_text, paragraph_text
from pgdatahub.readers.ods.rows import RowCollector
from pgdatahub.readers.ods.spans import add_area, number_of
from pgdatahub.readers.ods.styles import Styles
from pgdatahub.readers.packages.markup import GuardedParser
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.values.cells import cell_address

_SPECIAL: Final = frozenset({names.FORMULA, names.COLUMNS_REPEATED, names.ROWS_SPANNED, names.COLUMNS_SPANNED})
"""Attributes that ask for more than the value of one cell."""

# The part of the table that the parser is in; plain numbers, since they are compared for every tag.
_BEFORE, _TABLE, _ROW, _CELL, _VALUE_CELL, _PARAGRAPH, _AFTER = range(7)
# _VALUE_CELL: a cell whose text does not matter, since its attributes have the value.


class SheetParser(GuardedParser):
    """One table of a document, fed in pieces.

    Args:
        part: The part's name, for errors.
        limits: How much it may ask.
        styles: The styles of the workbook.
        converter: Makes columns of texts.
        table: The number of the table, from 0, of those that are in no other table.
        areas: Where merged areas go, in the order of their first rows; None if they do not matter.
    """

    def __init__(
        self,
        part: str,
        limits: Limits,
        styles: Styles,
        converter: Converter,
        *,
        table: int = 0,
        areas: list[Area] | None = None,
    ) -> None:
        super().__init__(part, limits, start=self._start, end=self._end, text=self._text, mapping=True)
        self._areas = areas
        self._tables_to_skip = table
        self.rows = RowCollector(limits, converter)
        self.columns = ColumnStyles(styles, limits)
        self.in_rows = False
        """A row has begun, so that all columns are known."""
        self.covered = 0
        """Values of cells under merged areas."""
        self.first_covered = ""
        self._classes = CellClasses(styles, converter)
        self._most_deep = limits.depth
        self._depth = self._table_depth = 0
        self._place = _BEFORE
        self._skip_depth = 0
        """The depth of an element whose content does not matter; 0 for none."""
        self._cell_depth = 0
        self._hidden_groups: list[int] = []
        """Depths of the groups that hide their rows or columns."""
        # the row
        self._row_repeated = 1
        self._row_style = ""
        self._row_bytes = 0
        self._position = 0
        # the cell
        self._attributes: Mapping[str, str] = {}
        self._is_covered = False
        self._is_text = False
        """The text is the value: the attributes have none, and it is not the result of a formula."""
        self._paragraphs: list[str] = []
        self._pieces: list[str] = []
        self._paragraph_depth = 0
        self._cell_bytes = 0

    @property
    def between_rows(self) -> bool:
        """Return whether the parser is in the table and outside of its rows and columns."""
        return self._place == _TABLE and not self._skip_depth

    @property
    def hides_rows(self) -> bool:
        """Return whether a group hides the rows where the parser stands."""
        return bool(self._hidden_groups)

    # ── what expat calls ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        depth = self._depth = self._depth + 1
        if depth > self._most_deep:
            self._too_deep()
        place = self._place
        if self._skip_depth:
            return
        if place == _ROW:
            if name == names.CELL:
                simple = SIMPLE.get(attributes.get(names.VALUE_TYPE))
                if simple is None or not self._add_simple(simple, attributes):
                    self._start_cell(attributes, is_covered=False)
            elif name == names.COVERED_CELL:
                self._start_cell(attributes, is_covered=True)
            else:
                self._skip_depth = depth
        elif place == _VALUE_CELL:
            return
        elif place == _CELL:
            if name in names.PARAGRAPHS:
                self._place = _PARAGRAPH
                self._paragraph_depth = depth
                self._pieces = []
            elif name not in names.LISTS:
                self._skip_depth = depth
        elif place == _PARAGRAPH:
            if name in CHARACTERS:
                self._text(CHARACTERS[name](attributes))
            elif not has_own_text(name):
                self._skip_depth = depth
        elif place == _TABLE:
            self._start_in_table(name, attributes)
        elif place == _AFTER:
            self._skip_depth = depth
        elif name.rpartition(" ")[2] == "table":
            if self._tables_to_skip:
                self._tables_to_skip -= 1
                self._skip_depth = depth
            else:
                self._place = _TABLE
                self._table_depth = depth

    def _end(self, _name: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if self._skip_depth:
            if depth == self._skip_depth:
                self._skip_depth = 0
            return
        place = self._place
        if place == _VALUE_CELL:
            if depth == self._cell_depth:
                self._place = _ROW
        elif place == _PARAGRAPH:
            if depth == self._paragraph_depth:
                self._paragraphs.append(paragraph_text(self._pieces) if self._pieces else "")
                self._place = _CELL
        elif place == _CELL:
            if depth == self._cell_depth:
                self._end_text_cell()
                self._place = _ROW
        elif place == _ROW:
            self.rows.end_row()
            self._place = _TABLE
        elif place == _TABLE:
            if self._hidden_groups and self._hidden_groups[-1] == depth:
                self._hidden_groups.pop()
            if depth == self._table_depth:
                self._place = _AFTER

    def _text(self, data: str) -> None:
        if self._place == _PARAGRAPH and not self._skip_depth:
            self._cell_bytes += len(data)
            if self._cell_bytes > self._limits.cell_bytes:
                self._corrupt(f"the text has more than {self._limits.cell_bytes:,} characters")
            self._pieces.append(data)

    # ── columns and rows ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start_in_table(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == names.ROW:
            self._start_row(attributes)
        elif name == names.COLUMN:
            self.columns.add(attributes, hidden=bool(self._hidden_groups))
            self._skip_depth = self._depth
        elif name in names.CONTAINERS:
            if name in (names.ROW_GROUP, names.COLUMN_GROUP) and attributes.get(names.DISPLAY) == "false":
                self._hidden_groups.append(self._depth)
        else:
            self._skip_depth = self._depth

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        if not self.in_rows:
            self.in_rows = True
            self.columns.end()
        self._place = _ROW
        self._position = 0
        self._row_bytes = 0
        repeated = self._row_repeated = number_of(attributes, names.ROWS_REPEATED)
        self._row_style = attributes.get(names.DEFAULT_CELL_STYLE, "")
        hidden = bool(self._hidden_groups) or attributes.get(names.VISIBILITY) in HIDDEN
        self.rows.start_row(repeated=repeated, hidden=hidden)

    # ── cells ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _add_simple(self, simple: tuple[Source, str], attributes: Mapping[str, str]) -> bool:
        """Add a cell that is a number, a date or a duration and nothing more; return whether it is."""
        value = attributes.get(simple[1], "").strip()
        if not value or not _SPECIAL.isdisjoint(attributes) or attributes.get(names.CALC_VALUE_TYPE) == "error":
            return False
        style = attributes.get(names.STYLE_NAME) or self._row_style
        position = self._position
        if (not style and self.columns.matter) or position >= self._limits.columns:
            return False
        self.rows.add(position, 1, self._classes[simple[0].value, style], value)
        self._position = position + 1
        self._cell_depth = self._depth
        self._place = _VALUE_CELL
        return True

    def _start_cell(self, attributes: Mapping[str, str], *, is_covered: bool) -> None:
        self._cell_depth = self._depth
        self._attributes = attributes
        self._is_covered = is_covered
        if self._areas is not None and (names.ROWS_SPANNED in attributes or names.COLUMNS_SPANNED in attributes):
            add_area(self._areas, attributes, self.rows.number, self._position, self._limits)
        # A formula's text may be an error; cells without a type may have a text.
        self._is_text = names.FORMULA not in attributes and attributes.get(names.CALC_VALUE_TYPE) != "error"
        if self._is_text:
            value = typed_value(attributes)
            if value is not None:
                self._place = _VALUE_CELL
                self._add(value)
                return
        self._place = _CELL
        self._paragraphs = []
        self._cell_bytes = 0

    def _end_text_cell(self) -> None:
        """Add the cell whose text has been read."""
        paragraphs = self._paragraphs
        if self._is_text:
            self._add((TEXT, paragraphs[0] if len(paragraphs) == 1 else "\n".join(paragraphs)))
        else:
            self._add(text_value(self._attributes, paragraphs))

    def _add(self, value: CellValue) -> None:
        """Add the cell, and those that repeat it, to the row."""
        source, text = value
        attributes = self._attributes
        position = self._position
        repeated = number_of(attributes, names.COLUMNS_REPEATED) if names.COLUMNS_REPEATED in attributes else 1
        self._position = position + repeated
        if not text or text.isspace():
            return
        if self._is_covered and self._areas is None:
            self.covered += repeated * self._row_repeated
            self.first_covered = self.first_covered or self._address(position)
            return
        if self._position > self._limits.columns:
            raise CorruptError(
                f"row {self.rows.number} has a value beyond the {self._limits.columns:,} columns of a sheet",
                hint=DAMAGED,
            )
        self._row_bytes += len(text) * repeated
        if self._row_bytes > self._limits.row_bytes:
            self._corrupt(f"the row has more than {self._limits.row_bytes:,} characters")
        if isinstance(source, CellClass):
            self.rows.add(position, repeated, source, text)
            return
        style = attributes.get(names.STYLE_NAME, "") or self._row_style
        if style or not self.columns.matter:
            self.rows.add(position, repeated, self._classes[source.value, style], text)
            return
        for first, count, style in self.columns.cut(position, repeated):
            self.rows.add(first, count, self._classes[source.value, style], text)

    def _address(self, position: int) -> str:
        return cell_address(self.rows.number, position)

    def _where(self) -> str | None:
        if self._place in (_CELL, _VALUE_CELL, _PARAGRAPH):
            return self._address(self._position)
        if self._place == _ROW:
            return f"row {self.rows.number}"
        return f"after row {self.rows.last_row}" if self._place == _TABLE else None

    def _corrupt(self, what: str) -> NoReturn:
        raise CorruptError(what, where=self._address(self._position), hint=DAMAGED)

    def _too_deep(self) -> NoReturn:
        raise CorruptError(f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED)
