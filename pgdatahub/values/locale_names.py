"""Names of months, weekdays and halves of the day, and marks of numbers, in a language; from Unicode's CLDR by Babel.

Babel is an extra. It is imported only where a setting names a language.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pgdatahub.values.date_texts import Names, plain_name

_CONTEXTS: Final = ("format", "stand-alone")
_WIDTHS: Final = ("wide", "abbreviated")


@lru_cache(maxsize=16)
def find_names(locale: str) -> Names:
    """Return the names of a language for the directives ``B b A a p``, in both contexts and widths.

    Raises:
        ImportError: Babel is not installed.
        ValueError: The language is unknown, or has one name for two months.
    """
    from babel import Locale, UnknownLocaleError

    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"Unicode's CLDR does not know it: {error}") from error
    months: dict[str, int] = {}
    weekdays: dict[str, int] = {}
    halves: dict[str, int] = {}
    for context in _CONTEXTS:
        for width in _WIDTHS:
            for number, name in known.months[context][width].items():
                if months.setdefault(plain_name(name), number) != number:
                    raise ValueError(f"{name!r} is the name of two months")
            for number, name in known.days[context][width].items():
                weekdays[plain_name(name)] = number
            periods = known.day_periods.get(context, {}).get(width, {})
            halves |= {plain_name(periods[half]): index for index, half in enumerate(("am", "pm")) if half in periods}
    halves |= {"am": 0, "pm": 1}
    return {"B": months, "b": months, "A": weekdays, "a": weekdays, "p": halves}


@lru_cache(maxsize=16)
def number_marks(locale: str) -> tuple[str, str]:
    """Return the decimal mark and the thousands mark of a language."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    name = locale.replace("-", "_")
    return get_decimal_symbol(name), get_group_symbol(name)
