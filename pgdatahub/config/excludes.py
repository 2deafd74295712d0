"""Globs of files and folders that are left out, by ``exclude:``."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Exclude:
    """One glob of ``exclude:``.

    A glob without a slash matches the name of a file or folder at any depth below the folder that sets it. A glob with one
    is a path below that folder, in which ``**`` stands for any number of folders. A slash at the end matches folders only.
    Case does not matter.

    Attributes:
        pattern: The glob as written.
        depth: The number of folders from the data root to the folder that sets it.
    """

    pattern: str
    depth: int

    def matches(self, parts: Sequence[str], *, is_folder: bool) -> bool:
        """Return whether the glob matches a file or folder.

        Args:
            parts: Its path below the data root.
            is_folder: It is a folder.
        """
        if self.pattern.endswith("/") and not is_folder:
            return False
        globs = [_folded(glob) for glob in self.pattern.strip("/").split("/")]
        below = [_folded(part) for part in parts[self.depth :]]
        if not below:
            return False
        if len(globs) == 1 and not self.pattern.startswith("/"):
            return fnmatchcase(below[-1], globs[0])
        return _matches(below, globs)


def _matches(parts: Sequence[str], globs: Sequence[str]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_matches(parts[start:], globs[1:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], globs[0]) and _matches(parts[1:], globs[1:])


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()  # as folder names are compared


def why_excluded(excludes: Sequence[Exclude], parts: Sequence[str], *, is_folder: bool) -> str | None:
    """Return the reason to leave out a file or folder; None if no glob matches."""
    found = next((one for one in excludes if one.matches(parts, is_folder=is_folder)), None)
    return None if found is None else f'excluded by "{found.pattern}"'
