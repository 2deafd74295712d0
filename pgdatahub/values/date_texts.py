"""Dates and times that are written as texts, in one of several formats that never contradict each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import combinations
from typing import Final

EXCEL: Final = "excel"
EXCEL_1904: Final = "excel1904"
_SERIALS: Final = frozenset({EXCEL, EXCEL_1904})
_WIDTHS: Final = {"d": 2, "m": 2, "y": 2, "Y": 4, "H": 2, "I": 2, "M": 2, "S": 2, "j": 3, "f": 6}
"""Numeric directives of strptime, with their full width."""
_TOKEN: Final = re.compile(r"%(.)|(\s+)|([^%\s]+)", re.DOTALL)
_PROBES: Final = tuple(
    datetime(2001, 2, 3, 4, 5, 6) + timedelta(days=days, hours=days % 24)  # noqa: DTZ001 - workbooks know no time zones
    for days in (0, 8, 37, 245, 1000, 3000)
)

Names = Mapping[str, Mapping[str, int]]
"""Directive (``B``, ``b``, ``A``, ``a``, ``p``) → name in a language, casefolded → number."""


@lru_cache(maxsize=256)
def _compiled(form: str) -> re.Pattern[str]:
    """Return an expression for the texts of a format: numbers without a separator have their full width."""
    tokens = [match.groups() for match in _TOKEN.finditer(form)]
    pattern = ""
    for index, (directive, space, literal) in enumerate(tokens):
        if space:
            pattern += r"\s+"
        elif literal:
            pattern += re.escape(literal)
        elif directive in _WIDTHS:
            beside = [tokens[other][0] for other in (index - 1, index + 1) if 0 <= other < len(tokens)]
            full = any(one in _WIDTHS for one in beside if one)
            width = _WIDTHS[directive]
            exact = full or directive in "Yy"
            padded = "| [1-9]" if directive == "d" else ""  # as strptime takes it
            pattern += f"([0-9]{{{width}}})" if exact else f"([0-9]{{1,{width}}}{padded})"
        else:
            pattern += "(.+?)" if directive != "%" else "(%)"
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def parse_date(text: str, forms: Sequence[str], names: Names | None = None) -> datetime:
    """Return the moment that a text means in one of several formats.

    Raises:
        ValueError: The text has none of the formats.
    """
    for form in forms:
        if form in _SERIALS:
            continue
        match = _compiled(form).fullmatch(text)
        if match is None:
            continue
        try:
            if names is None:
                return datetime.strptime(text, form)  # noqa: DTZ007 - a value with a zone becomes UTC later
            return _parse_named(form, match, names)
        except (ValueError, KeyError):
            continue
    raise ValueError(text)


def _parse_named(form: str, match: re.Match[str], names: Names) -> datetime:
    """Parse a text whose names of months and weekdays are of a language, by putting numbers in their place."""
    pieces: list[str] = []
    forms: list[str] = []
    groups = iter(match.groups())
    for directive, _space, _literal in (token.groups() for token in _TOKEN.finditer(form)):
        if directive is None:
            continue
        text = next(groups)
        if directive in names:
            number = names[directive][plain_name(text)]
            if directive in "Aa":
                continue  # the weekday follows from the date
            pieces.append(("AM", "PM")[number] if directive == "p" else str(number))
            forms.append("%p" if directive == "p" else "%m")
        else:
            pieces.append(text)
            forms.append(f"%{directive}")
    # A separator that no piece has, so that numbers keep their widths.
    return datetime.strptime("|".join(pieces), "|".join(forms))  # noqa: DTZ007 - see above


def plain_name(name: str) -> str:
    """Return the form in which two spellings of a name are equal: composed, without case and final dot."""
    return unicodedata.normalize("NFC", name).strip().rstrip(".").casefold()


def contradiction(forms: Sequence[str]) -> tuple[str, str, str] | None:
    """Return two formats that read one text as two dates, with such a text; None if there are none.

    Dates are written in one format and read in the other.
    """
    if set(forms) >= _SERIALS:
        return EXCEL, EXCEL_1904, "45000"
    for first, second in combinations([form for form in forms if form not in _SERIALS], 2):
        for probe in _PROBES:
            for one, other in ((first, second), (second, first)):
                text = probe.strftime(one)
                try:
                    if parse_date(text, (other,)) != parse_date(text, (one,)):
                        return first, second, text
                except ValueError:
                    continue
    return None
