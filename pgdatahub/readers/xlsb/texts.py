r"""Texts of cells → fields of ``COPY``, a whole column at a time.

The binary format has characters as they are: ``_x000D_`` is text, as in ``.xls``, and not an escape as in ``.xlsx``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def copy_texts(texts: Sequence[str], removed: Callable[[int], None]) -> list[bytes]:
    """Return texts as fields of ``COPY``; one of white space alone is empty.

    Args:
        texts: The texts.
        removed: Called with the index of each text from which NUL or half a surrogate pair was removed, which no database
            text can hold.
    """
    if not texts:
        return []
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1 or not _is_encodable(joined):
        texts = [_storable(text, index, removed) for index, text in enumerate(texts)]
        joined = "\0".join(texts)
    if any(map(str.isspace, texts)):
        joined = "\0".join(["" if text.isspace() else text for text in texts])
    if "\\" in joined or "\n" in joined or "\t" in joined or "\r" in joined:
        joined = joined.translate(_ESCAPES)
    return joined.encode().split(b"\0")


def _is_encodable(text: str) -> bool:
    return text.isascii() or not _UNSTORABLE.search(text.replace("\0", ""))


def _storable(text: str, index: int, removed: Callable[[int], None]) -> str:
    storable, count = _UNSTORABLE.subn("", text)
    if count:
        removed(index)
    return storable
