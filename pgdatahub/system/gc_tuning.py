"""How a process of ours looks for garbage: not among what it has imported. Only for who owns the process.

Python counts references; beside that, its collector looks for objects that only refer to each other, each time 700 more
objects have been made than given back. Imports make a hundred thousand objects that stay: looking at them again and again
is time for nothing.
"""

from __future__ import annotations

import gc
from typing import Final

_OBJECTS_OF_IMPORTS: Final = 200_000
"""More than the imports of a run make."""
_OBJECTS: Final = 2_000
"""A workbook leaves some 0.5 MB behind that refers to itself, in some 3,000 objects: with twenty times as many before the
collector looks, a run of small files took 100 MB more."""


def look_seldom() -> None:
    """Let the collector not look while imports are made; to be called first, and :func:`keep_imports` after."""
    gc.set_threshold(_OBJECTS_OF_IMPORTS, 20, 20)


def keep_imports() -> None:
    """Let the collector never look at what is there now; to be called when all is imported, and no plugin is.

    On its way out Python looks at every object of every module several times, which takes 0.2 s after a run. What plugins
    bring is still collected then, and so a file that one of them left open is written to its end.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS, 10, 10)
