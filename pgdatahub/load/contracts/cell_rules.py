"""Rules for the cells of one column, evaluated on whole batches at C speed.

A rule first asks whether a batch holds; only a batch that does not is searched cell by cell. Empty cells pass each rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, Protocol
from unicodedata import normalize

import orjson

from pgdatahub.config import ColumnOptions
from pgdatahub.load.contracts.column_facts import few_texts
from pgdatahub.model.batches import NormalizedColumn
from pgdatahub.values.cells import Kind
from pgdatahub.values.copytext import unescape
from pgdatahub.values.fields import FieldBuffer, lines_of
from pgdatahub.values.literals import Bound, order_of
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.type_fit import NUMBERS

_REMEMBERED: Final = 50_000
"""Maximum number of distinct texts of a column that are remembered to match its pattern."""
_MOST_WORDS: Final = 500
"""Maximum number of listed values among which a similar one is searched; the search compares all."""


class CellRule(Protocol):
    """A rule for single cells.

    Attributes:
        name: The option's name.
        expected: The expected value, for messages.
    """

    name: str
    expected: str

    def faulty(self, column: NormalizedColumn) -> Sequence[int]:
        """Return the indexes of the cells that break the rule."""

    def hint(self, field: bytes) -> str | None:
        """Return the way to fix a cell."""


def cell_rules(options: ColumnOptions) -> tuple[CellRule, ...]:
    """Return the rules of a column, in the order of the documentation."""
    wanted = options.conversion_type or SqlType.TEXT
    rules: list[CellRule] = []
    if options.values:
        rules.append(Values(words=options.values, allowed=frozenset(options.allowed)))
    if options.pattern:
        rules.append(Pattern(expected=options.pattern))
    for name, text, bound in (("min", options.min, options.lowest), ("max", options.max, options.highest)):
        if text is not None and bound is not None:
            rules.append(Limit(name=name, expected=text, bound=order_of(bound, wanted), type=wanted))
    return tuple(rules)


@dataclass(slots=True, kw_only=True)
class Values:
    """The value is one of a list."""

    words: tuple[str, ...]
    allowed: frozenset[bytes]
    name: str = "values"
    expected: str = field(init=False)
    _with_empty: frozenset[bytes] = field(init=False)
    _hints: dict[bytes, str | None] = field(default_factory=dict)
    _by_form: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shown = self.words if len(self.words) <= 10 else (*self.words[:10], f"… ({len(self.words):,} values)")
        self.expected = ", ".join(shown)
        self._with_empty = self.allowed | {b""}

    def faulty(self, column: NormalizedColumn) -> Sequence[int]:
        """Return the indexes of the cells whose value is not in the list."""
        allowed = self._with_empty
        if allowed.issuperset(few_texts(column.texts)):
            return ()
        return [index for index, text in enumerate(column.texts) if text not in allowed]

    def hint(self, field: bytes) -> str | None:
        """Return the listed value that differs by case, white space or form of letters only, or the most similar one."""
        if field not in self._hints and len(self._hints) < _MOST_WORDS:
            self._hints[field] = self._nearest(unescape(field))
        word = self._hints.get(field)
        return f"did you mean {word}?" if word else None

    def _nearest(self, text: str) -> str | None:
        if not self._by_form:
            self._by_form = {_folded(word): word for word in reversed(self.words)}
        same = self._by_form.get(_folded(text))
        if same is not None or len(self.words) > _MOST_WORDS or len(text) > 100:
            return same
        return next(iter(get_close_matches(text, self.words, n=1, cutoff=0.75)), None)


def _folded(text: str) -> str:
    """Return the form in which texts that look alike are equal: "é" is one character or two, and letters may be wide."""
    return "".join(normalize("NFKC", text).split()).casefold()


@dataclass(slots=True, kw_only=True)
class Pattern:
    """The whole value matches a regular expression."""

    expected: str
    name: str = "pattern"
    _match: re.Pattern[str] = field(init=False)
    _known: set[bytes] = field(default_factory=lambda: {b""})
    _is_full: bool = False

    def __post_init__(self) -> None:
        self._match = re.compile(self.expected)

    def faulty(self, column: NormalizedColumn) -> Sequence[int]:
        """Return the indexes of the cells that do not match."""
        known = self._known
        texts = column.texts
        match = self._match.fullmatch
        if self._is_full and isinstance(texts, FieldBuffer) and b"\\" not in texts.lines:
            # Matching cells that are seldom equal takes less time than looking them up.
            if all(map(match, filter(None, texts.lines.decode().split("\n")))):
                return ()
        elif known.issuperset(few_texts(texts)):
            return ()
        new = set(texts).difference(known)
        joined = b"\n".join(new)
        if b"\\" not in joined and all(map(match, joined.decode().split("\n"))):
            bad = set()  # fields without a backslash are the texts themselves
        else:
            bad = {text for text in new if not match(unescape(text))}
        if len(known) + len(new) <= _REMEMBERED:
            known |= new - bad
        else:
            self._is_full = True
        return [index for index, text in enumerate(texts) if text in bad] if bad else ()

    def hint(self, field: bytes) -> str | None:  # noqa: ARG002 - the protocol of rules
        """Return None."""
        return None


@dataclass(slots=True, kw_only=True)
class Limit:
    """The value is not below ``min``, or not above ``max``."""

    name: str
    expected: str
    bound: Bound
    type: SqlType

    def _is_beyond(self, place: Bound) -> bool:
        return place > self.bound if self.name == "max" else place < self.bound  # type: ignore[operator]  # of one type

    def faulty(self, column: NormalizedColumn) -> Sequence[int]:
        """Return the indexes of the cells beyond the limit."""
        if not column.observed.evidence or self._holds(column):
            return ()
        bad = {text for text in set(column.texts) if text and self._is_beyond(order_of(text, self.type))}
        return [index for index, text in enumerate(column.texts) if text in bad] if bad else ()

    def _holds(self, column: NormalizedColumn) -> bool:
        """Return whether all cells hold, where that is seen quickly."""
        if self.type in NUMBERS:
            return self._numbers_hold(column)
        if self.type is SqlType.INTERVAL:
            return False
        # The order of these texts is the order of time, and the empty text comes first.
        end = max(column.texts) if self.name == "max" else min(filter(None, column.texts), default=b"")
        return not end or not self._is_beyond(end.decode())

    def _numbers_hold(self, column: NormalizedColumn) -> bool:
        observed = column.observed
        bound = float(self.bound)
        if self.name == "min" and bound <= 0 and b"-" not in lines_of(column.texts):
            return True
        if set(observed.evidence) == {Kind.INTEGER}:
            size = abs(observed.largest)
            if not self._is_beyond(Decimal(size)) and not self._is_beyond(Decimal(-size)):
                return True
        texts = column.texts
        filled = texts.lines.replace(b"\n", b",") if isinstance(texts, FieldBuffer) and texts.is_full else None
        try:
            numbers = orjson.loads(b"[%b]" % (filled if filled is not None else b",".join(filter(None, texts))))
        except orjson.JSONDecodeError:
            return False  # a number of more digits than JSON's reader takes
        # A double is not beyond another one where the exact numbers are not; equal doubles are compared exactly.
        if not numbers:
            return True
        return float(max(numbers)) < bound if self.name == "max" else float(min(numbers)) > bound

    def hint(self, field: bytes) -> str | None:  # noqa: ARG002 - the protocol of rules
        """Return None."""
        return None


def empty_cells(texts: Sequence[bytes]) -> Iterator[int]:
    """Yield the indexes of the empty cells of a column."""
    if isinstance(texts, FieldBuffer) and texts.is_full:
        return iter(())
    return (index for index, text in enumerate(texts) if not text)
