"""The text of a cell: its paragraphs, and their white space.

White space with a line end or a tab is the layout of the XML and collapses to one space, and to none at both ends of a
paragraph (ODF 1.3 part 3, 6.1.2). The standard asks for the same of plain spaces; they stay as they are, since LibreOffice
writes the space at the end of ``kept `` so, and since it shows every space that other programs write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from pgdatahub.readers.ods import names

_WHITE_SPACE: Final = re.compile("[ \t\r\n]+")
# Characters that XML cannot hold stand for white space that elements ask for and that does not collapse.
_SPACE, _TAB, _BREAK, _LAYOUT = "\x00", "\x01", "\x02", "\x03"
_ASKED_FOR: Final = str.maketrans({_SPACE: " ", _TAB: "\t", _BREAK: "\n"})
_LONGEST: Final = 1 << 21
"""Spaces of one element; more than the limit for a cell's text."""


def _spaces(attributes: Mapping[str, str]) -> str:
    count = attributes.get(names.SPACES_COUNT, "1")
    if not count.isdecimal():
        return _SPACE
    return _SPACE * (min(int(count), _LONGEST) if len(count) < 12 else _LONGEST)


CHARACTERS: Final[Mapping[str, Callable[[Mapping[str, str]], str]]] = {
    names.SPACES: _spaces,
    names.TAB: lambda _attributes: _TAB,
    names.LINE_BREAK: lambda _attributes: _BREAK,
}
"""Elements that stand for characters."""


def has_own_text(element: str) -> bool:
    """Return whether the text of an element within a paragraph belongs to the paragraph."""
    return element not in names.NOT_IN_TEXT and not element.startswith(names.FOREIGN_TO_TEXT)


def paragraph_text(pieces: list[str]) -> str:
    """Return a paragraph's text."""
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    if "\n" in text or "\t" in text or "\r" in text:
        text = _without_layout(text)
    if _SPACE in text or _TAB in text or _BREAK in text:
        text = text.translate(_ASKED_FOR)
    return text


def _without_layout(text: str) -> str:
    """Return a text without the layout of the XML."""
    return _WHITE_SPACE.sub(_mark_layout, text).strip(_LAYOUT).replace(_LAYOUT, " ")


def _mark_layout(match: re.Match[str]) -> str:
    run = match[0]
    return _LAYOUT if "\n" in run or "\t" in run or "\r" in run else run
