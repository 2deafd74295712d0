"""Escape of texts for Markdown, in CommonMark with the tables and links of GitHub.

The result is text in any place but the beginning of a line: no emphasis, code, link, image, HTML or edge of a table.
"""

from __future__ import annotations

import re
from typing import Final

from pgdatahub.values.printable import printable

_SPECIAL: Final = re.compile(r"[\\`*\[\]|#~$@]|(?<![^\W_])_|_(?![^\W_])|(?<=\w):(?=\S)(?!\d)|(?<=\b[wW]{3})\.")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown_text(text: str) -> str:
    """Return a text as one line of Markdown that shows the text."""
    line = " ".join(printable(text, lines=True).split())
    entities = re.sub("[&<>]", lambda found: _ENTITIES[found[0]], line)
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", entities)
