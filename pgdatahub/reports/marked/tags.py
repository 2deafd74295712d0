"""Tags of XML as bytes: found, taken apart, and changed without parsing what surrounds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

TAG_END: Final = rb"""[^"'<>]*(?:"[^"<]*"[^"'<>]*|'[^'<]*'[^"'<>]*)*>"""
"""A tag behind its name: ``>`` may stand in the value of an attribute, ``<`` may not."""
ASIDES: Final = rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)"
"""Comments, sections and instructions. One without an end reaches to the end of the bytes, so that a search takes them once."""
TOKEN: Final = re.compile(ASIDES + rb"|<[^\s<>!?/=\"']+" + TAG_END + rb"|</[^\s<>]+\s*>", re.DOTALL)
"""One comment, section, instruction or tag."""
_ENDS: Final = {b"<!--": b"-->", b"<![C": b"]]>"}
_NAME: Final = re.compile(rb"</?([^\s<>/]+)")
_ATTRIBUTE: Final = re.compile(rb"""(?<!\s)\s+([^\s=/>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def tag_name(tag: bytes) -> bytes:
    """Return the name of a tag as written, with its prefix; empty for a comment or an instruction."""
    found = _NAME.match(tag)
    return b"" if found is None or tag[1:2] in b"!?" else found[1]


def is_whole(token: bytes) -> bool:
    """Return whether a token that was found has its end."""
    if token[1:2] not in (b"!", b"?"):
        return True
    return token.endswith(_ENDS.get(token[:4], b"?>"))


def is_closed(tag: bytes) -> bool:
    """Return whether a tag is a whole element without content."""
    return tag.endswith(b"/>")


def attributes(tag: bytes) -> dict[bytes, bytes]:
    """Return the attributes of a tag as written, with their prefixes and references."""
    return {found[1]: found[2][1:-1] for found in _ATTRIBUTE.finditer(tag)}


def with_attributes(tag: bytes, changes: Mapping[bytes, bytes | None]) -> bytes:
    """Return a tag with other values for some attributes; None removes an attribute.

    Args:
        tag: A start tag, or an element without content.
        changes: Attributes as written → values, already escaped.
    """
    left = dict(changes)

    def change(found: re.Match[bytes]) -> bytes:
        if found[1] not in left:
            return found[0]
        value = left.pop(found[1])
        return b"" if value is None else b' %b="%b"' % (found[1], value)

    changed = _ATTRIBUTE.sub(change, tag)
    added = b"".join(b' %b="%b"' % (name, value) for name, value in left.items() if value is not None)
    end = -2 if is_closed(changed) else -1
    return changed[:end].rstrip() + added + changed[end:]


def opened(tag: bytes) -> tuple[bytes, bytes]:
    """Return the start tag and the end tag of an element without content."""
    return tag[:-2].rstrip() + b">", b"</" + tag_name(tag) + b">"


def as_text(text: str, *, most: int = 32_767) -> str:
    """Return a text escaped for XML, without the characters that XML cannot hold, cut to a cell's length."""
    cleaned = _ILLEGAL.sub("\ufffd", text)
    if len(cleaned) > most:
        cleaned = cleaned[: most - 1] + "…"
    return escape(cleaned)


def as_value(text: str) -> str:
    """Return a text escaped for an attribute in double quotes."""
    return escape(_ILLEGAL.sub("\ufffd", text), {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def is_number(text: bytes) -> bool:
    """Return whether a text is a number of a row or a style: neither has more than seven digits."""
    return text.isdigit() and len(text) <= 7
