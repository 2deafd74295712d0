"""Values of cells, from the attributes and the text of each cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from pgdatahub.readers.ods import names
from pgdatahub.readers.ods.cells import BOOLEAN, ERROR, NO_RESULT, TEXT, CellClass, Source

CellValue: TypeAlias = "tuple[Source | CellClass, str]"
"""A text and its class; a source instead of the class where the value depends on the number format too."""

SIMPLE: Final[Mapping[str | None, tuple[Source, str]]] = {
    "float": (Source.NUMBER, names.VALUE),
    "percentage": (Source.NUMBER, names.VALUE),
    "currency": (Source.NUMBER, names.VALUE),
    "date": (Source.DATE, names.DATE_VALUE),
    "time": (Source.DURATION, names.TIME_VALUE),
}
"""Value types whose value is in an attribute."""

_BOOLEANS: Final = {"true": "true", "false": "false", "1": "true", "0": "false"}
_TRUE: Final = frozenset(
    [
        "TRUE",
        "WAHR",
        "VRAI",
        "VERDADERO",
        "VERO",
        "VERDADEIRO",
        "WAAR",
        "ИСТИНА",
        "ІСТИНА",
        "PRAWDA",
        "PRAVDA",
        "SANT",
        "SAND",
        "SANN",
        "TOSI",
        "IGAZ",
        "DOĞRU",
        "ADEVĂRAT",
        "CERT",
    ]
)
_FALSE: Final = frozenset(
    [
        "FALSE",
        "FALSCH",
        "FAUX",
        "FALSO",
        "ONWAAR",
        "ЛОЖЬ",
        "ХИБНІСТЬ",
        "FAŁSZ",
        "NEPRAVDA",
        "FALSKT",
        "FALSK",
        "USANN",
        "EPÄTOSI",
        "HAMIS",
        "YANLIŞ",
        "FALS",
    ]
)
"""The words that LibreOffice shows for booleans in the languages of Europe; in others it shows the English ones."""
_WORDS: Final[Mapping[CellValue | None, frozenset[str]]] = {(Source.NUMBER, "1"): _TRUE, (Source.NUMBER, "0"): _FALSE}
_ERROR: Final = re.compile(r"#(?:N/A|DIV/0!|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|GETTING_DATA)|Err:[0-9]{3}")


def typed_value(attributes: Mapping[str, str]) -> CellValue | None:
    """Return the value in a cell's attributes, None if the attributes have no value."""
    kind = attributes.get(names.VALUE_TYPE)
    simple = SIMPLE.get(kind)
    if simple is not None:
        value = attributes.get(simple[1], "").strip()
        return (simple[0], value) if value else None
    if kind == "boolean":
        value = attributes.get(names.BOOLEAN_VALUE, "").strip()
        if value.lower() in _BOOLEANS:
            return BOOLEAN, _BOOLEANS[value.lower()]
        # LibreOffice writes a number unchanged where the cell has a boolean's format.
        return (Source.NUMBER, value) if value else None
    if kind is None or names.STRING_VALUE not in attributes:
        return None
    return TEXT, attributes[names.STRING_VALUE]


def text_value(attributes: Mapping[str, str], paragraphs: Sequence[str]) -> CellValue:
    """Return the value of a cell that depends on the cell's text: a text, an error, or the result of a formula."""
    shown = "\n".join(paragraphs)
    calc_kind = attributes.get(names.CALC_VALUE_TYPE)
    value = typed_value(attributes)
    if calc_kind == "error":
        return ERROR, shown or (value[1] if value else "") or "#N/A"
    if names.FORMULA in attributes:
        if value is None and (not paragraphs or attributes.get(names.VALUE_TYPE, "string") != "string"):
            # The cell has no text, or the text of a number, a date … in the language of the program that wrote the file.
            return NO_RESULT, "formula"
        if _is_error(value, shown, calc_kind):
            return ERROR, shown
        if value is not None and shown in _WORDS.get(value, ()):
            # LibreOffice writes the boolean result of a formula as a number and shows the word.
            return BOOLEAN, "true" if value[1] == "1" else "false"
    return (TEXT, shown) if value is None else value


def _is_error(value: CellValue | None, shown: str, calc_kind: str | None) -> bool:
    """Return whether a formula's result is an error that only the text shows.

    LibreOffice marks errors in its own attribute (``calcext``). Without this attribute, an error is a text beside an empty
    value, or the text of a well-known error.
    """
    if calc_kind is not None or not shown:
        return False
    return value == (TEXT, "") or _ERROR.fullmatch(shown) is not None
