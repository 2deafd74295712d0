"""Reasons to skip a file that is loaded already, for messages."""

from __future__ import annotations

from typing import Final

from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow, Status

PLANNED_RUN: Final = "planned"
"""The run id of an import that a plan simulates."""


def why_skipped(past: ImportRow, source: SourceFile, file_sha256: str) -> str:
    """Return the reason to skip a file that is in the table, or held back, by ``past``."""
    own = past.identity == source.identity
    if past.file_sha256 != file_sha256:
        if past.status == Status.HELD:
            return f"has the same content as {past.identity}, {_held(past)}"
        return f"has the same content as {named(past)}"
    if past.status == Status.HELD:
        return _held(past) if own else f"is the same file as {past.identity}, {_held(past)}"
    if past.settings != source.fingerprint:
        return (
            f"is the same file as {named(past)}, which was loaded with other settings; "
            "run --reload FILE loads it again with these"
        )
    return f"already loaded {past.imported_at:%Y-%m-%d %H:%M} UTC" if own else f"is the same file as {named(past)}"


def _held(past: ImportRow) -> str:
    since = f" since {past.reverted_at:%Y-%m-%d %H:%M} UTC" if past.reverted_at else ""
    return f"held back{since}; run --reload FILE loads it"


def named(past: ImportRow) -> str:
    """Return an import's file and time, for messages."""
    if past.run_id == PLANNED_RUN:
        return past.identity
    return f"{past.identity} (loaded {past.imported_at:%Y-%m-%d %H:%M} UTC)"
