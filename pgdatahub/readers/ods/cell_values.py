"""The value of a cell, from its attributes and its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.cells import BOOLEAN, ERROR, NO_RESULT, TEXT, CellClass, Source

CellValue: TypeAlias = "tuple[Source | CellClass, str]"
"""A text and its class; a source alone where the number format decides too."""

SIMPLE: Final[Mapping[str | None, tuple[Source, str]]] = {
    "float": (Source.NUMBER, names.VALUE),
    "percentage": (Source.NUMBER, names.VALUE),
    "currency": (Source.NUMBER, names.VALUE),
    "date": (Source.DATE, names.DATE_VALUE),
    "time": (Source.DURATION, names.TIME_VALUE),
}
"""Value types whose value is in an attribute."""

_BOOLEANS: Final = {"true": "true", "false": "false", "1": "true", "0": "false"}
_TRUTH: Final[Mapping[CellValue | None, str]] = {(Source.NUMBER, "1"): "TRUE", (Source.NUMBER, "0"): "FALSE"}
_ERROR: Final = re.compile(r"#(?:N/A|DIV/0!|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|GETTING_DATA)|Err:[0-9]{3}")


def typed_value(attributes: Mapping[str, str]) -> CellValue | None:
    """Return the value that a cell has in its attributes, None if it has none there."""
    kind = attributes.get(names.VALUE_TYPE)
    simple = SIMPLE.get(kind)
    if simple is not None:
        value = attributes.get(simple[1], "").strip()
        return (simple[0], value) if value else None
    if kind == "boolean":
        value = attributes.get(names.BOOLEAN_VALUE, "").strip()
        if value.lower() in _BOOLEANS:
            return BOOLEAN, _BOOLEANS[value.lower()]
        # LibreOffice writes a number as it is where its format is a boolean's.
        return (Source.NUMBER, value) if value else None
    if kind is None or names.STRING_VALUE not in attributes:
        return None
    return TEXT, attributes[names.STRING_VALUE]


def text_value(attributes: Mapping[str, str], paragraphs: Sequence[str]) -> CellValue:
    """Return the value of a cell whose text matters: a text, an error, or the result of a formula."""
    shown = "\n".join(paragraphs)
    calc_kind = attributes.get(names.CALC_VALUE_TYPE)
    value = typed_value(attributes)
    if calc_kind == "error":
        return ERROR, shown or (value[1] if value else "") or "#N/A"
    if names.FORMULA in attributes:
        if value is None and (not paragraphs or attributes.get(names.VALUE_TYPE, "string") != "string"):
            # Without any text, or with the text of a number, a date … in the writer's language.
            return NO_RESULT, "formula"
        if _is_error(value, shown, calc_kind):
            return ERROR, shown
        if value in _TRUTH and shown == _TRUTH[value]:
            # LibreOffice writes the boolean result of a formula as a number, which is shown as such a word.
            return BOOLEAN, shown.lower()
    return (TEXT, shown) if value is None else value


def _is_error(value: CellValue | None, shown: str, calc_kind: str | None) -> bool:
    """Return whether a formula's result is an error, of which only the text tells.

    LibreOffice says so in an attribute of its own (``calcext``). Without it, an error is a text beside an empty value, or the
    text of a well-known error.
    """
    if calc_kind is not None or not shown:
        return False
    return value == (TEXT, "") or _ERROR.fullmatch(shown) is not None
