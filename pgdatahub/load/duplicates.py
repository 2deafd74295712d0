"""Entries of an import for files that were skipped because they have its content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import Duplicate, ImportRow


def as_duplicate(source: SourceFile, file_sha256: str, seen_at: datetime) -> Duplicate:
    """Return the entry of a file that is skipped in favour of an import."""
    return Duplicate(
        identity=source.identity,
        source_file=source.location,
        file_sha256=file_sha256,
        bytes=source.size,
        settings=source.fingerprint,
        seen_at=seen_at,
    )


def kept_duplicates(
    replaced: Sequence[ImportRow], source: SourceFile, *, file_sha256: str, content_sha256: str
) -> tuple[Duplicate, ...]:
    """Return the duplicates of an import that takes the place of ``replaced``: files with its content or its bytes."""
    kept: dict[tuple[str, str], Duplicate] = {}
    for past in replaced:
        own = Duplicate(
            identity=past.identity,
            source_file=past.source_file,
            file_sha256=past.file_sha256,
            bytes=past.bytes,
            settings=past.settings,
            seen_at=past.imported_at,
        )
        for one in (own, *past.duplicates):
            equal = past.content_sha256 == content_sha256 or one.file_sha256 == file_sha256
            if equal and one.identity != source.identity:
                kept[one.identity, one.file_sha256] = one
    return tuple(kept.values())
