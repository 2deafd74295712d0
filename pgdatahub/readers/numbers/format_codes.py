r"""Number format codes → sections (ECMA-376 part 1, 18.8.31).

A code is read once, token by token, so that parsing takes time in proportion to its length whatever it contains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from pgdatahub.readers.numbers.number_formats import NUMBER, Condition, NumberFormat, Section, Shown

_TOKEN: Final = re.compile(
    r"""
    "(?P<quoted>[^"]*)"?                            # literal text
  | \\(?P<escaped>.)                                # a literal character
  | (?P<aside>[_*].)                                # padding as wide as a character; filling
  | \[(?P<bracket>[^\]]*)\]?                        # colour, locale, condition, elapsed hours
  | (?P<end>;)
  | (?P<general>general)
  | (?P<noon>am/pm|a/p)
  | (?P<letters>y+|m+|d+|h+|s+)
  | (?P<calendar>g+e|ee|gg+|bb+|rr|a{3,})           # era and year of an era, Buddhist year, weekday
  | (?P<era>e(?![+-])|g)                            # a year with other letters; LibreOffice writes "BOOL"e"AN" for booleans
  | (?P<digit>[0#?])
  | (?P<fraction>[.,]0+)
  | (?P<text>@)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ELAPSED: Final = re.compile(r"(?:h+|m+|s+)", re.IGNORECASE)
_CONDITION: Final = re.compile(
    r"\s*(<=|>=|<>|<|>|=)\s*([-+]?[0-9]{1,40}(?:\.[0-9]{0,40})?(?:E[-+]?[0-9]{1,2})?)\s*", re.IGNORECASE
)
_CURRENCY: Final = re.compile(r"\$([^-]*)")
_NUMERIC: Final = frozenset(".,%/#?eE")
"""Characters that make a number of zeros: a point, thousands, a percentage, a fraction, an exponent."""
_SIGNS: Final = frozenset("-+()' \u00a0")
"""Literals that may stand before or behind a code of zeros without making it a number with a unit."""
_LOCALIZED: Final = frozenset("tj")
"""Days and years of German and French codes (TT.MM.JJJJ, jj/mm/aaaa), which some programs write as they are."""
_LONGEST_PATTERN: Final = 255
"""Excel's limit for a whole code. A longer pattern of zeros would make long texts of short numbers."""
_DATES: Final = frozenset({Shown.DATE, Shown.TIME, Shown.ELAPSED})


def parse_format(code: str) -> NumberFormat:
    """Return the sections of a format code.

    Sections of one meaning become one, so formats that differ in colours and padding only are equal.
    """
    drafts = list(islice(_drafts(code), 4))
    # Excel takes the last section for texts if it has an @, however few sections there are. A fourth is for texts.
    if len(drafts) > 1 and drafts[-1].text:
        drafts.pop()
    shown = [draft.shown() for draft in drafts[:3]]
    conditions = [draft.condition for draft in drafts[:2]]
    if not any(conditions):
        shown = _without_strays(shown)
    if any(section.shown in _DATES or section.shown is Shown.ZEROS for section in shown):
        sections = _with_conditions(shown, conditions)
    else:
        return NUMBER
    return _merged(sections)


@dataclass(slots=True)
class _Draft:
    """A section that is being read."""

    condition: Condition | None = None
    general: bool = False
    text: bool = False
    elapsed: bool = False
    calendar: bool = False
    """A letter that dates alone have, beside ``y m d h s``."""
    letters: set[str] = field(default_factory=set)
    """Those of ``y m d h s`` that there are, and ``p`` for ``AM/PM``."""
    long_run: bool = False
    """A year, a day or a month of three letters or more."""
    words: set[str] = field(default_factory=set)
    """Letters without quotes that mean nothing in a code, such as the ``k`` of ``kr``."""
    digits: bool = False
    """A digit placeholder, apart from the fraction of seconds."""
    numeric: bool = False
    """A character that makes a number of zeros."""
    blank: bool = True
    """Nothing is shown."""
    pattern: list[str] = field(default_factory=list)

    def shown(self) -> Section:
        """Return the section without a condition."""
        if self.general or self.text:
            return Section(shown=Shown.NUMBER)
        if self.digits:
            pattern = self._zeros()
            return Section(shown=Shown.ZEROS, pattern=pattern) if pattern else Section(shown=Shown.NUMBER)
        if kind := self._time_kind():
            return Section(shown=kind)
        return Section(shown=Shown.NOTHING if self.blank else Shown.NUMBER)

    def _time_kind(self) -> Shown | None:
        """Return the kind of date, time or duration, None for a text."""
        if self.words and not self.long_run:
            # ``kr``, ``USD`` or ``Standard`` is a text; ``hh:mm Uhr`` is a time.
            if self.elapsed:
                return Shown.ELAPSED
            localized = "m" in self.letters and self.words <= _LOCALIZED
            if not localized and not (self.letters & {"y", "m"} and len(self.letters) > 1):
                return None
        clock = self.letters & {"h", "s", "p"}
        minutes = "m" in self.letters and not self.long_run and (clock or self.elapsed)
        if self.calendar or self.long_run or self.letters & {"y", "d"} or ("m" in self.letters and not minutes):
            return Shown.DATE
        if self.elapsed:
            return Shown.ELAPSED
        return Shown.TIME if clock else None

    def _zeros(self) -> str:
        """Return the pattern of a code; empty if the section shows a number: one zero, or a unit around zeros."""
        if self.numeric or self.letters or self.calendar or self.elapsed:
            return ""
        places = [index for index, piece in enumerate(self.pattern) if piece == "0"]
        if len(places) < 2 or len(self.pattern) > _LONGEST_PATTERN:
            return ""
        between = places[-1] - places[0] >= len(places)
        edges = self.pattern[: places[0]] + self.pattern[places[-1] + 1 :]
        if not between and not _SIGNS.issuperset(edges):
            return ""
        return "".join(self.pattern)


def _drafts(code: str) -> Iterator[_Draft]:
    """Yield the sections of a code."""
    draft, after_seconds = _Draft(), False
    for token in _TOKEN.finditer(code):
        kind, text = token.lastgroup, token[0]
        seconds = after_seconds
        after_seconds = False
        if kind == "end":
            yield draft
            draft = _Draft()
        elif kind == "bracket":
            after_seconds = _read_bracket(draft, token["bracket"])
        elif kind in ("quoted", "escaped"):
            literal = token[kind]
            _add_literal(draft, literal)
            after_seconds = seconds and literal in (".", ",")
        elif kind == "fraction":
            if not seconds:
                draft.digits = draft.numeric = True
                draft.blank = False
        elif kind == "digit":
            if seconds and text == "0":  # ss\.000, whose point is a literal
                after_seconds = True
            else:
                draft.digits = True
                draft.blank = False
                draft.numeric = draft.numeric or text != "0"
                draft.pattern.append(text)
        elif kind == "letters":
            letter = text[0].lower()
            draft.letters.add(letter)
            draft.long_run = draft.long_run or (letter in "ymd" and len(text) > 2)
            after_seconds = letter == "s"
        elif kind == "noon":
            draft.letters.add("p")
        elif kind == "calendar":
            draft.calendar = True
        elif kind == "general":
            draft.general = True
        elif kind == "text":
            draft.text = True
        elif kind == "other":
            draft.numeric = draft.numeric or text in _NUMERIC
            if text.isascii() and text.isalpha():
                draft.words.add(text.lower())
            _add_literal(draft, text)
    yield draft


def _add_literal(draft: _Draft, literal: str) -> None:
    draft.blank = draft.blank and not literal.strip()
    if len(draft.pattern) <= _LONGEST_PATTERN:
        draft.pattern.extend("\\" + character if character in "0\\" else character for character in literal)


def _read_bracket(draft: _Draft, content: str) -> bool:
    """Note what a bracket says; return whether it is elapsed seconds."""
    if _ELAPSED.fullmatch(content):
        draft.elapsed = True
        return content[0] in "sS"
    if match := _CONDITION.fullmatch(content):
        draft.condition = Condition(operator=match[1], operand=float(match[2]))
    elif (match := _CURRENCY.match(content)) and match[1]:
        _add_literal(draft, match[1])
    return False


def _without_strays(sections: list[Section]) -> list[Section]:
    """Return sections in which no letter of a currency is a date: in ``R #,##0;-R #,##0;R -`` 0 is a number."""
    if sections[0].shown in _DATES:
        return sections
    return [Section(shown=Shown.NUMBER) if section.shown in _DATES else section for section in sections]


def _with_conditions(sections: list[Section], conditions: list[Condition | None]) -> list[Section]:
    """Return sections with the conditions that Excel applies, explicit or implied by the number of sections."""
    if len(sections) == 1:
        return [_under(sections[0], conditions[0])]
    first, second = conditions
    last = len(sections) == 2
    if first is None:
        first = Condition(operator=">=" if last else ">", operand=0)
    if second is None and not (last and conditions[0] is not None):
        second = Condition(operator="<", operand=0)
    # The second of two sections takes what is left, with the sign that is implied where that is the negative numbers.
    rest_is_negative = first.operator in (">", ">=") and first.operand == 0
    found = [_under(sections[0], first), _under(sections[1], second)]
    if last and second is None and rest_is_negative:
        found[1] = _unsigned(found[1])
    found.extend(sections[2:])
    return found


def _under(section: Section, condition: Condition | None) -> Section:
    section = replace(section, condition=condition)
    return _unsigned(section) if condition is not None and condition.is_negative else section


def _unsigned(section: Section) -> Section:
    return replace(section, unsigned=True) if section.shown is Shown.ZEROS else section


def _merged(sections: list[Section]) -> NumberFormat:
    """Return a format of sections, of one section where the number makes no difference."""
    bare = {replace(section, condition=None) for section in sections}
    if len(bare) == 1 and len(sections) > 1:
        return NumberFormat(sections=(bare.pop(),))
    return NumberFormat(sections=tuple(sections))
