"""All matches of a pattern as columns, one for each group, without the garbage collector's attention.

Matching makes a tuple a row, all of which die here. They are no garbage that a collector could find, yet it would look
at them some hundred times a sheet, which was measured at a sixth of the reading time.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager


def find_columns(pattern: re.Pattern[bytes], data: bytes) -> list[tuple[bytes, ...]]:
    """Return the groups of all matches, group by group; ``data`` must have a match, ``pattern`` two groups or more."""
    with _collector_paused():
        return list(zip(*pattern.findall(data), strict=True))


@contextmanager
def _collector_paused() -> Iterator[None]:
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
