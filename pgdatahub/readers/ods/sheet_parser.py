"""A table of ``content.xml`` read by an XML parser: rows and cells, repeated ones without a loop over them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, NoReturn

from pgdatahub.errors import CorruptError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.markup import GuardedParser
from pgdatahub.readers.number_formats import NUMBER
from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.cells import BOOLEAN, ERROR, NO_RESULT, TEXT, CellClass, Converter, Source
from pgdatahub.readers.ods.paragraphs import CHARACTERS, has_own_text, paragraph_text
from pgdatahub.readers.ods.rows import RowCollector
from pgdatahub.readers.ods.styles import Styles
from pgdatahub.readers.package import DAMAGED
from pgdatahub.readers.xlsx.merged_areas import Area
from pgdatahub.values.cells import cell_address

_HIDDEN: Final = frozenset({"collapse", "filter"})
_BOOLEANS: Final = {"true": "true", "false": "false", "1": "true", "0": "false"}
_ERROR: Final = re.compile(r"#(?:[A-Z]+(?:/[A-Z0])?[!?]?|DIV/0!|NAME\?)|Err:[0-9]{3}")
_NOT_FINITE: Final = re.compile(r"[-+]?(?:nan|inf(?:inity)?|1\.#[a-z]+)", re.IGNORECASE)


class _Place(Enum):
    """The part of the table that the parser is in."""

    BEFORE = auto()
    TABLE = auto()
    ROW = auto()
    CELL = auto()
    VALUE_CELL = auto()
    """A cell whose text does not matter, since its attributes have the value."""
    PARAGRAPH = auto()
    AFTER = auto()


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
        self._styles = styles
        self._converter = converter
        self._areas = areas
        self._tables_to_skip = table
        self.rows = RowCollector(limits, converter)
        self.hidden_columns: set[int] = set()
        self.in_rows = False
        """A row has begun, so that all columns are known."""
        self.covered = 0
        """Values of cells under merged areas."""
        self.first_covered = ""
        self._depth = self._table_depth = 0
        self._place = _Place.BEFORE
        self._skip_depth = 0
        """The depth of an element whose content does not matter; 0 for none."""
        self._cell_depth = 0
        self._hidden_groups: list[int] = []
        """Depths of the groups that hide their rows or columns."""
        # the columns
        self._column = 0
        self._column_ends: list[int] = []
        self._column_styles: list[str] = []
        """For each group of columns the position behind its last, and the style of its cells that name none."""
        # the row
        self._row_repeated = 1
        self._row_style = ""
        self._row_bytes = 0
        self._position = 0
        # the cell
        self._attributes: Mapping[str, str] = {}
        self._is_covered = False
        self._paragraphs: list[str] = []
        self._pieces: list[str] = []
        self._paragraph_depth = 0
        self._cell_bytes = 0

    # ── what expat calls ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        depth = self._depth = self._depth + 1
        if self._skip_depth:
            if depth > self._limits.depth:
                self._too_deep()
            return
        place = self._place
        if place is _Place.ROW:
            if name == names.CELL:
                self._start_cell(attributes, is_covered=False)
            elif name == names.COVERED_CELL:
                self._start_cell(attributes, is_covered=True)
            else:
                self._skip_depth = depth
        elif place is _Place.VALUE_CELL:
            if depth > self._limits.depth:
                self._too_deep()
        elif place is _Place.CELL:
            if name in names.PARAGRAPHS:
                self._place = _Place.PARAGRAPH
                self._paragraph_depth = depth
                self._pieces = []
            elif name not in names.LISTS:
                self._skip_depth = depth
        elif place is _Place.PARAGRAPH:
            if name in CHARACTERS:
                self._text(CHARACTERS[name](attributes))
            elif not has_own_text(name):
                self._skip_depth = depth
        elif place is _Place.TABLE:
            self._start_in_table(name, attributes)
        elif place is _Place.BEFORE:
            if name.rpartition(" ")[2] == "table":
                if self._tables_to_skip:
                    self._tables_to_skip -= 1
                    self._skip_depth = depth
                else:
                    self._place = _Place.TABLE
                    self._table_depth = depth
        else:
            self._skip_depth = depth
        if depth > self._limits.depth:
            self._too_deep()

    def _end(self, _name: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if self._skip_depth:
            if depth == self._skip_depth:
                self._skip_depth = 0
            return
        place = self._place
        if place is _Place.VALUE_CELL:
            if depth == self._cell_depth:
                self._place = _Place.ROW
        elif place is _Place.PARAGRAPH:
            if depth == self._paragraph_depth:
                self._paragraphs.append(paragraph_text(self._pieces) if self._pieces else "")
                self._place = _Place.CELL
        elif place is _Place.CELL:
            if depth == self._cell_depth:
                self._end_text_cell()
                self._place = _Place.ROW
        elif place is _Place.ROW:
            self.rows.end_row()
            self._place = _Place.TABLE
        elif place is _Place.TABLE:
            if self._hidden_groups and self._hidden_groups[-1] == depth:
                self._hidden_groups.pop()
            if depth == self._table_depth:
                self._place = _Place.AFTER

    def _text(self, data: str) -> None:
        if self._place is _Place.PARAGRAPH and not self._skip_depth:
            self._cell_bytes += len(data)
            if self._cell_bytes > self._limits.cell_bytes:
                self._corrupt(f"the text has more than {self._limits.cell_bytes:,} characters")
            self._pieces.append(data)

    # ── columns and rows ──────────────────────────────────────────────────────────────────────────────────────────────

    def _start_in_table(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == names.ROW:
            self._start_row(attributes)
        elif name == names.COLUMN:
            self._note_column(attributes)
            self._skip_depth = self._depth
        elif name in names.CONTAINERS:
            if name in (names.ROW_GROUP, names.COLUMN_GROUP) and attributes.get(names.DISPLAY) == "false":
                self._hidden_groups.append(self._depth)
        else:
            self._skip_depth = self._depth

    def _note_column(self, attributes: Mapping[str, str]) -> None:
        first = self._column
        self._column = min(first + _count(attributes, names.COLUMNS_REPEATED), self._limits.columns)
        if self._hidden_groups or attributes.get(names.VISIBILITY) in _HIDDEN:
            self.hidden_columns.update(range(first, self._column))
        style = attributes.get(names.DEFAULT_CELL_STYLE, "")
        if self._column_styles and self._column_styles[-1] == style:
            self._column_ends[-1] = self._column
        else:
            self._column_ends.append(self._column)
            self._column_styles.append(style)

    def _forget_plain_columns(self) -> None:
        """Forget the styles of columns if they make no difference, as most do."""
        if all(not style or self._styles.number_format(style) == NUMBER for style in self._column_styles):
            self._column_ends, self._column_styles = [], []

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        if not self.in_rows:
            self.in_rows = True
            self._forget_plain_columns()
        self._place = _Place.ROW
        self._position = 0
        self._row_bytes = 0
        repeated = self._row_repeated = _count(attributes, names.ROWS_REPEATED)
        self._row_style = attributes.get(names.DEFAULT_CELL_STYLE, "")
        hidden = bool(self._hidden_groups) or attributes.get(names.VISIBILITY) in _HIDDEN
        self.rows.start_row(repeated=repeated, hidden=hidden)

    # ── cells ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_cell(self, attributes: Mapping[str, str], *, is_covered: bool) -> None:
        self._cell_depth = self._depth
        self._attributes = attributes
        self._is_covered = is_covered
        if self._areas is not None and (names.ROWS_SPANNED in attributes or names.COLUMNS_SPANNED in attributes):
            self._note_area(self._areas, attributes)
        kind = attributes.get(names.VALUE_TYPE)
        # A formula's text may be an error; cells without a type may have a text.
        if kind is not None and names.FORMULA not in attributes and attributes.get(names.CALC_VALUE_TYPE) != "error":
            value = self._typed_value(kind, attributes)
            if value is not None:
                self._place = _Place.VALUE_CELL
                self._add(*value)
                return
        self._place = _Place.CELL
        self._paragraphs = []
        self._cell_bytes = 0

    def _typed_value(self, kind: str, attributes: Mapping[str, str]) -> tuple[Source | CellClass, str] | None:
        """Return the value that a cell has in its attributes, None if it has none there."""
        if kind in ("float", "percentage", "currency"):
            value = attributes.get(names.VALUE, "").strip()
            if _NOT_FINITE.fullmatch(value):
                return ERROR, value
            return (Source.NUMBER, value) if value else None
        if kind == "date":
            value = attributes.get(names.DATE_VALUE, "").strip()
            return (Source.DATE, value) if value else None
        if kind == "time":
            value = attributes.get(names.TIME_VALUE, "").strip()
            return (Source.DURATION, value) if value else None
        if kind == "boolean":
            value = attributes.get(names.BOOLEAN_VALUE, "").strip()
            if value.lower() in _BOOLEANS:
                return BOOLEAN, _BOOLEANS[value.lower()]
            # LibreOffice writes a number as it is where its format is a boolean's.
            return (Source.NUMBER, value) if value else None
        value_of_text = attributes.get(names.STRING_VALUE)
        return None if value_of_text is None else (TEXT, value_of_text)

    def _end_text_cell(self) -> None:
        """Add the cell whose text has been read."""
        attributes = self._attributes
        shown = "\n".join(self._paragraphs)
        kind = attributes.get(names.VALUE_TYPE, "")
        has_formula = names.FORMULA in attributes
        calc_kind = attributes.get(names.CALC_VALUE_TYPE)
        if calc_kind == "error":
            self._add(ERROR, shown or attributes.get(names.STRING_VALUE, "") or "#N/A")
            return
        value = self._typed_value(kind, attributes)
        if has_formula:
            if value is None and not self._paragraphs:
                self._add(NO_RESULT, "formula")
                return
            if _is_error(value, shown, calc_kind):
                self._add(ERROR, shown)
                return
            if value is None and kind not in ("", "string"):
                # A number, a date … whose value is missing: its text is in the writer's language.
                self._add(NO_RESULT, "formula")
                return
        if value is None:
            value = TEXT, shown
        self._add(*value)

    def _add(self, source: Source | CellClass, text: str) -> None:
        """Add the cell, and those that repeat it, to the row."""
        position = self._position
        repeated = 1
        if names.COLUMNS_REPEATED in self._attributes:
            repeated = _count(self._attributes, names.COLUMNS_REPEATED)
        self._position = position + repeated
        if not text or text.isspace():
            return
        if self._is_covered:
            self.covered += repeated * self._row_repeated
            self.first_covered = self.first_covered or self._address(position)
            return
        if self._position > self._limits.columns:
            raise CorruptError(
                f"row {self.rows.number} has a value beyond the {self._limits.columns:,} columns of a sheet",
                hint=DAMAGED,
            )
        self._row_bytes += len(text)
        if self._row_bytes > self._limits.row_bytes:
            self._corrupt(f"the row has more than {self._limits.row_bytes:,} characters")
        style = self._attributes.get(names.STYLE_NAME, "") or self._row_style
        if isinstance(source, CellClass):
            self.rows.add(position, repeated, source, text)
        elif style or not self._column_ends:
            number_format = self._styles.number_format(style) if style else NUMBER
            self.rows.add(position, repeated, self._converter.cell_class(source, number_format), text)
        else:
            self._add_under_columns(source, position, repeated, text)

    def _add_under_columns(self, source: Source, position: int, repeated: int, text: str) -> None:
        """Add cells without a style: each has the default style of its column."""
        end = position + repeated
        while position < end:
            index = bisect_right(self._column_ends, position)
            last = min(self._column_ends[index], end) if index < len(self._column_ends) else end
            style = self._column_styles[index] if index < len(self._column_styles) else ""
            number_format = self._styles.number_format(style) if style else NUMBER
            self.rows.add(position, last - position, self._converter.cell_class(source, number_format), text)
            position = last

    def _note_area(self, areas: list[Area], attributes: Mapping[str, str]) -> None:
        rows = _count(attributes, names.ROWS_SPANNED)
        columns = _count(attributes, names.COLUMNS_SPANNED)
        if rows < 2 and columns < 2:
            return
        first = self.rows.number
        areas.append(
            Area(
                first_row=first,
                first_column=self._position,
                last_row=first + rows - 1,
                last_column=min(self._position + columns, self._limits.columns) - 1,
            )
        )
        if len(areas) > self._limits.merged_areas:
            raise CorruptError(f"there are more than {self._limits.merged_areas:,} merged areas", hint=DAMAGED)

    def _address(self, position: int) -> str:
        return cell_address(self.rows.number, position)

    def _corrupt(self, what: str) -> NoReturn:
        raise CorruptError(what, where=self._address(self._position), hint=DAMAGED)

    def _too_deep(self) -> NoReturn:
        raise CorruptError(f"the part {self._part} nests elements more than {self._limits.depth} deep", hint=DAMAGED)


def _count(attributes: Mapping[str, str], name: str) -> int:
    """Return the number of an attribute, 1 if it is not there or not a number of at least 1."""
    text = attributes.get(name, "1").strip()
    return max(1, int(text)) if text.isdecimal() and len(text) < 12 else 1


def _is_error(value: tuple[Source | CellClass, str] | None, shown: str, calc_kind: str | None) -> bool:
    """Return whether a formula's result is an error, of which only the text tells.

    LibreOffice says so in an attribute of its own (``calcext``). Without it, an error is a text of such a form beside an empty
    text, the number 0 or the same text.
    """
    if calc_kind is not None or not shown:
        return False
    if value is not None and value[0] is TEXT and not value[1]:
        return True
    return _ERROR.fullmatch(shown) is not None
