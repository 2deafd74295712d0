"""The rank of a path among the paths of its table, as bytes that a server compares without a collation."""

from __future__ import annotations

import re

_DIGITS = re.compile("([0-9]+)")
_END = b"\0"
"""Less than every byte of a path and of a number."""


def rank_key(path: str) -> bytes:
    """Return bytes that are in the natural order of paths: case is ignored, and ``week 9`` is before ``week 10``.

    Two paths that are equal in this order, such as ``a.xlsx`` and ``A.xlsx``, are in the order of their characters.

    Args:
        path: A path below the data root.
    """
    pieces = []
    for index, piece in enumerate(_DIGITS.split(path.casefold())):
        if index % 2:
            digits = (piece.lstrip("0") or "0").encode()
            pieces.append(b"%04x%s" % (len(digits), digits))
        else:
            pieces.append(piece.encode("utf-8", "surrogatepass") + _END)
    return b"".join((*pieces, _END, path.encode("utf-8", "surrogatepass")))
