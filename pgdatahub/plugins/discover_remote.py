"""Built-in discover stage for URLs: each workbook below the data root, with its table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl
from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.config.folders import FolderTree
    from pgdatahub.model.files import SourceFile
    from pgdatahub.system.storage import Found


@hookimpl(trylast=True)
def pgdatahub_discover(config: Config) -> Iterator[SourceFile]:
    """Find the workbooks below the data root, if it is a URL."""
    return discover_remote(config)


def discover_remote(config: Config, suffixes: Collection[str] = WORKBOOK_SUFFIXES) -> Iterator[SourceFile]:
    """Find the files below a data root that is a URL; the counterpart of ``discover``.

    Args:
        config: The settings; if ``data_root`` is a local folder, the result is empty.
        suffixes: Suffixes in lower case, with their dot.

    Raises:
        ConfigError: The folder is not found, cannot be listed, or needs a driver that is not installed.
    """
    from pgdatahub.plugins.filters import SourceMaker, natural, why_ignored
    from pgdatahub.system.storage import is_url, list_files

    if not is_url(config.data_root):
        return
    maker = SourceMaker(config)
    # Files of a folder come before its subfolders, as in discover().
    found = sorted(
        list_files(config.data_root),
        key=lambda file: (*((1, natural(part)) for part in file.parts[:-1]), (0, natural(file.parts[-1]))),
    )
    left_out: set[tuple[str, ...]] = set()
    for file in found:
        excluded = _excluding(file, config.folders)
        if excluded is not None:
            parts, reason = excluded
            if parts not in left_out:
                left_out.add(parts)
                location = file.location if parts == file.parts else f"{config.data_root.rstrip('/')}/{'/'.join(parts)}"
                yield maker.source(location, "/".join(parts), parts[:-1], 0, reason)
            continue
        if file.problem is not None:
            reason = f"the folder cannot be read: {file.problem}"
            folder = maker.source(file.location, "/".join(file.parts), file.parts[:-1], 0, reason)
            yield replace(folder, unreadable=not any(part.startswith(".") for part in file.parts))
            continue
        hidden = any(part.startswith(".") for part in file.parts[:-1])
        ignored = why_ignored(file.parts, suffixes, hidden=hidden)
        source = maker.source(file.location, "/".join(file.parts), file.parts[:-1], file.size, ignored)
        yield replace(source, stamp=file.stamp)


def _excluding(file: Found, folders: FolderTree) -> tuple[tuple[str, ...], str] | None:
    """Return the file or the folder above it that ``exclude:`` leaves out, and the reason; None if there is none."""
    from pgdatahub.config.excludes import why_excluded

    for length in range(1, len(file.parts) + 1):
        parts = file.parts[:length]
        is_folder = length < len(file.parts) or file.problem is not None
        reason = why_excluded(folders.excludes_for(parts[:-1]), parts, is_folder=is_folder)
        if reason is not None:
            return parts, reason
    return None
