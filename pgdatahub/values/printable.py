r"""Text for terminals and logs: characters that control or hide text become escapes.

Names of files, sheets and headers, cell values and server messages are untrusted. Unescaped, they could move the cursor,
recolour or retitle the terminal, forge lines, or reorder and hide text (https://trojansource.codes).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

_HIDING: Final = (
    "\x00-\x09\x0b-\x1f\x7f-\x9f"  # C0 but for the line feed, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers, Mongolian selectors
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line and paragraph separators, bidi overrides and isolates
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ufdd0-\ufdef"  # fillers, byte order mark, annotations, non-characters
    "\ud800-\udfff"  # half a surrogate pair
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # shorthand and music controls, tags, selectors
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@lru_cache(maxsize=2)
def _pattern(*, lines: bool) -> re.Pattern[str]:
    return re.compile(f"[{_HIDING}{'' if lines else chr(10)}]")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return a text in which escapes such as ``\x1b`` and ``\n`` replace characters that control or hide text.

    Args:
        text: The text.
        lines: Keep line feeds; else the text becomes one line.
    """
    return _pattern(lines=lines).sub(_escaped, text)


def printable_json(value: Any, **options: Any) -> str:
    r"""Return a value as JSON in which JSON's own escapes replace these characters, so that the value stays equal."""
    text = json.dumps(value, ensure_ascii=False, **options)
    # Outside of strings, the line feed is the only such character in JSON.
    return _pattern(lines=True).sub(lambda match: json.dumps(match[0])[1:-1] if match[0] > "\x7f" else "\\u007f", text)


def shortened(text: str, most: int) -> str:
    """Return a text cut to ``most`` characters, with an ellipsis as the last one where it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x100:
        return _SHORT.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
