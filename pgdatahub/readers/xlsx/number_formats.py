"""What a number format makes of a number: a date, a time, a duration, a code with leading zeros, or just a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Shown(Enum):
    """What a cell's number is, by its format."""

    NUMBER = "number"
    DATE = "date"
    """A date, with or without a time of day."""
    TIME = "time"
    """A time of day alone."""
    ELAPSED = "elapsed"
    ZEROS = "zeros"
    """Nothing but zeros: a code such as a postcode, which is text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """A number format as far as it matters: what its numbers are, and for ``ZEROS`` how many digits are shown."""

    shown: Shown
    digits: int = 0


NUMBER = NumberFormat(shown=Shown.NUMBER)
DATE = NumberFormat(shown=Shown.DATE)
TIME = NumberFormat(shown=Shown.TIME)
ELAPSED = NumberFormat(shown=Shown.ELAPSED)

# Identifiers without a code in the file (ECMA-376 part 1, 18.8.30). 27 to 36 and 50 to 58 are East Asian and 71 to 81
# Thai. 34, 35, 55 and 56 are a date in one language and a time in another: as TIME they are right for both, since a
# number of 1 or more under a time format is a date.
_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), DATE),
    **dict.fromkeys((71, 72, 73, 74, 77, 81), DATE),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56, 75, 76, 78, 80), TIME),
    46: ELAPSED,
    79: ELAPSED,
}

# What stands in a code without being part of the number: quoted text, an escaped character, padding, filling, a
# bracket (colour, locale, condition). Elapsed brackets are looked for before.
_LITERAL = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]?', re.DOTALL)
_SECTION_END = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]?|(;)', re.DOTALL)
_ELAPSED = re.compile(r'"[^"]*"?|\\.|_.|\*.|(\[(?:h+|m+|s+)\])|\[[^\]]*\]?', re.DOTALL | re.IGNORECASE)
_CLOCK = re.compile(r"am/pm|a/p|h|s", re.IGNORECASE)
# y d: year and day. e (not the exponent's), g, r: year and era. b: Buddhist year. aaa: weekday. mmm: a month's name.
_CALENDAR = re.compile(r"[ydgb]|e(?![+-])|r{1,2}|a{3,4}|m{3,5}", re.IGNORECASE)
_CONDITION = re.compile(r"\[[<>=]")


def built_in_format(identifier: int) -> NumberFormat:
    """Return what the format with this identifier is, where the file has no code for it."""
    return _BUILT_IN.get(identifier, NUMBER)


def parse_format(code: str) -> NumberFormat:
    """Return what a format code makes of a number, by its first section (that of the positive numbers)."""
    sections = _sections(code)
    first = sections[0]
    bare = _LITERAL.sub("", first)
    if bare.strip().lower() == "general" or "general" in bare.lower():
        return NUMBER
    elapsed = any(match.group(1) for match in _ELAPSED.finditer(first))
    clock = _CLOCK.search(bare)
    without_clock = re.sub(r"am/pm|a/p", "", bare, flags=re.IGNORECASE)
    if _CALENDAR.search(without_clock) or ("m" in without_clock.lower() and not clock and not elapsed):
        return DATE
    if elapsed:
        return ELAPSED
    if clock:
        return TIME
    digits = _zeros(first)
    if digits and not _CONDITION.search(code) and all(_zeros(section) == digits for section in sections[1:3]):
        return NumberFormat(shown=Shown.ZEROS, digits=digits)
    return NUMBER


def _sections(code: str) -> list[str]:
    """Split a code at its semicolons, but not at those that are quoted, escaped or in brackets."""
    sections, start = [], 0
    for match in _SECTION_END.finditer(code):
        if match.group(1):
            sections.append(code[start : match.start()])
            start = match.end()
    sections.append(code[start:])
    return sections


def _zeros(section: str) -> int:
    """Return how many digits a section of nothing but zeros shows, at least 2 (one zero is just a number); else 0."""
    # Quoted or escaped text is shown, so a section that has it is more than zeros; colours, locales, padding are not.
    bare = re.sub(r"\[[^\]]*\]|_.|\*.", "", section, flags=re.DOTALL).strip().lstrip("-")
    return len(bare) if len(bare) > 1 and not bare.strip("0") else 0
