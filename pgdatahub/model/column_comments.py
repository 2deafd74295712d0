"""Comments of columns in the database: the header, and the description below it.

pgdatahub finds a column that was renamed by hand by its header, so a comment must give back the header exactly. A
description has no line feed, and stands behind the last separator.
"""

from __future__ import annotations

from typing import Final

_SIGN: Final = "\N{EM DASH} "
_SEPARATOR: Final = f"\n{_SIGN}"


def comment_of(header: str | None, description: str | None) -> str | None:
    """Return the comment of a column; None without header and description."""
    if not description and (header is None or _split(header) is None):
        return header
    behind = f"{_SIGN}{description or ''}"
    return behind if header is None else f"{header}\n{behind}"


def header_in(comment: str | None) -> str | None:
    """Return the header in a comment: all of it, or the part above the description."""
    parts = None if comment is None else _split(comment)
    return comment if parts is None else parts[0]


def description_in(comment: str | None) -> str | None:
    """Return the description in a comment, if there is one."""
    parts = None if comment is None else _split(comment)
    return None if parts is None else parts[1] or None


def _split(comment: str) -> tuple[str | None, str] | None:
    above, separator, description = comment.rpartition(_SEPARATOR)
    if separator and "\n" not in description:
        return above, description
    if comment.startswith(_SIGN) and "\n" not in comment:
        return None, comment[len(_SIGN) :]
    return None
