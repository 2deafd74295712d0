"""How a process of ours looks for garbage: seldom, and not among what it has imported. Only for who owns the process.

Python counts references; beside that, its collector looks for objects that only refer to each other, each time 700 more
objects have been made than given back. Imports make a hundred thousand objects that stay, and rows make columns of bytes
that refer to nothing: looking at them again and again is time for nothing.
"""

from __future__ import annotations

import gc
from typing import Final

_OBJECTS: Final = 200_000
"""So many more objects before the collector looks: more than the imports of a run make. It does not even know of bytes, so
that this costs no memory worth naming: 130 MB with it and without, for 100,000 rows."""


def look_seldom() -> None:
    """Let the collector look less often; to be called first."""
    gc.set_threshold(_OBJECTS, 20, 20)


def keep_imports() -> None:
    """Let the collector never look at what is there now; to be called when all is imported, and no plugin is.

    On its way out Python looks at every object of every module several times, which takes 0.2 s after a run. What plugins
    bring is still collected then, and so a file that one of them left open is written to its end.
    """
    gc.freeze()
