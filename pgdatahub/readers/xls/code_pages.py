"""Code pages of workbooks before Excel 97, and text in them."""

from __future__ import annotations

import codecs
from typing import Final

_NAMES: Final = {
    367: "ascii",
    708: "iso8859_6",
    936: "gbk",
    1361: "johab",
    10000: "mac_roman",
    10001: "shift_jis",
    10002: "big5",
    10003: "euc_kr",
    10004: "mac_arabic",
    10006: "mac_greek",
    10007: "mac_cyrillic",
    10008: "gb2312",
    10010: "mac_romanian",
    10017: "mac_cyrillic",
    10029: "mac_latin2",
    10079: "mac_iceland",
    10081: "mac_turkish",
    10082: "mac_croatian",
    20127: "ascii",
    20932: "euc_jp",
    20936: "gb2312",
    20866: "koi8_r",
    21866: "koi8_u",
    32768: "mac_roman",
    32769: "cp1252",
    51932: "euc_jp",
    51936: "gb2312",
    51949: "euc_kr",
    54936: "gb18030",
    65001: "utf_8",
}
_UNICODE: Final = frozenset({0, 1200})
"""Numbers that say nothing about bytes; some programs write them."""
_BYTE: Final = "pgdatahub-byte"


class CodePageError(Exception):
    """The workbook's code page is unknown."""


def encoding_of(code_page: int | None) -> str:
    """Return the encoding of a code page by its number in the file, cp1252 without one.

    Raises:
        CodePageError: The code page is unknown.
    """
    if code_page is None or code_page in _UNICODE:
        return "cp1252"
    name = _NAMES.get(code_page)
    if name is None and 28591 <= code_page <= 28606:
        name = f"iso8859_{code_page - 28590}"
    try:
        return codecs.lookup(name or f"cp{code_page}").name
    except LookupError:
        raise CodePageError(f"its texts are in the code page {code_page}, which is unknown") from None


def decode(data: bytes, encoding: str) -> str:
    """Return bytes as text; a byte that the encoding does not have becomes the character with its number, as in Windows.

    Code page 936 has the euro sign at 0x80, which Python's ``gbk`` lacks.
    """
    return data.decode(encoding, _BYTE)


def _as_character(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    text = "".join(map(chr, error.object[error.start : error.end]))
    return text.replace("\x80", "€") if error.encoding == "gbk" else text, error.end


codecs.register_error(_BYTE, _as_character)
