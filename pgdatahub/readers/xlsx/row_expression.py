"""Plain rows, split by one fixed expression: the quick way of the Python reader.

Writers of large sheets write rows of one form: numbered rows of cells with an address, a style, a type and one value. One
expression takes such a row apart ten times as fast as an XML parser. The expression describes well-formed XML only, and
any other markup makes the whole piece a case for the parser (:mod:`pgdatahub.readers.xlsx.sheet_parser`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.addresses import column_position
from pgdatahub.readers.xlsx.cell_classes import CellClass, CellClasses, Source
from pgdatahub.readers.xlsx.cell_text import resolve_texts
from pgdatahub.readers.xlsx.number_texts import are_plain_numbers

_SPACES = b" \t\r\n"
_TEXT = rb"[^<\x00-\x08\x0b\x0c\x0e-\x1f]"
"""A character that XML allows in text; UTF-8 and references are checked for a piece as a whole."""
_NAMES = re.compile(rb" ((?:([A-Za-z_][A-Za-z0-9_.-]*):)?[A-Za-z_][A-Za-z0-9_.-]*)=")
_ROW_ATTRIBUTES = re.compile(rb'(?: [A-Za-z_][A-Za-z0-9_.:-]*="[^"<&\x00-\x1f]*")*')
_CELL_ATTRIBUTES = re.compile(rb'(?: (?:(?:s|cm|vm|ph)="[0-9]{1,9}"|t="[A-Za-z]{1,9}"))*')
_TYPE = re.compile(rb' t="([A-Za-z]*)"')
_STYLE = re.compile(rb' s="([0-9]*)"')
_HIDDEN = re.compile(rb' hidden="(?:1|true|on)"')
_MOST_KNOWN = 10_000
_SOUND_TEXTS = {Source.ERROR: re.compile(rb"[A-Z0-9#/!?_]+"), Source.DATE: re.compile(rb"[0-9A-Z:.+-]+")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRows:
    """Rows that were split.

    Attributes:
        rows: The numbers of the rows with a value, ascending.
        hidden: The numbers of those that are hidden.
        columns: Position of the column → class of cells → one text for each of ``rows``, ``b""`` if empty.
        last_row: The number of the last row, be it blank.
        end: The index behind it in the piece.
    """

    rows: list[int]
    hidden: frozenset[int]
    columns: dict[int, dict[CellClass, Sequence[bytes]]]
    last_row: int
    end: int


class _Row(NamedTuple):
    number: int
    hidden: bool
    letters: tuple[bytes, ...]
    attributes: tuple[bytes, ...]
    values: tuple[bytes, ...]


class NotPlainError(Exception):
    """XML has other markup than plain rows and cells."""


class RowExpression:
    """Splits pieces of one sheet.

    Args:
        prefix: The namespace prefix of the sheet's elements with its colon, or nothing.
        namespaces: The prefixes that the sheet declares for attributes.
        classes: The classes of the workbook's cells.
        limits: Bounds of a workbook; a piece beyond one of them is a case for the parser, which names it.
    """

    def __init__(self, prefix: bytes, namespaces: frozenset[bytes], classes: CellClasses, limits: Limits) -> None:
        self._row_end = b"</%srow>" % prefix
        self._row, self._cell = _expressions(prefix)
        self._namespaces = namespaces
        self._classes = classes
        self._limits = limits
        self._known_rows: dict[bytes, bool] = {}
        self._known_cells: dict[bytes, CellClass] = {}
        self._known_positions: dict[bytes, int] = {}

    def split(self, piece: bytes, start: int, last_row: int) -> PlainRows:
        """Split the rows of a piece from its index ``start`` on, up to the first one with other markup.

        Args:
            piece: XML that :func:`is_sound`, without comments, CDATA sections and the like.
            start: The index at which a row begins.
            last_row: The number of the row before it.

        Raises:
            NotPlainError: A column of these rows has values in another form than most writers write.
        """
        rows: list[int] = []
        hidden: list[int] = []
        # Rows with the same cells, but for the values, are put side by side without a look at any cell.
        alike: dict[tuple[tuple[bytes, ...], tuple[bytes, ...]], tuple[list[int], list[tuple[bytes, ...]]]] = {}
        while (end := piece.find(self._row_end, start)) >= 0:
            try:
                row = self._split_row(piece[start:end], last_row)
            except NotPlainError:
                break
            start = end + len(self._row_end)
            last_row = row.number
            indexes, texts = alike.setdefault((row.letters, row.attributes), ([], []))
            if any(row.values):
                indexes.append(len(rows))
                texts.append(row.values)
                rows.append(last_row)
                if row.hidden:
                    hidden.append(last_row)
        columns: dict[int, dict[CellClass, Sequence[bytes]]] = {}
        for (letters, attributes), (indexes, texts) in alike.items():
            # Also those of blank cells are checked.
            positions, classes = self._positions(letters), list(map(self._class, attributes))
            for position, found, column in zip(positions, classes, zip(*texts, strict=True), strict=False):
                if any(column):
                    _place(columns.setdefault(position, {}), found, indexes, column, len(rows))
        for position in columns:
            columns[position] = {found: self._checked(found, texts) for found, texts in columns[position].items()}
        return PlainRows(rows=rows, hidden=frozenset(hidden), columns=columns, last_row=last_row, end=start)

    def _split_row(self, row: bytes, last_row: int) -> _Row:
        """Split a row, without its end tag, and the rows without any cell before it."""
        tag, end, markup = row.partition(b">")
        while tag.endswith(b"/"):
            last_row = self._number(tag[:-1], last_row)[0]
            tag, end, markup = markup.partition(b">")
        if not end:
            raise NotPlainError
        number, digits, hidden = self._number(tag, last_row)
        markup = markup.rstrip(_SPACES)
        if not markup:
            return _Row(number, hidden, (), (), ())
        letters, rows, attributes, values, inline, rest = zip(*self._cell.findall(markup), strict=True)
        if rest[-1] or (rows.count(digits) < len(rows) and any(rows)):
            raise NotPlainError
        if any(inline):
            values = tuple(map(bytes.__add__, values, inline))
        return _Row(number, hidden, letters, attributes, values)

    def _number(self, tag: bytes, last_row: int) -> tuple[int, bytes, bool]:
        """Return the number of a row, its text, and whether the row is hidden."""
        match = self._row.fullmatch(tag)
        if match is None:
            raise NotPlainError
        digits: bytes = match[1] or b""
        number = int(digits) if digits else last_row + 1
        if not last_row < number <= self._limits.rows:
            raise NotPlainError
        return number, digits, self._hides(match[2])

    def _hides(self, attributes: bytes) -> bool:
        """Return whether a row with these attributes is hidden."""
        if attributes in self._known_rows:
            return self._known_rows[attributes]
        names = _NAMES.findall(attributes)
        if (
            not _ROW_ATTRIBUTES.fullmatch(attributes)
            or len({name for name, _ in names} | {b"r"}) <= len(names)
            or not {prefix for _, prefix in names if prefix} <= self._namespaces
            or (b"xmlns", b"") in names
        ):
            raise NotPlainError
        if len(self._known_rows) >= _MOST_KNOWN:
            self._known_rows.clear()
        hides = self._known_rows[attributes] = _HIDDEN.search(attributes) is not None
        return hides

    def _class(self, attributes: bytes) -> CellClass:
        """Return the class of cells with these attributes."""
        if attributes in self._known_cells:
            return self._known_cells[attributes]
        names, _, inline = attributes.partition(b">")
        if not _CELL_ATTRIBUTES.fullmatch(names) or len(set(_NAMES.findall(names))) < names.count(b"="):
            raise NotPlainError
        cell_type, style = _TYPE.search(names), _STYLE.search(names)
        found = self._classes.get(
            "inlineStr" if inline else cell_type[1].decode() if cell_type else "", style[1].decode() if style else ""
        )
        if found is None:
            raise NotPlainError
        if len(self._known_cells) >= _MOST_KNOWN:
            self._known_cells.clear()
        self._known_cells[attributes] = found
        return found

    def _positions(self, letters: tuple[bytes, ...]) -> Sequence[int]:
        """Return the positions of a row's cells, which all have an address or all have none."""
        if not any(letters):
            positions: Sequence[int] = range(len(letters))
        else:
            known = self._known_positions
            for name in set(letters) - known.keys():
                known[name] = column_position(name.decode())  # 18,278 of them at most
            positions = list(map(known.__getitem__, letters))
        if len(set(positions)) < len(positions) or max(positions, default=0) >= self._limits.columns:
            raise NotPlainError
        return positions

    def _checked(self, cell_class: CellClass, texts: Sequence[bytes]) -> Sequence[bytes]:
        """Return texts with references resolved, which are known to be of their class."""
        source = cell_class.source
        if source is Source.NUMBER:
            sound = are_plain_numbers(texts)
        elif source is Source.SHARED:
            sound = b"".join(texts).isdigit() and max(map(len, texts)) < 12
        elif source is Source.TEXT:
            texts = resolve_texts(texts)
            sound = max(map(len, texts)) <= self._limits.cell_bytes
        elif source is Source.BOOLEAN:
            sound = set(texts) <= {b"", b"0", b"1"}
        else:
            sound = all(map(_SOUND_TEXTS[source].fullmatch, set(texts) - {b""}))
        if not sound:
            raise NotPlainError
        return texts


def _place(
    column: dict[CellClass, Sequence[bytes]],
    cell_class: CellClass,
    indexes: Sequence[int],
    texts: Sequence[bytes],
    rows: int,
) -> None:
    """Put texts of a class into a column, each at its row."""
    if len(indexes) == rows:
        column[cell_class] = texts
        return
    placed = column.get(cell_class)
    if not isinstance(placed, list):
        placed = column[cell_class] = [b""] * rows
    for index, text in zip(indexes, texts, strict=True):
        placed[index] = text


@lru_cache(maxsize=16)
def _expressions(prefix: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the expressions of a row's tag without its end and of a cell, for sheets with this prefix."""
    p = re.escape(prefix)
    row = rb'[%s]*<%srow(?: r="([1-9][0-9]{0,6})")?((?: [\s\S]*)?)' % (_SPACES, p)
    # The attributes of a formula in the order of the schema, so that none can be there twice.
    formula = (
        rb'<PREFIXf(?: t="[a-zA-Z]+")?(?: aca="[a-z01]+")?(?: ref="[A-Z0-9:$]+")?(?: ca="[a-z01]+")?(?: si="[0-9]+")?'
        rb'(?: xml:space="preserve")?(?:/>|>TEXT*</PREFIXf>)'
    )
    cell = (
        rb'[ \t\r\n]*<PREFIXc(?: r="([A-Z]{1,3})([1-9][0-9]{0,6})")?([^<>/]*(?:><PREFIXis>(?=<PREFIXt)|))'
        # A value, perhaps a formula's: without a text it was never computed, unless the text is empty.
        rb"(?:>(?:FORMULA(?!<PREFIXv><))?<PREFIXv>(TEXT*)</PREFIXv></PREFIXc>|/>|></PREFIXc>"
        rb'|(?<= t="str")>FORMULA<PREFIXv></PREFIXv></PREFIXc>'
        rb'|(?<=is>)<PREFIXt(?: xml:space="preserve"|(?!>[ \t\r\n&]))>(TEXT*)(?<![ \t\r\n;])</PREFIXt></PREFIXis></PREFIXc>)'
        rb"|([\s\S]+)"
    )
    cell = cell.replace(b"FORMULA", formula).replace(b"TEXT", _TEXT).replace(b"PREFIX", p)
    return re.compile(row), re.compile(cell)
