"""How a process of ours looks for garbage: seldom, and not at its end. Only for a process that is all ours.

Python counts references; beside that, its collector looks for objects that only refer to each other, each time 700 more
objects have been made than given back. Imports make a hundred thousand objects that stay, and rows make lists without
end that refer to nothing: looking at them all is time for nothing.
"""

from __future__ import annotations

import gc
from typing import Final

_OBJECTS: Final = 200_000
"""So many more objects before the collector looks: more than the imports of a run make. Rows are columns of bytes, which it
does not even know of, so that this costs no memory worth naming."""


def look_seldom() -> None:
    """Let the collector look less often."""
    gc.set_threshold(_OBJECTS, 20, 20)


def leave_to_the_system() -> None:
    """Let the end of the process find nothing to collect; the system takes back its memory at once.

    On its way out Python looks at every object of every module again and again, 0.2 s after a run. Files are closed and
    what is registered for the end is called all the same.
    """
    gc.freeze()
