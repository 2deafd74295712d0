"""A model of one table through the life of its files: the contents that it must have, by the folder's policies.

The model knows paths and contents, and no import, duplicate, hash or time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

Owner = Callable[[int], str | None]
"""Returns the path that the history gives a content to after the command; None if the table does not have the content."""


@dataclass(slots=True)
class LifeModel:
    """The contents of a table.

    Attributes:
        on_changed: The folder's policy for changed files.
        on_missing: Its policy for files that are gone.
        loaded: Content in the table → the path that it belongs to.
        held: Contents that runs skip until they are loaded by ``--reload``.
        seen: Path → the content that the last run saw there and that the table still has.
        handed: Contents whose path changed in the present command while other paths had them too.
    """

    on_changed: str
    on_missing: str
    loaded: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    seen: dict[str, int] = field(default_factory=dict)
    handed: set[int] = field(default_factory=set)

    def refuses(self, path: str, content: int) -> bool:
        """Return whether a run must refuse a file for this table, and so the whole file."""
        old = self.seen.get(path)
        return self.on_changed == "fail" and old in self.loaded and old != content

    def take(self, path: str, content: int) -> None:
        """Apply a run's load of a file that it does not refuse."""
        self._take(path, content, reload=False)

    def end_run(self, files: Mapping[str, int], owner: Owner, *, complete: bool) -> None:
        """Apply the end of a run over all files.

        Args:
            files: Path → content, of the files that are there.
            owner: Tells the choice where several paths have a right to a content.
            complete: No file failed.
        """
        self._settle(files, owner)
        if self.on_missing == "revert" and complete:
            self._forget_missing(files, owner)

    def reload(self, path: str, content: int, owner: Owner) -> None:
        """Apply ``run --reload`` of one file."""
        self._take(path, content, reload=True)
        self._settle({}, owner)

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

    def _take(self, path: str, content: int, *, reload: bool) -> None:
        old = self.seen.get(path)
        changed = self.on_changed != "append" and old in self.loaded and old != content
        if reload:
            self.held.discard(content)
        if content not in self.held and (reload or content not in self.loaded):
            self.loaded[content] = path
        if content in self.loaded:
            self.seen[path] = content
        else:  # it is on hold, and what another path loads of it later is not this path's
            self.seen.pop(path, None)
        if changed and old is not None and old in self.loaded:
            if old not in self.seen.values():
                del self.loaded[old]
                self.handed.discard(old)
            elif self.loaded[old] == path:
                self.handed.add(old)

    def _settle(self, files: Mapping[str, int], owner: Owner) -> None:
        """Give each handed content to one of the paths that have it at the end: those before may have changed too."""
        for content in self.handed:
            heirs = [path for path, seen in self.seen.items() if seen == content]
            chosen = heirs[0] if len(heirs) == 1 else owner(content)
            if chosen is None:  # given to a missing path, and reverted with it
                chosen = next(path for path in heirs if self._is_forgotten(path, files))
            self.loaded[content] = _one_of(chosen, heirs)
        self.handed.clear()

    def _is_forgotten(self, path: str, files: Mapping[str, int]) -> bool:
        """Return whether a run over these files reverts what a path has, since its file is gone."""
        folders = {PurePosixPath(one).parent for one in files}
        return self.on_missing == "revert" and path not in files and PurePosixPath(path).parent in folders

    def _forget_missing(self, files: Mapping[str, int], owner: Owner) -> None:
        for content, path in list(self.loaded.items()):
            if path in files:
                continue
            holders = [one for one in files if files[one] == content]
            if holders:
                if self.seen.get(path) == content:
                    del self.seen[path]  # its right to the rows is gone with the file
                self.loaded[content] = _one_of(owner(content), holders)
            elif self._is_forgotten(path, files):
                self.revert(content)


def in_order(files: Mapping[str, int]) -> Sequence[str]:
    """Return paths in the order of a run: a folder's files before its subfolders."""
    return sorted(files, key=lambda path: (path.count("/"), path))


def _one_of(path: str | None, paths: Sequence[str]) -> str:
    assert path is not None, f"the history gives a content to no path; {paths} have a right to it"
    assert path in paths, f"the history gives a content to {path}, which has no right to it; {paths} have"
    return path
