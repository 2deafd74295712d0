"""Built-in discover stage for URLs: each workbook below the data root, with its table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pgdatahub.plugins.specs import hookimpl
from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.model.files import SourceFile


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
    for file in found:
        if file.problem is not None:
            reason = f"the folder cannot be read: {file.problem}"
            folder = maker.source(file.location, "/".join(file.parts), file.parts[:-1], 0, reason)
            yield replace(folder, unreadable=not any(part.startswith(".") for part in file.parts))
            continue
        hidden = any(part.startswith(".") for part in file.parts[:-1])
        ignored = why_ignored(file.parts, suffixes, hidden=hidden)
        source = maker.source(file.location, "/".join(file.parts), file.parts[:-1], file.size, ignored)
        yield replace(source, stamp=file.stamp)
