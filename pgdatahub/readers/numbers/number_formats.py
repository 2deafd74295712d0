"""Number formats as data: sections, conditions, and the section that applies to a value.

A reader gives the raw number and the number format of its cell; :mod:`pgdatahub.readers.numbers.formatted_numbers` makes the
value. :mod:`pgdatahub.readers.numbers.format_codes` parses codes such as ``dd/mm/yyyy;@``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Shown(Enum):
    """The kind of value to which a section converts a number."""

    NUMBER = "number"
    """The number itself: digits, currencies, units, percentages, fractions, ``General``, text alone."""
    DATE = "date"
    """A date, with or without a time of day."""
    TIME = "time"
    """A time of day alone; a number of 1 or more is a date with its time."""
    ELAPSED = "elapsed"
    """A duration."""
    ZEROS = "zeros"
    """A code such as a postcode: the text that the section's pattern shows."""
    NOTHING = "nothing"
    """Empty text in a format of dates, durations or codes: 0 is an empty cell, any other number stays a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The condition of a section, such as ``[>=1000]``.

    Attributes:
        operator: One of ``< <= > >= = <>``.
        operand: The number to the right of the operator.
    """

    operator: str
    operand: float

    def holds(self, number: float) -> bool:
        """Return whether the comparison holds for a number."""
        return _OPERATORS[self.operator](number, self.operand)

    @property
    def is_negative(self) -> bool:
        """True if the comparison holds for all negative numbers and for no other number."""
        return self.operator == "<" and self.operand == 0


_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a number format.

    Attributes:
        condition: The numbers to which the section applies; None for all numbers to which no earlier section applies.
            A format without explicit conditions has the conditions that its number of sections implies.
        shown: The kind of value.
        pattern: For ``ZEROS``, the text with ``0`` for a digit; a backslash makes the next character a literal.
        unsigned: For ``ZEROS``, the section shows a negative number without adding a sign.
    """

    condition: Condition | None = None
    shown: Shown
    pattern: str = ""
    unsigned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """The parts of a number format that affect values.

    Attributes:
        sections: The sections in order, without the section for text. Most formats have one section without a condition.
    """

    sections: tuple[Section, ...]

    def section_for(self, number: float) -> Section:
        """Return the section that applies to a number; a section of plain numbers if none does (Excel shows ``###``)."""
        for section in self.sections:
            if section.condition is None or section.condition.holds(number):
                return section
        return _PLAIN

    @property
    def only(self) -> Section | None:
        """The section that applies to all numbers; None if the section depends on the number."""
        first = self.sections[0]
        return first if first.condition is None else None


_PLAIN: Final = Section(shown=Shown.NUMBER)
NUMBER: Final = NumberFormat(sections=(_PLAIN,))
DATE: Final = NumberFormat(sections=(Section(shown=Shown.DATE),))
TIME: Final = NumberFormat(sections=(Section(shown=Shown.TIME),))
ELAPSED: Final = NumberFormat(sections=(Section(shown=Shown.ELAPSED),))


def zeros_format(pattern: str) -> NumberFormat:
    """Return the format of a code: ``00000`` shows 501 as ``00501``."""
    return NumberFormat(sections=(Section(shown=Shown.ZEROS, pattern=pattern),))


# Identifiers without a code in the file (ECMA-376 part 1, 18.8.30). 27 to 36 and 50 to 58 are East Asian and 71 to 81
# Thai. 34, 35, 55 and 56 are a date in one language and a time in another: TIME is right for both, since a number of 1 or
# more under a time format is a date.
_BUILT_IN: Final[Mapping[int, NumberFormat]] = {
    **dict.fromkeys((14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), DATE),
    **dict.fromkeys((71, 72, 73, 74, 77, 81), DATE),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56, 75, 76, 78, 80), TIME),
    46: ELAPSED,
    79: ELAPSED,
}


def built_in_format(identifier: int) -> NumberFormat:
    """Return the built-in format with this identifier, for a file that has no code for the identifier."""
    return _BUILT_IN.get(identifier, NUMBER)
