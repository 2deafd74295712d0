"""Text → value, without ever altering it.

A CSV file has only text. It becomes a number, a date or a boolean only where that has no other way of being written:
where the text is its value's canonical text. So ``1.5`` is a number, and ``1.50``, ``+5``, ``007`` and ``1e3`` are texts;
and should a later file make the column TEXT, every value stands there as it stood in its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final, TypeAlias

from pgdatahub import canonical_text

Scalar: TypeAlias = bool | int | Decimal | date | time | str | None

_DATE, _TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?"  # Python 3.10 parses no other fractions
_FORMS: Final = re.compile(
    # No quantity has 40 digits; a text that has them is a code, and PostgreSQL's numbers have an end too.
    r"(?P<integer>-?\d{1,40})|(?P<fraction>-?\d{1,40}\.\d{1,40})|(?P<boolean>true|false)"
    rf"|(?P<date>{_DATE})|(?P<time>{_TIME})|(?P<timestamp>{_DATE} {_TIME})",
    re.ASCII,
)
_PARSERS: Final[dict[str | None, Callable[[str], Scalar]]] = {
    "integer": int,
    "fraction": Decimal,
    "boolean": "true".__eq__,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


_INTEGERS: Final = re.compile(r"(?:(?:0|-?[1-9]\d{0,17})?\n)*", re.ASCII)


def as_values(texts: Sequence[str]) -> list[Scalar] | None:
    """Return the values of a column's texts; None for a column of empty texts."""
    joined = "\n".join(texts) + "\n"
    if joined.count("\n") == len(texts):
        if len(joined) == len(texts):
            return None
        if _INTEGERS.fullmatch(joined):
            return [int(text) if text else None for text in texts]
    # Columns repeat their values.
    values = {text: as_value(text) for text in set(texts)}
    return [values[text] for text in texts]


def as_value(text: str) -> Scalar:
    """Return the value that a text is the canonical text of, else the text; None for an empty one."""
    match = _FORMS.fullmatch(text)
    if match is None:
        return text or None
    try:
        value = _PARSERS[match.lastgroup](text)
    except ValueError:  # 2024-02-30
        return text
    return value if canonical_text(value) == text else text
