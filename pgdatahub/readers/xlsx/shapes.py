"""The shape of a sheet's rows, learnt from rows that were read before, as one regular expression for a whole row.

Rows of a table differ in their numbers and values only. The expression spells out the rest: column letters, styles and
types stand in it as they were seen, each cell may be missing or blank, each value is a group. It matches nothing but
well-formed rows whose cells say where they are and what they are, so whatever it matches needs no XML parser.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.addresses import column_position
from pgdatahub.readers.xlsx.cell_classes import CellClass, CellClasses, Source
from pgdatahub.values.cells import column_letters

# Characters that XML allows in text, but for "<"; references and UTF-8 are checked elsewhere.
_TEXT = rb"[^<\x00-\x08\x0b\x0c\x0e-\x1f]*"
_QUOTED = rb'"[^"<&\x00-\x1f]*"'
_ATTRIBUTES = rb"((?: [A-Za-z_][A-Za-z0-9_.:-]*=" + _QUOTED + rb")*)"
_TYPE = re.compile(rb' t="([A-Za-z]*)"')
_STYLE = re.compile(rb' s="([0-9]*)"')
_NAME = re.compile(rb" ([A-Za-z_][A-Za-z0-9_.:-]*)=")
# What may stand in a cell's tag beside its address, in any order and each once.
_CELL_ATTRIBUTES = re.compile(rb'(?: (?:(?:s|cm|vm|ph)="[0-9]{1,9}"|t="[A-Za-z]{1,9}"))*')
_HIDDEN = re.compile(rb' hidden="(?:1|true|on)"')

_VALUES = {
    Source.NUMBER: rb"([^<]+)",  # whoever uses the expression looks whether they are numbers
    Source.SHARED: rb"([0-9]{1,10})",
    Source.BOOLEAN: rb"([01])",
    Source.TEXT: b"(" + _TEXT + b")",
    Source.ERROR: rb"([A-Z0-9#/!?_]+)",
    Source.DATE: rb"([0-9A-Z:.+-]+)",
}
# A cell can be read in one way only, so giving it back never helps; trying to costs the square of the columns where a row
# does not match. Python 3.10 has no possessive quantifiers.
_OPTIONAL = b"(?:%s)?+" if sys.version_info >= (3, 11) else b"(?:%s|)"
_STYLED = rb'(?: s="[0-9]{1,9}"|)'
_MOST_LITERALS = 64
_MOST_ROW_ATTRIBUTES = 64
"""Names of attributes that rows may have; Excel writes about ten. Rows with others go to the parser."""
_MOST_SLOTS = 2000  # compiling takes some 100 µs for each


class Form(Enum):
    """How a value stands in its cell."""

    VALUE = "<v>"
    INLINE = "<is><t>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A group of the expression: the values of one class in one column."""

    position: int
    cell_class: CellClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An expression that tiles a piece of sheet data.

    Each match of ``pattern`` is one of: a row (group 1 its number, group 2 its other attributes, then a group for each
    slot), a run of blank rows (no group), any other row (the last group but one), all that is left (the last group).
    """

    pattern: re.Pattern[bytes]
    slots: tuple[Slot, ...]


class ShapeLearner:
    """Collects what cells look like and makes shapes of it.

    Args:
        prefix: The namespace prefix of the sheet's elements, with its colon, or nothing.
        classes: The classes of the workbook's cells.
        limits: How many columns there may be.
    """

    def __init__(self, prefix: bytes, classes: CellClasses, limits: Limits) -> None:
        self._prefix = prefix
        self._classes = classes
        self._limits = limits
        # For each kind of value of a column what stands before and behind the address.
        self._literals: dict[tuple[int, CellClass, Form], set[tuple[bytes, bytes]]] = {}
        self._formulas: set[tuple[int, CellClass, Form]] = set()
        self._row_attributes: set[bytes] = set()
        tag = re.escape(prefix)
        self._formula = rb"<%sf(?: [A-Za-z0-9]+=%s)*(?:/>|>%s</%sf>)" % (tag, _QUOTED, _TEXT, tag)
        self._row_pattern = re.compile(rb"<%srow%s(?:/>|>([\s\S]*?)</%srow>)" % (tag, _ATTRIBUTES, tag))
        self._cell_pattern = re.compile(
            rb'<%sc%s r="([A-Z]{1,3})[0-9]{1,7}"%s(?:/>|>([\s\S]*?)</%sc>)' % (tag, _ATTRIBUTES, _ATTRIBUTES, tag)
        )
        self._value_body = re.compile(rb"(%s)?<%sv>[^<]*</%sv>" % (self._formula, tag, tag))
        self._inline_body = re.compile(
            rb'<%sis><%st(?: xml:space="preserve")?>[^<]*</%st></%sis>' % (tag, tag, tag, tag)
        )

    def learn(self, rows: bytes) -> bool:
        """Learn from rows that an XML parser has accepted; tell whether anything was new.

        What is seen in one row of many is left out: that is a header, a total.
        """
        found: Counter[tuple[tuple[int, CellClass, Form], tuple[bytes, bytes]]] = Counter()
        formulas = set()
        new = False
        count = 0
        for attributes, cells in self._row_pattern.findall(rows):
            count += 1
            names = set(_NAME.findall(attributes)) - {b"r"}
            if any(name.startswith(b"xmlns") for name in names):
                continue
            if len(self._row_attributes | names) > _MOST_ROW_ATTRIBUTES:
                continue  # the expression compares each attribute with each name
            new = new or not names <= self._row_attributes
            self._row_attributes |= names
            for before, letters, after, body in self._cell_pattern.findall(cells):
                kind = self._kind(letters, before + after, body)
                if kind is not None:
                    found[kind, (before, after)] += 1
                    if body.startswith(b"<%sf" % self._prefix):
                        formulas.add(kind)
        least = 2 if count >= 5 else 1
        for (kind, literal), times in found.items():
            literals = self._literals.get(kind, set())
            known = literal in literals and (kind in self._formulas or kind not in formulas)
            if times >= least and not known and len(literals) < _MOST_LITERALS:
                self._literals.setdefault(kind, literals).add(literal)
                self._formulas |= formulas & {kind}
                new = True
        return new

    @property
    def namespaces(self) -> set[bytes]:
        """The prefixes of attributes of rows, which a sheet must declare."""
        return {name.partition(b":")[0] for name in self._row_attributes if b":" in name}

    def _kind(self, letters: bytes, literal: bytes, body: bytes) -> tuple[int, CellClass, Form] | None:
        names = _NAME.findall(literal)
        if not body or not _CELL_ATTRIBUTES.fullmatch(literal) or len(set(names)) < len(names):
            return None
        position = column_position(letters.decode())
        cell_type, style = _TYPE.search(literal), _STYLE.search(literal)
        cell_class = self._classes.get(cell_type[1].decode() if cell_type else "", style[1].decode() if style else "")
        if cell_class is None or position >= self._limits.columns:
            return None
        inline = cell_type is not None and cell_type[1] == b"inlineStr"
        if inline and self._inline_body.fullmatch(body):
            return position, cell_class, Form.INLINE
        if not inline and self._value_body.fullmatch(body):
            return position, cell_class, Form.VALUE
        return None

    def shape(self) -> Shape | None:
        """Return the shape of all that was learnt, None if there is nothing or too much of it."""
        if not 0 < len(self._literals) <= _MOST_SLOTS:
            return None
        kinds = sorted(self._literals, key=lambda kind: kind[0])
        tag = re.escape(self._prefix)
        names = b"|".join(map(re.escape, sorted(self._row_attributes)))
        attributes = rb"(?: (?:%s)=%s)*" % (names, _QUOTED) if names else b""
        cells, slots = [], []
        for position in sorted({kind[0] for kind in kinds}):
            here = [kind for kind in kinds if kind[0] == position]
            slots += [Slot(position=position, cell_class=kind[1]) for kind in here]
            cell = self._cell(position, here)
            cells.append(_OPTIONAL % cell)
        blank = rb'(?:<%sc%s r="[A-Z]{1,3}[0-9]{1,7}"%s/>)*' % (tag, _STYLED, _STYLED)
        blank_row = rb'[ \t\r\n]*<%srow r="[0-9]{1,7}"%s(?:/>|>%s</%srow>)' % (tag, attributes, blank, tag)
        row = rb'[ \t\r\n]*<%srow r="([1-9][0-9]{0,6})"(%s)>%s</%srow>' % (tag, attributes, b"".join(cells), tag)
        other = rb"[ \t\r\n]*(<%srow[ >/][\s\S]*?</%srow>)" % (tag, tag)
        pattern = rb"(?:%s)+|%s|%s|([\s\S]+)" % (blank_row, row, other)
        return Shape(pattern=re.compile(pattern), slots=tuple(slots))

    def _cell(self, position: int, kinds: list[tuple[int, CellClass, Form]]) -> bytes:
        """Return the expression of a column's cell: a value of one of the kinds, or blank."""
        tag = re.escape(self._prefix)
        address = rb' r="%s\1"' % column_letters(position).encode()
        blank = rb"%s(?:/>|></%sc>)" % (_STYLED, tag)
        if any(before for kind in kinds for before, _ in self._literals[kind]):
            values = [self._value(kind, b"<%sc%%s%s" % (tag, address)) for kind in kinds]
            return rb"(?:%s|<%sc%s%s%s)" % (b"|".join(values), tag, _STYLED, address, blank)
        # Nearly all writers begin with the address, which then needs to be matched once only.
        values = [self._value(kind, b"%s") for kind in kinds]
        return rb"<%sc%s(?:%s|%s)" % (tag, address, b"|".join(values), blank)

    def _value(self, kind: tuple[int, CellClass, Form], address: bytes) -> bytes:
        tag = re.escape(self._prefix)
        literals = [address % re.escape(before) + re.escape(after) for before, after in sorted(self._literals[kind])]
        value = _VALUES[kind[1].source]
        if kind[2] is Form.INLINE:
            body = rb'<%sis><%st(?: xml:space="preserve"|)>%s</%st></%sis>' % (tag, tag, value, tag, tag)
        else:
            formula = rb"(?:%s|)" % self._formula if kind in self._formulas else b""
            body = rb"%s<%sv>%s</%sv>" % (formula, tag, value, tag)
        start = rb"(?:%s)" % b"|".join(literals) if len(literals) > 1 else literals[0]
        return rb"%s>%s</%sc>" % (start, body, tag)


def hides(attributes: bytes) -> bool:
    """Tell whether a row with these attributes is hidden."""
    return _HIDDEN.search(attributes) is not None


def repeats(attributes: bytes) -> bool:
    """Tell whether a row says an attribute twice, which no XML parser accepts."""
    names = _NAME.findall(attributes)
    return len(set(names)) < len(names)
