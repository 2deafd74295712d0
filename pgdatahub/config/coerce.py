"""Checks and conversions of values in ``etl_config.yaml``."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pgdatahub.config.cell_ranges import parse_cell, parse_range
from pgdatahub.config.key_rule import flag_column
from pgdatahub.values.identifiers import CUT_BYTES, SERVERS_PREFIX, SYSTEM_COLUMNS, cut, fold

Written: TypeAlias = "str | tuple[str, ...]"
"""A raw value of the file: a scalar's text, or the texts of a list."""

Check: TypeAlias = "tuple[str, Callable[[Written], Any]]"
"""The text after "must be" in a message, and a function that converts a raw value or raises ValueError."""

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_HEADER_ROWS = 10
_ESCAPES = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
_DELIMITERS: Final = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
_RESERVED = SYSTEM_COLUMNS.union(("source_file", "load_timestamp"))


def text_of(written: Written) -> str:
    """Return a text that is not blank."""
    if not isinstance(written, str) or not written.strip():
        raise ValueError
    return written


def texts_of(written: Written) -> tuple[str, ...]:
    """Return a text, or a list of texts, none of them blank."""
    texts = (written,) if isinstance(written, str) else written
    if not texts or not all(text.strip() for text in texts):
        raise ValueError
    return texts


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
    name = cut(fold(text_of(written)))
    if not name:
        raise ValueError("it has no letter or digit for a SQL name")
    return name


def _column_name(written: Written) -> str:
    name = _sql_name(written)
    if name in _RESERVED:
        raise ValueError(f"{name} is a reserved column of every table")
    return name


def _schema(written: Written) -> str:
    text = text_of(written)
    if len(text.encode("utf-8", "replace")) > CUT_BYTES or "\0" in text:
        raise ValueError(f"a name has at most {CUT_BYTES} bytes")
    if text.startswith(SERVERS_PREFIX):
        raise ValueError("only the server may create schemas whose names begin with pg_")
    return text


def _encoding(written: Written) -> str:
    name = text_of(written).strip()
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
    return parse_range(text_of(written)).text


def _pattern(written: Written) -> str:
    text = text_of(written)
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
    text = text_of(written)
    parse_cell(text)
    return text.strip().upper().replace("$", "")


def _row_limit(written: Written) -> int | None:
    return None if written == "" else _count(written)


def one_of(*choices: str) -> Check:
    """Return the check for a value that must be one of ``choices``."""

    def parse(written: Written) -> str:
        if written not in choices:
            raise ValueError
        return str(written)

    return f"one of {', '.join(choices)}", parse


def _key(written: Written) -> tuple[str, ...]:
    return () if written == () else texts_of(written)


def _missing_keys(written: Written) -> str:
    flag_column(text_of(written))
    return text_of(written)


def _description(written: Written) -> str:
    if not isinstance(written, str):
        raise ValueError
    return " ".join(written.split())


TEXT = ("a text", text_of)
TEXTS = ("a text or a list of texts", texts_of)
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
ENCODING = ("the name of an encoding such as utf-8 or cp1252", _encoding)
DELIMITER = ("a single character, or tab, comma, semicolon, bar or space", _delimiter)
QUOTE = ("a single character other than a letter, digit or sign, or none", _quote)
VARIABLE = ("the name of an environment variable", _variable)
ROW_LIMIT = ("a number of rows", _row_limit)
KEY = ("a column or a list of columns", _key)
DESCRIPTION = ("a text; it becomes one line", _description)
NEWEST = ("path, modified, loaded or a column", text_of)
MISSING_KEYS = ("keep, or flag and a column", _missing_keys)
DIRECTORY = ("a folder of this machine", _directory)
TABLE_MODE = one_of("append", "merge", "snapshot")
