"""Built-in discover stage for folders: each workbook below the data root, with its table."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from pgdatahub.errors import ConfigError
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.files import SourceFile


@hookimpl(trylast=True)
def pgdatahub_discover(config: Config) -> Iterator[SourceFile]:
    """Find the workbooks below the data root, if it is a folder."""
    return iter(()) if "://" in config.data_root else discover(config)


def discover(config: Config, suffixes: Collection[str] = WORKBOOK_SUFFIXES) -> Iterator[SourceFile]:
    """Find the files below the data root: files with one of ``suffixes``, and all others as ignored, with the reason.

    A plugin for another format calls this function with its own suffixes. A file is loaded if any plugin yields it without a
    reason to ignore it.

    Files of a folder come before its subfolders; numbers in names sort by value. Links are followed, except to a folder that
    contains the link.

    Args:
        config: The settings; a ``data_root`` that is a URL is listed by its driver.
        suffixes: Suffixes in lower case, with their dot; one such as ``.csv.gz`` is the end of a name.

    Raises:
        ConfigError: The data root is not found, or cannot be read.
    """
    if "://" in config.data_root:
        from pgdatahub.plugins.discover_remote import discover_remote

        return discover_remote(config, suffixes)
    # Keep links in the root's path, so that source_file shows the path as the user wrote it.
    root = os.path.abspath(config.root_path)  # noqa: PTH100 - Path.absolute() keeps "..", Path.resolve() follows links
    try:
        identity = _identity(os.stat(root))  # noqa: PTH116 - consistent with os.scandir in this module
        os.scandir(root).close()
    except FileNotFoundError:
        raise ConfigError(
            "the data root does not exist",
            where=root,
            hint="create it, set ETL_DATA_ROOT, or run `pgdatahub init`",
        ) from None
    except OSError as error:
        raise ConfigError(f"the data root cannot be read: {error.strerror}", where=root) from error
    return _Walk(config, frozenset(suffixes)).folder(root, (), frozenset({identity}), hidden=False)


class _Walk:
    """One walk through the data root."""

    def __init__(self, config: Config, suffixes: frozenset[str]) -> None:
        # A late import, so that listing plugins does not import the settings.
        from pgdatahub.plugins.filters import SourceMaker

        self._maker = SourceMaker(config)
        self._folders = config.folders
        self._suffixes = suffixes

    def folder(
        self, path: str, parts: tuple[str, ...], above: frozenset[tuple[int, int]], *, hidden: bool
    ) -> Iterator[SourceFile]:
        """Yield the files of a folder and of its subfolders.

        Args:
            path: The folder's absolute path.
            parts: Its path below the data root.
            above: Identities of the folder and its parents, to detect a circle of links.
            hidden: The folder or one of its parents is hidden.
        """
        from pgdatahub.config.excludes import why_excluded
        from pgdatahub.plugins.filters import natural

        excludes = self._folders.excludes_for(parts)
        entries: list[os.DirEntry[str]] = []
        try:
            with os.scandir(path) as scan:
                entries.extend(scan)
        except OSError as error:
            yield self._unreadable(path, parts, error, hidden=hidden)
        entries.sort(key=lambda entry: natural(entry.name))
        folders = []
        for entry in entries:
            below = (*parts, entry.name)
            try:
                status = entry.stat()
            except OSError as error:
                excluded = why_excluded(excludes, below, is_folder=_is_folder(entry)) if excludes else None
                if excluded is None:
                    yield self._broken(entry, below, error, hidden=hidden)
                else:
                    yield self._file(entry.path, below, 0, excluded)
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            excluded = why_excluded(excludes, below, is_folder=is_folder) if excludes else None
            if not is_folder:
                reason = self._reason(entry.name, parts, status, hidden=hidden)
                yield self._file(entry.path, below, status.st_size, reason or excluded)
            elif excluded is None:
                folders.append((entry, _identity(status)))
            else:
                yield self._file(entry.path, below, 0, excluded)
        for entry, identity in folders:
            below = (*parts, entry.name)
            if identity in above:
                yield self._file(entry.path, below, 0, "the link leads to a folder that contains it")
            else:
                yield from self.folder(
                    entry.path, below, above | {identity}, hidden=hidden or entry.name.startswith(".")
                )

    def _broken(self, entry: os.DirEntry[str], parts: tuple[str, ...], error: OSError, *, hidden: bool) -> SourceFile:
        """Return an entry without status: ignored if it is a deleted file, else unreadable unless its name is ignored."""
        gone = isinstance(error, FileNotFoundError)
        is_file = PurePath(entry.name).suffix != "" if entry.is_symlink() else not _is_folder(entry)
        if gone and is_file:
            reason = "the link is broken" if entry.is_symlink() else "the file was deleted during the search"
            return self._file(entry.path, parts, 0, reason)
        return self._unreadable(entry.path, parts, error, hidden=hidden)

    def _unreadable(self, path: str, parts: tuple[str, ...], error: OSError, *, hidden: bool) -> SourceFile:
        # A run ignores hidden folders and lock files, readable or not.
        unused = hidden or any(part.startswith((".", "~$")) for part in parts[-1:])
        reason = f"the folder cannot be read: {error.strerror}"
        return replace(self._file(path, parts, 0, reason), unreadable=not unused)

    def _reason(self, name: str, parts: tuple[str, ...], status: os.stat_result, *, hidden: bool) -> str | None:
        """Return the reason to ignore a file, if any."""
        from pgdatahub.plugins.filters import why_ignored

        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        return why_ignored((*parts, name), self._suffixes, hidden=hidden)

    def _file(self, path: str, parts: tuple[str, ...], size: int, ignored: str | None) -> SourceFile:
        location = path.replace(os.sep, "/")
        if not _is_text(location):
            # Neither the table nor a terminal can hold such a name, so escape it.
            location = _printable(location)
            ignored = ignored or "its name is not valid UTF-8"
        return self._maker.source(location, _printable("/".join(parts)), parts[:-1], size, ignored)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return True  # unknown; treat it as a folder, whose files would be missed


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name if _is_text(name) else os.fsencode(name).decode(errors="backslashreplace")
