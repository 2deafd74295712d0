"""Checks and conversions of settings about the values of cells: their formats, and the rules of a contract."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import Final

from pgdatahub.config.coerce import Written, text_of, texts_of
from pgdatahub.config.stop_rules import parse_stop
from pgdatahub.values.date_texts import EXCEL, EXCEL_1904, contradiction
from pgdatahub.values.locale_names import find_names

_SHARE = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?) ?(?P<percent>%)?")
_DIRECTIVE = re.compile("%.")
_OF_NUMBERS = frozenset("0123456789+-\u2212().,'\u2019 \u00a0\u2009\u202f")
_DAYS = frozenset({"%d", "%e"})
_YEARS = frozenset({"%Y", "%y", "%G", "%c", "%x", "%D", "%F"})


def _units(written: Written) -> tuple[str, ...]:
    units = tuple(unit.strip() for unit in texts_of(written))
    for unit in units:
        if unit[0].isdigit() or _OF_NUMBERS.issuperset(unit):
            raise ValueError(f"{unit} may be a part of a number")
    return units


def _nulls(written: Written) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else written


def _formats(written: Written) -> str | tuple[str, ...]:
    if isinstance(written, str):
        return _format(written)
    forms = tuple(sorted(set(map(_format, written))))
    if not forms:
        raise ValueError
    found = contradiction(forms)
    if found is not None:
        raise ValueError(f"{found[0]} and {found[1]} read {found[2]} as two dates; name one of them")
    return forms[0] if len(forms) == 1 else forms


def _locale(written: Written) -> str:
    text = text_of(written)
    try:
        find_names(text)
    except ImportError:
        raise ValueError("names of months need the extra: pip install pgdatahub[locale]") from None
    return text


def _format(written: Written) -> str:
    text = text_of(written)
    if text in (EXCEL, EXCEL_1904):
        return text
    directives = set(_DIRECTIVE.findall(text))
    if directives & _DAYS and not directives & _YEARS:
        raise ValueError("the format has no year")
    # A round trip is the only test for directives that strptime knows; it raises ValueError for others.
    moment = datetime(2001, 2, 3, 4, 5, 6)  # noqa: DTZ001 - workbooks know no time zones
    if "%" not in text or datetime.strptime(moment.strftime(text), text) == datetime(1900, 1, 1):  # noqa: DTZ001, DTZ007 - likewise
        raise ValueError
    return text


def _values(written: Written) -> tuple[str, ...]:
    texts = (written,) if isinstance(written, str) else tuple(dict.fromkeys(written))
    if len(texts) > MAX_VALUES:
        raise ValueError(f"there are {len(texts):,}")
    if not all(text.strip() for text in texts):
        raise ValueError("an empty cell passes every rule but required")
    return texts


def _whole_value(written: Written) -> str | None:
    if not isinstance(written, str):
        raise ValueError
    try:
        re.compile(written)
    except re.error as error:
        raise ValueError(f"it is not a regular expression: {error}") from error
    return written or None


def _bound(written: Written) -> str | None:
    if not isinstance(written, str):
        raise ValueError
    return written.strip() or None


def _max_bad(written: Written) -> str:
    match = _SHARE.fullmatch(written) if isinstance(written, str) else None
    if match is None or (match["percent"] and Fraction(match["number"]) > 100):
        raise ValueError
    if not match["percent"] and "." in match["number"]:
        raise ValueError("a number of rows is whole; a share ends with %")
    return f"{match['number']}{match['percent'] or ''}"


def exceeds(bad: int, rows: int, most: str) -> bool:
    """Return whether a number of rows of a file is above a limit, which is a number or a share such as ``1%``."""
    if most.endswith("%"):
        return bad > Fraction(most[:-1]) * rows / 100
    return bad > int(most)


def _stop(written: Written) -> str | tuple[str, ...]:
    texts = texts_of(written)
    for text in texts:
        rule = parse_stop(text)
        if rule.pattern is None and re.fullmatch(r"(?:[^=/]+=)?/.+/[a-z]+", text.strip()):
            raise ValueError(f"{text}: no letters stand behind the pattern, in which case does not matter")
        if rule.pattern is not None:
            try:
                re.compile(rule.pattern)
            except re.error as error:
                raise ValueError(f"{text} is not a regular expression: {error}") from error
    return texts[0] if len(texts) == 1 else texts


MAX_VALUES: Final = 10_000
"""Maximum number of values that a rule lists."""
UNITS = ("a text such as kg or €, or a list of texts", _units)
NULLS = ("a text or a list of texts", _nulls)
FORMATS = ("a date format such as %d.%m.%Y, or a list of them", _formats)
LOCALE = ("a language or country such as de or pt_BR", _locale)
STOP = ("blank, a text, a pattern such as /^total/ or Remark=/^see/, or a list of them", _stop)
VALUES = (f"a list of at most {MAX_VALUES:,} texts", _values)
WHOLE_VALUE = ("a regular expression for the whole value", _whole_value)
BOUND = ("a number, a date, a time or a duration", _bound)
MAX_BAD = ("a number of rows, or a share such as 1%", _max_bad)
