"""Number format codes as reading version 0 understood them, kept to find the files that read differently now."""

from __future__ import annotations

import re
from typing import Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.number_formats import DATE, ELAPSED, NUMBER, TIME, NumberFormat, zeros_format
from pgdatahub.readers.packages.office_workbook import find_workbook_part
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.xlsx.styles import read_styles

_LONGEST: Final = 255
"""Excel's limit for a code; the expressions below take longer than their length for some longer ones."""
_LITERAL: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]?', re.DOTALL)
_SECTION_END: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]?|(;)', re.DOTALL)
_ELAPSED: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|(\[(?:h+|m+|s+)\])|\[[^\]]*\]?', re.DOTALL | re.IGNORECASE)
_CLOCK: Final = re.compile(r"am/pm|a/p|h|s", re.IGNORECASE)
_CALENDAR: Final = re.compile(r"[ydgb]|e(?![+-])|r{1,2}|a{3,4}|m{3,5}", re.IGNORECASE)
_CONDITION: Final = re.compile(r"\[[<>=]")


def formats_read_differently(package: Package) -> bool:
    """Return whether a workbook has a number format that version 0 understood in another way.

    Raises:
        FileError: The workbook is damaged.
    """
    part = find_workbook_part(package)
    if part is None:
        return True
    styles = next((found.target for found in package.relationships(part) if found.type == "styles"), None)
    if styles is None or styles not in package:
        return False
    stream = package.open(styles)
    if b"AlternateContent" in b"".join(iter(lambda: stream.read(1 << 16), b"")):
        return True  # version 0 took the formats of no alternative
    codes = read_styles(package.open(styles), Limits()).codes
    return any(isinstance(code, str) and not reads_alike(code) for code in codes)


def reads_alike(code: str) -> bool:
    """Return whether version 0 made the same of all numbers under a format code."""
    return len(code) <= _LONGEST and parse_first(code) == parse_format(code)


def parse_first(code: str) -> NumberFormat:
    """Return the meaning of a format code in version 0: that of its first section, for all numbers."""
    sections = _sections(code)
    first = sections[0]
    bare = _LITERAL.sub("", first)
    if "general" in bare.lower():
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
        return zeros_format("0" * digits)
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
    """Return how many digits a section of nothing but zeros shows, at least 2; else 0."""
    bare = re.sub(r"\[[^\]]*\]|_.|\*.", "", section, flags=re.DOTALL).strip().lstrip("-")
    return len(bare) if len(bare) > 1 and not bare.strip("0") else 0
