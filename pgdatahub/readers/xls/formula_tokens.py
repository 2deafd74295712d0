"""Formulas whose result can only be a text, by the last of their tokens ([MS-XLS] 2.5.198).

LibreOffice stores the number 0 as the result of a text that it did not calculate itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_TEXT: Final = 0x17
_CONCATENATION: Final = 0x08
_PARENTHESES: Final = b"\x15"
_OPERATORS: Final = range(0x03, 0x15)
_ATTRIBUTE: Final = 0x19
_FUNCTION: Final = frozenset({0x21, 0x41, 0x61})
_FUNCTION_OF_ANY: Final = frozenset({0x22, 0x42, 0x62})
_OPERANDS: Final[Mapping[int, tuple[int, ...]]] = {
    0x01: (5, 4),  # a formula that cells share
    0x02: (5, 4),
    0x20: (8,),
    0x23: (5, 15),
    0x24: (5, 4),
    0x25: (9, 7),
    0x2A: (5, 4),
    0x2B: (9, 7),
    0x39: (7, 25),
    0x3A: (7, 18),
    0x3B: (11, 21),
    0x3C: (7, 18),
    0x3D: (11, 21),
}
"""Tokens with a value of their own → their sizes in Excel 97 and in Excel 5."""
_OF_TEXT: Final = frozenset({13, 14, 30, 31, 48, 111, 112, 113, 114, 115, 116, 118, 119, 120, 130, 162, 219, 336})
"""DOLLAR, FIXED, REPT, MID, TEXT, CHAR, LOWER, UPPER, PROPER, LEFT, RIGHT, TRIM, REPLACE, SUBSTITUTE, T, CLEAN, ADDRESS,
CONCATENATE."""


def gives_text(tokens: bytes) -> bool:
    """Return whether the result of a formula can only be a text or an error.

    The last token is the outermost operation.

    Args:
        tokens: The formula in reverse Polish notation.
    """
    tokens = tokens.rstrip(_PARENTHESES)
    if len(tokens) < 4:
        return False
    first = tokens[0]
    if first == _TEXT and len(tokens) in (2 + tokens[1], 3 + tokens[1], 3 + 2 * tokens[1]):
        return True
    if len(tokens) in _OPERANDS.get(first & 0x1F | 0x20 if first >= 0x40 else first, ()):
        return False
    if tokens[-1] in _OPERATORS:
        return tokens[-1] == _CONCATENATION
    if tokens[-4] == _ATTRIBUTE or not (tokens[-3] in _FUNCTION or tokens[-4] in _FUNCTION_OF_ANY):
        return False
    return int.from_bytes(tokens[-2:], "little") & 0x7FFF in _OF_TEXT
