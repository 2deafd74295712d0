"""Numbers that are written as texts: marks, signs, units and per cent, without a guess.

The notation::

    number = sign? unit? sign? digits unit? "-"? unit?  |  "(" unit? digits unit? ")"
    digits = groups of three with the thousands mark, one decimal mark, an exponent
    suffix = "%" (a hundredth) or "‰" (a thousandth), once, unless a unit names it

White space may stand between the pieces. One unit, one form of sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

_SPACES: Final = " \t\u00a0\u2009\u202f"
_APOSTROPHES: Final = "'\u2019"
_MINUS: Final = "-\u2212"
_SUFFIXES: Final = {"%": 2, "\u2030": 3}
_PLAIN: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberNotation:
    """The notation of the numbers of a column.

    Attributes:
        decimal: The decimal mark.
        thousands: The thousands mark; None if there is none.
        units: Texts that stand before or behind a number, once.
    """

    decimal: str = "."
    thousands: str | None = None
    units: tuple[str, ...] = ()

    def plain(self, text: str) -> str:
        """Return a number in plain notation: sign, digits, point, exponent.

        Raises:
            ValueError: The text is not a number in this notation.
        """
        rest = text.strip(_SPACES)
        sign, signed = "", False
        if rest.startswith("(") and rest.endswith(")"):
            rest, sign, signed = rest[1:-1].strip(_SPACES), "-", True
        unit_found = False
        scale = 0
        while rest:
            unit = next((one for one in _longest(self.units) if rest.startswith(one) or rest.endswith(one)), None)
            if unit is not None and not unit_found:
                rest = rest[len(unit) :] if rest.startswith(unit) else rest[: -len(unit)]
                unit_found = True
            elif not signed and rest[0] in _MINUS + "+":
                sign, signed, rest = ("-" if rest[0] in _MINUS else ""), True, rest[1:]
            elif not signed and rest[-1] in _MINUS:
                sign, signed, rest = "-", True, rest[:-1]
            elif not scale and rest[-1] in _SUFFIXES:
                scale, rest = _SUFFIXES[rest[-1]], rest[:-1]
            else:
                break
            rest = rest.strip(_SPACES)
        digits = self._digits(rest)
        if scale:
            # As a decimal number, so that 12.5 % is 0.125 and nothing else.
            digits = format(Decimal(digits).scaleb(-scale), "f")
        return sign + digits

    def _digits(self, text: str) -> str:
        if self.thousands is not None:
            text = _without_thousands(text, self.thousands, self.decimal)
        if self.decimal != ".":
            if "." in text:
                raise ValueError(text)
            text = text.replace(self.decimal, ".")
        if not _PLAIN.fullmatch(text):
            raise ValueError(text)
        return text

    def hint(self, text: str) -> str | None:
        """Return the setting that would read a text, if there is an obvious one."""
        rest = text.strip(_SPACES + "()+" + _MINUS)
        if self.decimal != "." and self.thousands is None and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3})+(\D[0-9]+)?", rest):
            return 'thousands: "." reads the points as thousands marks'
        unit = re.sub(r"[0-9.,'\u2019\s]+", "", rest)
        if unit and re.search("[0-9]", rest) and len(unit) <= 8 and unit not in self.units:
            if self.units:
                known = ", ".join(f'"{one}"' for one in self.units)
                return f'unit: [{known}, "{unit}"] takes both units, and the numbers no longer tell them apart'
            return f"unit: {unit!r} removes the unit".replace("'", '"')
        return None


@lru_cache(maxsize=64)
def _longest(units: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(units, key=len, reverse=True))


def _without_thousands(text: str, mark: str, decimal: str) -> str:
    marks = _SPACES if mark in _SPACES else _APOSTROPHES if mark in _APOSTROPHES else mark
    whole, point, fraction = text.partition(decimal)
    groups = re.split(f"[{re.escape(marks)}]", whole)
    # 1.5 with the thousands mark "." must not become 15: every group after the first has three digits.
    if len(groups) > 1 and (len(groups[0]) not in (1, 2, 3) or any(len(group) != 3 for group in groups[1:])):
        raise ValueError(text)
    if any(one in fraction for one in marks):
        raise ValueError(text)
    return "".join(groups) + point + fraction
