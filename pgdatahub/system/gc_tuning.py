"""Garbage-collector tuning for processes that pgdatahub owns: the console script and its workers.

Python's cyclic collector runs each time 700 more objects were created than freed. Imports create a hundred thousand objects
that stay alive; scanning them again and again wastes time.
"""

from __future__ import annotations

import gc
from typing import Final

_OBJECTS_OF_IMPORTS: Final = 200_000
"""More objects than the imports of a run create."""
_OBJECTS: Final = 2_000
"""A workbook leaves some 3,000 objects (0.5 MB) in reference cycles; with a threshold twenty times as high, a run of small files
took 100 MB more."""


def look_seldom() -> None:
    """Pause the collector during imports; call this first and :func:`keep_imports` after the imports."""
    gc.set_threshold(_OBJECTS_OF_IMPORTS, 20, 20)


def keep_imports() -> None:
    """Exclude all present objects from collection; call this after the imports and before plugins are loaded.

    At exit, Python scans every object of every module several times, which takes 0.2 s after a run. Objects of plugins are
    still collected, so Python flushes a file that a plugin left open.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS, 10, 10)
