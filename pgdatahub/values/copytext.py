r"""One field of PostgreSQL's ``COPY … (FORMAT text, NULL '')``.

Backslash, tab, newline and carriage return are escaped
(https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS); NULL is the empty field,
because an empty text is NULL as well.
"""

from __future__ import annotations

import re

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNESCAPES = {b"\\\\": b"\\", b"\\t": b"\t", b"\\n": b"\n", b"\\r": b"\r"}
_ESCAPED = re.compile(rb"\\[\\tnr]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL's text cannot hold, and surrogates, which UTF-8 cannot."""


def escape(text: str) -> bytes:
    """Return the field for a text that :func:`storable` has cleaned."""
    return text.translate(_ESCAPES).encode()


def unescape(field: bytes) -> str:
    """Return the text of a field."""
    if b"\\" in field:
        field = _ESCAPED.sub(lambda match: _UNESCAPES[match[0]], field)
    return field.decode()


def storable(text: str) -> str:
    """Return ``text`` without the characters that PostgreSQL cannot store: NUL and unpaired surrogates."""
    return _UNSTORABLE.sub("", text)


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can store every character of ``text``."""
    # The expression takes 8 ns a character.
    return "\0" not in text and (text.isascii() or not _UNSTORABLE.search(text))
