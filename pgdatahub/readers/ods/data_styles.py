"""Data styles → number format codes, so that the rules of the other formats decide.

A data style is a list of elements: ``<number:hours/>``, ``<number:text>:</number:text>``, ``<number:minutes/>``. Each has a
counterpart in a format code, and a ``<style:map>`` is a section with a condition (ODF 1.3 part 3, 16.29).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.readers.numbers.format_codes import parse_format
from pgdatahub.readers.numbers.number_formats import NumberFormat
from pgdatahub.readers.ods import names

_LONGEST_CODE: Final = 1000
"""Characters; Excel's limit is 255."""
_MOST_DIGITS: Final = 100
_MOST_MAPS: Final = 3
_CONDITION: Final = re.compile(r"\s*value\(\)\s*(<=|>=|!=|<>|<|>|=)\s*([-+0-9.eE]{1,40})\s*")


@dataclass(slots=True, kw_only=True)
class DataStyle:
    """A data style that is being read.

    Attributes:
        elapsed: It is the style of a duration, whose first unit (hours, minutes or seconds) is still to come.
        code: The pieces of its section.
        maps: Condition and name of the style that applies under it.
    """

    elapsed: bool = False
    code: list[str] = field(default_factory=list)
    maps: list[tuple[str, str]] = field(default_factory=list)
    length: int = 0

    def add(self, piece: str) -> None:
        """Add a piece of code, unless the code is longer than any that is shown."""
        self.length += len(piece)
        if self.length <= _LONGEST_CODE:
            self.code.append(piece)

    def add_map(self, condition: str, name: str) -> None:
        """Add a section under a condition such as ``value()>=0``; others cannot apply to numbers."""
        match = _CONDITION.fullmatch(condition)
        if match and len(self.maps) < _MOST_MAPS:
            operator = "<>" if match[1] == "!=" else match[1]
            self.maps.append((f"[{operator}{match[2]}]", name))

    @property
    def section(self) -> str:
        """The code without the sections under conditions: nothing for an empty text alone, General without elements."""
        return "".join(self.code) if self.code else "General"


def begin_data_style(element: str, attributes: Mapping[str, str]) -> DataStyle:
    """Return an empty data style."""
    elapsed = attributes.get(names.TRUNCATE) == "false" and element == f"{names.NUMBER}time-style"
    return DataStyle(elapsed=elapsed)


def add_element(
    style: DataStyle, element: str, attributes: Mapping[str, str], embedded: Sequence[tuple[int, str]] = ()
) -> None:
    """Add an element of a data style, other than a literal text.

    Args:
        style: The style.
        element: The element's name.
        attributes: Its attributes.
        embedded: Texts within a number, each with the number of digits between the text and the decimal point.
    """
    make = _CODES.get(element)
    if make is None:
        return
    code = make(attributes, style.elapsed)
    if element in _UNITS:
        style.elapsed = False  # only the first unit counts all time: [mm]:ss
    if embedded and "." not in code:
        digits = list(code)
        for position, text in sorted(embedded):
            # From the right; the texts inserted before stand further right, each as one item.
            digits.insert(max(0, _place(digits, position)), literal(text))
        code = "".join(digits)
    style.add(code)


def _place(digits: Sequence[str], position: int) -> int:
    """Return the index before the last ``position`` digits."""
    index = len(digits)
    while position > 0 and index > 0:
        index -= 1
        position -= len(digits[index]) == 1
    return index


def literal(text: str) -> str:
    """Return a text as it stands in a code."""
    return "".join(f"\\{character}" for character in text)


def padding(text: str) -> str:
    """Return white space as it stands in a code: LibreOffice writes the padding of other formats (``_)``) as a space."""
    return "_ " * len(text)


def number_format(style: DataStyle, styles: Mapping[str, DataStyle]) -> NumberFormat:
    """Return the number format of a data style.

    Args:
        style: The style.
        styles: The styles that its maps name.
    """
    sections = [
        condition + styles[name].section if name in styles else f"{condition}General" for condition, name in style.maps
    ]
    if len(sections) == _MOST_MAPS:
        # Of three, the third applies to the numbers that are left; the style itself is for texts.
        sections[-1] = sections[-1].partition("]")[2]
    else:
        sections.append(style.section)
    return parse_format(";".join(sections))


def _number(attributes: Mapping[str, str], _elapsed: bool) -> str:
    digits = _count(attributes, names.INTEGER_DIGITS, 1)
    places = _count(attributes, names.DECIMAL_PLACES, 0)
    code = "0" * digits or "#"
    if attributes.get(names.GROUPING) == "true":
        code = f"#,##{code}"
    if places:
        code += "." + "0" * places
    # Thousands and millions; the value is the whole number.
    return code + "," if attributes.get(names.DISPLAY_FACTOR, "1") != "1" else code


def _count(attributes: Mapping[str, str], name: str, default: int) -> int:
    text = attributes.get(name, "")
    return min(int(text), _MOST_DIGITS) if text.isdecimal() and len(text) < 6 else default


def _scientific(attributes: Mapping[str, str], elapsed: bool) -> str:
    return _number(attributes, elapsed) + "E+00"


def _letters(short: str, long: str, *, counts: bool = False) -> Callable[[Mapping[str, str], bool], str]:
    """Return a function that makes the letters of a date or a time; ``counts``: in brackets in a duration."""

    def make(attributes: Mapping[str, str], elapsed: bool) -> str:
        letters = long if attributes.get(names.LENGTH) == "long" else short
        return f"[{letters}]" if counts and elapsed else letters

    return make


def _month(attributes: Mapping[str, str], _elapsed: bool) -> str:
    letters = "mm" if attributes.get(names.LENGTH) == "long" else "m"
    return letters + "mm" if attributes.get(names.TEXTUAL) == "true" else letters


def _seconds(attributes: Mapping[str, str], elapsed: bool) -> str:
    letters = _letters("s", "ss", counts=True)(attributes, elapsed)
    places = _count(attributes, names.DECIMAL_PLACES, 0)
    return f"{letters}.{'0' * places}" if places else letters


_UNITS: Final = frozenset(f"{names.NUMBER}{unit}" for unit in ("hours", "minutes", "seconds"))
_CODES: Final[Mapping[str, Callable[[Mapping[str, str], bool], str]]] = {
    f"{names.NUMBER}number": _number,
    f"{names.NUMBER}scientific-number": _scientific,
    f"{names.NUMBER}fraction": lambda _attributes, _elapsed: "# ?/?",
    f"{names.NUMBER}boolean": lambda _attributes, _elapsed: "General",
    f"{names.NUMBER}text-content": lambda _attributes, _elapsed: "@",
    f"{names.NUMBER}year": _letters("yy", "yyyy"),
    f"{names.NUMBER}month": _month,
    f"{names.NUMBER}day": _letters("d", "dd"),
    f"{names.NUMBER}day-of-week": _letters("ddd", "dddd"),
    f"{names.NUMBER}era": _letters("g", "gg"),
    f"{names.NUMBER}quarter": lambda _attributes, _elapsed: "yy",
    f"{names.NUMBER}week-of-year": lambda _attributes, _elapsed: "yy",
    f"{names.NUMBER}hours": _letters("h", "hh", counts=True),
    f"{names.NUMBER}minutes": _letters("m", "mm", counts=True),
    f"{names.NUMBER}seconds": _seconds,
    f"{names.NUMBER}am-pm": lambda _attributes, _elapsed: "AM/PM",
}
