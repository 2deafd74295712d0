"""A model of one table through the life of its files: the contents that it must have, by the folder's policies.

The model knows paths and contents, and no import, duplicate, hash or time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

Owner = Callable[[int], str]
"""Returns the path that the history gives a loaded content to."""


@dataclass(slots=True)
class LifeModel:
    """The contents of a table.

    Attributes:
        on_changed: The folder's policy for changed files.
        on_missing: Its policy for files that are gone.
        loaded: Content in the table → the path that it belongs to.
        held: Contents that runs skip until they are loaded by ``--reload``.
        seen: Path → the content that the last run saw there and that the table still has.
    """

    on_changed: str
    on_missing: str
    loaded: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    seen: dict[str, int] = field(default_factory=dict)

    def run(self, files: Mapping[str, int], owner: Owner) -> set[str]:
        """Apply a run over all files; return the paths that it must refuse.

        Args:
            files: Path → content, of the files that are there.
            owner: Tells the choice where several paths have a right to a content.
        """
        refused = {path for path in in_order(files) if not self._take(path, files[path], owner, reload=False)}
        if self.on_missing == "revert" and not refused:
            self._forget_missing(files, owner)
        return refused

    def reload(self, path: str, content: int, owner: Owner) -> None:
        """Apply ``run --reload`` of one file."""
        self._take(path, content, owner, reload=True)

    def revert(self, content: int, *, hold: bool = False) -> None:
        """Apply the revert of a content's import."""
        del self.loaded[content]
        if hold:
            self.held.add(content)
        self.seen = {path: one for path, one in self.seen.items() if one != content}

    def lose_history(self, files: Mapping[str, int], owner: Owner) -> None:
        """Apply the loss of the history and its adoption: what is known again comes from the files that are there."""
        self.held.clear()
        self.seen = {path: content for path, content in files.items() if content in self.loaded}
        for content in self.loaded:
            self.loaded[content] = _one_of(owner(content), [path for path in files if files[path] == content])

    def _take(self, path: str, content: int, owner: Owner, *, reload: bool) -> bool:
        old = self.seen.get(path)
        changed = self.on_changed != "append" and old in self.loaded and old != content
        if changed and self.on_changed == "fail" and not reload:
            return False
        if reload:
            self.held.discard(content)
        if content not in self.held and (reload or content not in self.loaded):
            self.loaded[content] = path
        self.seen[path] = content
        if changed and old is not None and old in self.loaded:
            heirs = [one for one, held in self.seen.items() if held == old]
            if not heirs:
                del self.loaded[old]
            elif self.loaded[old] == path:
                self.loaded[old] = _one_of(owner(old), heirs)
        return True

    def _forget_missing(self, files: Mapping[str, int], owner: Owner) -> None:
        folders = {PurePosixPath(path).parent for path in files}
        for content, path in list(self.loaded.items()):
            if path in files:
                continue
            holders = [one for one in files if files[one] == content]
            if holders:
                self.loaded[content] = _one_of(owner(content), holders)
            elif PurePosixPath(path).parent in folders:
                self.revert(content)


def in_order(files: Mapping[str, int]) -> Sequence[str]:
    """Return paths in the order of a run: a folder's files before its subfolders."""
    return sorted(files, key=lambda path: (path.count("/"), path))


def _one_of(path: str, paths: Sequence[str]) -> str:
    assert path in paths, f"the history gives a content to {path}, which has no right to it; {paths} have"
    return path
