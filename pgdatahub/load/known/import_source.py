"""The file of an import, with the settings that its folder has now."""

from __future__ import annotations

from pgdatahub.config import Config
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.plugins.filters import SourceMaker


def source_of(
    past: ImportRow, config: Config, *, location: str | None = None, identity: str | None = None
) -> SourceFile:
    """Return the file of an import.

    Args:
        past: The import.
        config: The settings.
        location: The file's place, if it is not where it was loaded from.
        identity: The file's path below the data root, if it is another file with the same content.
    """
    identity = identity or past.identity
    folders = tuple(identity.split("/")[:-1])
    source = SourceMaker(config).source(location or past.source_file, identity, folders, past.bytes, None)
    if source.options.is_routed:
        return source
    return SourceFile(
        location=source.location, identity=identity, table=past.table, options=source.options, size=past.bytes
    )
