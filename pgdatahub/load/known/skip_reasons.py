"""Reasons to skip a file that is loaded already, for messages."""

from __future__ import annotations

from typing import Final

from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow, Status

PLANNED_RUN: Final = "planned"
"""The run id of an import that a plan simulates."""


ALREADY_LOADED: Final = "already loaded"
"""The kind of reason to skip a file that needs no further look."""
_HELD: Final = "on hold until run --reload"


def why_skipped(past: ImportRow, source: SourceFile, file_sha256: str) -> FileNotice:
    """Return the reason to skip a file that is in the table, or on hold, by ``past``."""
    reason = _why_skipped(past, source, file_sha256)
    for number, what in ((past.quarantined, "rows"), (past.emptied, "cells")):
        if number:
            told = f"1 of its {what} is" if number == 1 else f"{number:,} of its {what} are"
            reason = FileNotice(f"{reason}; {told} in quarantine", f"{reason.kind}, with {what} in quarantine")
    return reason


def _why_skipped(past: ImportRow, source: SourceFile, file_sha256: str) -> FileNotice:
    own = past.identity == source.identity
    if any(
        one.corrected and (one.identity, one.file_sha256) == (source.identity, file_sha256) for one in past.duplicates
    ):
        by = f"{past.identity}, {_held(past)}" if past.status == Status.HELD else named(past)
        return FileNotice(f"was corrected by {by}", "corrected by another file")
    if past.file_sha256 != file_sha256:
        if past.status == Status.HELD:
            return FileNotice(f"has the same content as {past.identity}, {_held(past)}", _HELD)
        return FileNotice(f"has the same content as {named(past)}", "with the content of another file")
    if past.status == Status.HELD:
        return FileNotice(_held(past) if own else f"is the same file as {past.identity}, {_held(past)}", _HELD)
    if past.settings != source.fingerprint:
        text = (
            f"is the same file as {named(past)}, which was loaded with other settings; "
            "run --reload FILE loads it again with these"
        )
        return FileNotice(text, "loaded with other settings than those of now, which run --reload applies")
    if own:
        return FileNotice(f"already loaded {past.imported_at:%Y-%m-%d %H:%M} UTC", ALREADY_LOADED)
    return FileNotice(f"is the same file as {named(past)}", "the same as another file")


def _held(past: ImportRow) -> str:
    since = f" since {past.reverted_at:%Y-%m-%d %H:%M} UTC" if past.reverted_at else ""
    return f"on hold{since}; run --reload FILE loads it"


def named(past: ImportRow) -> str:
    """Return an import's file and time, for messages."""
    if past.run_id == PLANNED_RUN:
        return past.identity
    return f"{past.identity} (loaded {past.imported_at:%Y-%m-%d %H:%M} UTC)"
