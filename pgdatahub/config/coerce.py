"""Checks and conversions of values in ``etl_config.yaml``."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from typing import Any, Final, TypeAlias

from pgdatahub.config.cell_ranges import parse_cell, parse_range
from pgdatahub.config.key_rule import flag_column
from pgdatahub.config.stop_rules import parse_stop
from pgdatahub.values.date_texts import EXCEL, EXCEL_1904, contradiction
from pgdatahub.values.identifiers import CUT_BYTES, SYSTEM_COLUMNS, cut, fold
from pgdatahub.values.locale_names import find_names

Written: TypeAlias = "str | tuple[str, ...]"
"""A raw value of the file: a scalar's text, or the texts of a list."""

Check: TypeAlias = "tuple[str, Callable[[Written], Any]]"
"""The text after "must be" in a message, and a function that converts a raw value or raises ValueError."""

_SHARE = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?) ?(?P<percent>%)?")
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_DIRECTIVE = re.compile("%.")
_HEADER_ROWS = 10
_OF_NUMBERS = frozenset("0123456789+-\u2212().,'\u2019 \u00a0\u2009\u202f")
_DAYS = frozenset({"%d", "%e"})
_YEARS = frozenset({"%Y", "%y", "%G", "%c", "%x", "%D", "%F"})
_ESCAPES = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
_DELIMITERS: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
_RESERVED = SYSTEM_COLUMNS.union(("source_file", "load_timestamp"))


def _text(written: Written) -> str:
    if not isinstance(written, str) or not written.strip():
        raise ValueError
    return written


def _texts(written: Written) -> tuple[str, ...]:
    texts = (written,) if isinstance(written, str) else written
    if not texts or not all(text.strip() for text in texts):
        raise ValueError
    return texts


def _units(written: Written) -> tuple[str, ...]:
    units = tuple(unit.strip() for unit in _texts(written))
    for unit in units:
        if unit[0].isdigit() or _OF_NUMBERS.issuperset(unit):
            raise ValueError(f"{unit} may be a part of a number")
    return units


def _nulls(written: Written) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else written


def _count(written: Written) -> int:
    if not isinstance(written, str) or not (written.isascii() and written.isdigit()) or len(written) > 7:
        raise ValueError
    return int(written)


def _header_row(written: Written) -> int | str:
    if written in ("first", "auto", "none"):
        return str(written)
    if isinstance(written, str) and "-" in written:
        first, _, last = written.partition("-")
        rows = _count(first.strip()), _count(last.strip())
        if not 1 <= rows[0] < rows[1] < rows[0] + _HEADER_ROWS:
            raise ValueError(f"several rows are ascending, and at most {_HEADER_ROWS}")
        return f"{rows[0]}-{rows[1]}"
    row = _count(written)
    if row < 1:
        raise ValueError
    return row


def _boolean(written: Written) -> bool:
    if not isinstance(written, str) or written.lower() not in ("true", "false"):
        raise ValueError
    return written.lower() == "true"


def _mark(written: Written) -> str:
    if not isinstance(written, str) or len(written) != 1 or written.isalnum() or written in "+-":
        raise ValueError
    return written


def _directory(written: Written) -> str | None:
    if not isinstance(written, str) or "\0" in written or "://" in written:
        raise ValueError
    return written.strip() or None


def _sql_name(written: Written) -> str:
    name = cut(fold(_text(written)))
    if not name:
        raise ValueError("it has no letter or digit for a SQL name")
    return name


def _column_name(written: Written) -> str:
    name = _sql_name(written)
    if name in _RESERVED:
        raise ValueError(f"{name} is a reserved column of every table")
    return name


def _schema(written: Written) -> str:
    text = _text(written)
    if len(text.encode("utf-8", "replace")) > CUT_BYTES or "\0" in text:
        raise ValueError(f"a name has at most {CUT_BYTES} bytes")
    return text


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
    text = _text(written)
    try:
        find_names(text)
    except ImportError:
        raise ValueError("names of months need the extra: pip install pgdatahub[locale]") from None
    return text


def _stop(written: Written) -> str | tuple[str, ...]:
    texts = _texts(written)
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


def _format(written: Written) -> str:
    text = _text(written)
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


def _encoding(written: Written) -> str:
    name = _text(written).strip()
    try:
        found = codecs.lookup(name).name
        "a,b".encode(found)
    except (LookupError, ValueError):  # unknown, or a codec of bytes such as base64
        raise ValueError("Python knows no such encoding of texts") from None
    if found.replace("-", "_") in _ESCAPES:
        raise ValueError(f"{found} is a notation, not the encoding of a file")
    return found


def _delimiter(written: Written) -> str:
    mark = _DELIMITERS.get(written, written) if isinstance(written, str) else ""
    if len(mark) != 1 or mark.isalnum() or mark in "\"'\r\n\0\ufeff":
        raise ValueError
    return mark


def _quote(written: Written) -> str:
    if written == "none":
        return "none"
    return _mark(written)


def _variable(written: Written) -> str:
    if not isinstance(written, str) or not _VARIABLE.fullmatch(written):
        raise ValueError("the password itself does not belong in this file")
    return written


def _range(written: Written) -> str:
    return parse_range(_text(written)).text


def _pattern(written: Written) -> str:
    text = _text(written)
    try:
        names = re.compile(text).groupindex
    except re.error as error:
        raise ValueError(f"it is not a regular expression: {error}") from error
    if not names:
        raise ValueError("it has no named group; (?P<region>[^/]+) makes the column region of a part of the path")
    for name in names:
        _column_name(name)
    return text


def _cell(written: Written) -> str:
    text = _text(written)
    parse_cell(text)
    return text.strip().upper().replace("$", "")


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


def _row_limit(written: Written) -> int | None:
    return None if written == "" else _count(written)


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


def one_of(*choices: str) -> Check:
    """Return the check for a value that must be one of ``choices``."""

    def parse(written: Written) -> str:
        if written not in choices:
            raise ValueError
        return str(written)

    return f"one of {', '.join(choices)}", parse


def _key(written: Written) -> tuple[str, ...]:
    return () if written == () else _texts(written)


def _missing_keys(written: Written) -> str:
    flag_column(_text(written))
    return _text(written)


def _description(written: Written) -> str:
    if not isinstance(written, str):
        raise ValueError
    return " ".join(written.split())


MAX_VALUES: Final = 10_000
"""Maximum number of values that a rule lists."""
TEXT = ("a text", _text)
UNITS = ("a text such as kg or €, or a list of texts", _units)
TEXTS = ("a text or a list of texts", _texts)
NULLS = ("a text or a list of texts", _nulls)
COUNT = ("a whole number, 0 or more", _count)
HEADER_ROW = ("the number of a row (from 1), several rows such as 3-4, first, auto or none", _header_row)
RANGE = ("a range such as B4:H200, B4:H, B4:, B:H or 4:200, or the name of a table or range", _range)
PATTERN = ("a regular expression with named groups", _pattern)
CELL = ("the address of a cell, such as B1", _cell)
BOOLEAN = ("true or false", _boolean)
MARK = ("a single character other than a letter, digit or sign", _mark)
SQL_NAME = ("a name", _sql_name)
COLUMN_NAME = ("a name other than source_file and load_timestamp", _column_name)
SCHEMA = ("the name of a schema", _schema)
FORMATS = ("a date format such as %d.%m.%Y, or a list of them", _formats)
LOCALE = ("a language or country such as de or pt_BR", _locale)
STOP = ("blank, a text, a pattern such as /^total/ or Remark=/^see/, or a list of them", _stop)
ENCODING = ("the name of an encoding such as utf-8 or cp1252", _encoding)
DELIMITER = ("a single character, or tab, comma, semicolon, bar or space", _delimiter)
QUOTE = ("a single character other than a letter, digit or sign, or none", _quote)
VARIABLE = ("the name of an environment variable", _variable)
VALUES = (f"a list of at most {MAX_VALUES:,} texts", _values)
WHOLE_VALUE = ("a regular expression for the whole value", _whole_value)
BOUND = ("a number, a date, a time or a duration", _bound)
ROW_LIMIT = ("a number of rows", _row_limit)
KEY = ("a column or a list of columns", _key)
DESCRIPTION = ("a text; it becomes one line", _description)
NEWEST = ("path, modified, loaded or a column", _text)
MISSING_KEYS = ("keep, or flag and a column", _missing_keys)
DIRECTORY = ("a folder of this machine", _directory)
TABLE_MODE = one_of("append", "merge", "snapshot")
MAX_BAD = ("a number of rows, or a share such as 1%", _max_bad)
