"""Entries of an import for files that were skipped because they have its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pgdatahub.load.known.dedup_facts import DedupDecision
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


def covered_files(
    found: DedupDecision, source: SourceFile, *, file_sha256: str, content_sha256: str, moment: datetime
) -> tuple[Duplicate, ...]:
    """Return the files that a new import covers besides its own: duplicates, and files of which it is the corrected version.

    Args:
        found: The decision to load it.
        source: The file.
        file_sha256: SHA-256 of its bytes.
        content_sha256: SHA-256 of its content.
        moment: The time of the import.
    """
    kept = kept_duplicates(found.replaced, source, file_sha256=file_sha256, content_sha256=content_sha256)
    corrected = {(one.identity, one.file_sha256): one for past in found.going for one in past.corrected}
    for past in found.retired:
        own = duplicate_of(past)
        corrected[own.identity, own.file_sha256] = replace(own, corrected=True)
    if source.options.on_changed != "append":
        for origin in source.origins:
            corrected.setdefault(
                (origin.identity, origin.sha256),
                Duplicate(
                    identity=origin.identity,
                    source_file="",
                    file_sha256=origin.sha256,
                    bytes=origin.bytes,
                    settings="",
                    seen_at=moment,
                    corrected=True,
                ),
            )
    known = {(one.identity, one.file_sha256) for one in kept}
    return (*kept, *(one for key, one in corrected.items() if one.identity != source.identity and key not in known))


def duplicate_of(past: ImportRow) -> Duplicate:
    """Return the file of an import as an entry of another import."""
    return Duplicate(
        identity=past.identity,
        source_file=past.source_file,
        file_sha256=past.file_sha256,
        bytes=past.bytes,
        settings=past.settings,
        seen_at=past.imported_at,
    )


def kept_duplicates(
    replaced: Sequence[ImportRow], source: SourceFile, *, file_sha256: str, content_sha256: str
) -> tuple[Duplicate, ...]:
    """Return the duplicates of an import that takes the place of ``replaced``: files with its content or its bytes."""
    kept: dict[tuple[str, str], Duplicate] = {}
    for past in replaced:
        for one in (duplicate_of(past), *past.duplicates):
            equal = past.content_sha256 == content_sha256 or one.file_sha256 == file_sha256
            if equal and one.identity != source.identity:
                kept[one.identity, one.file_sha256] = one
    return tuple(kept.values())
