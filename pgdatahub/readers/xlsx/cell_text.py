r"""The text of cells: from what stands in the XML to what ``COPY`` takes, a whole column at a time.

Columns are joined with NUL, which XML cannot hold, treated as one text and split again: a few passes at C speed in place
of a loop over cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pgdatahub.values.copytext import escape

_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REFERENCE = re.compile(rb"&(?:#(?:([0-9]{1,7})|x([0-9A-Fa-f]{1,6}))|(amp|lt|gt|quot|apos));")
_OFTEN_FIRST = (b"amp", b"lt", b"gt", b"quot", b"apos")
_NAMED = {b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'", b"amp": b"&"}
# What str.isspace() accepts beyond ASCII, in UTF-8, and the controls that only _xHHHH_ can bring.
_BLANK = re.compile(
    rb"\0(?:[\t-\r \x1c-\x1f]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)+(?=\0)"
)


def has_asides(data: bytes) -> bool:
    """Return whether some XML has comments, CDATA sections, declarations or processing instructions."""
    # One byte is found ten times as fast as two.
    return (b"!" in data and b"<!" in data) or (b"?" in data and b"<?" in data)


def is_sound(piece: bytes) -> bool:
    """Return whether an XML parser would accept all characters and references of a piece of UTF-8 without CDATA."""
    if (b"]" in piece and b"]]>" in piece) or (b"&" in piece and not _has_sound_references(piece)):
        return False
    if piece.isascii():
        return True
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    # U+FFFE and U+FFFF are characters of UTF-8 and not of XML.
    return b"\xef" not in piece or not (b"\xef\xbf\xbe" in piece or b"\xef\xbf\xbf" in piece)


def _has_sound_references(data: bytes) -> bool:
    """Return whether every ``&`` in some XML begins a reference that an XML parser accepts without a DTD."""
    count = unknown = data.count(b"&")
    for name in _OFTEN_FIRST:
        unknown -= data.count(b"&%s;" % name)
        if not unknown:
            return True
    found = _REFERENCE.findall(data)
    if len(found) != count:
        return False
    return all(
        _is_xml_character(int(decimal) if decimal else int(hexadecimal, 16))
        for decimal, hexadecimal, name in set(found)
        if not name
    )


def resolve_texts(texts: Sequence[bytes]) -> Sequence[bytes]:
    """Return a column of texts with XML's line ends and (sound) references resolved, as an XML parser would."""
    blob = b"\0".join(texts)
    if b"\r" in blob:
        blob = blob.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    elif b"&" not in blob:
        return texts
    if b"&#" in blob:
        blob = _REFERENCE.sub(_resolve, blob)
    elif b"&" in blob:
        for name, character in _NAMED.items():  # the ampersand last, since it could make another reference
            blob = blob.replace(b"&%s;" % name, character)
    return blob.split(b"\0")


def _resolve(match: re.Match[bytes]) -> bytes:
    decimal, hexadecimal, name = match.groups()
    if name:
        return _NAMED[name]
    return chr(int(decimal) if decimal else int(hexadecimal, 16)).encode()


def _is_xml_character(code: int) -> bool:
    # https://www.w3.org/TR/xml/#charsets
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def copy_texts(texts: Sequence[bytes], removed: Callable[[int], None]) -> Sequence[bytes]:
    """Return a column of texts as fields of ``COPY``; one that is white space only is empty.

    ``_xHHHH_`` stands for a UTF-16 unit (ECMA-376 part 1, 22.9.2.19). NUL and unpaired surrogates, which no database
    text can hold, are removed.

    Args:
        texts: UTF-8 with references resolved.
        removed: Called with the index of each text from which something was removed.
    """
    blob = b"\0".join((b"", *texts, b""))
    if b"_x" in blob and _ESCAPE.search(blob.decode()):
        texts = [_decode_escapes(text, index, removed) if b"_x" in text else text for index, text in enumerate(texts)]
        blob = b"\0".join((b"", *texts, b""))
    changed = False
    if not blob.isascii() or any(map(bytes.isspace, texts)):
        blob, blanks = _BLANK.subn(b"\0", blob)
        changed = blanks > 0
    if b"\\" in blob:
        blob = blob.replace(b"\\", b"\\\\")
        changed = True
    for raw, escaped in ((b"\n", b"\\n"), (b"\t", b"\\t"), (b"\r", b"\\r")):
        if raw in blob:
            blob = blob.replace(raw, escaped)
            changed = True
    return blob.split(b"\0")[1:-1] if changed else texts


def copy_text(text: str) -> bytes:
    """Return one text, such as an error's code, as a field of ``COPY``."""
    return escape(_UNSTORABLE.sub("", text))


def _decode_escapes(text: bytes, index: int, removed: Callable[[int], None]) -> bytes:
    decoded = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text.decode())
    decoded = _PAIR.sub(lambda match: match[0].encode("utf-16", "surrogatepass").decode("utf-16"), decoded)
    storable, count = _UNSTORABLE.subn("", decoded)
    if count:
        removed(index)
    return storable.encode()
