"""The decision whether a file is loaded already, for run, plan and watch.

:class:`KnownFiles` decides by a file's bytes, from a query of the history when a run begins. It decides only where
nothing that the run does can change the decision. :func:`decide` takes all other decisions under the table's lock, so
that two runs cannot both find a file new.

A file with the content of another import is a *duplicate*: the run skips the file, and the import records it. When the
import's own file changes under ``on_changed: replace``, a duplicate inherits the rows (see
:mod:`pgdatahub.load.replace`). So the table has the content of every file, no matter which of several equal files was
loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pgdatahub.errors import ContentChangedError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import Duplicate, ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history import History
from pgdatahub.postgres.known_rows import changed_files, imports_of_sizes
from pgdatahub.readers.reading_rules import reading_version

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection


PLANNED_RUN: Final = "planned"
"""The run id of an import that a plan simulates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupDecision:
    """The decision to load or skip a file, with its effects on other imports.

    Attributes:
        loaded_by_us: The import of this file by this run: an attempt whose COMMIT was not confirmed.
        skip: The reason to skip the file; None to load it.
        origin: The import with the same content, if the file is skipped and recorded as a duplicate.
        replaced: The imports whose rows the file itself brings again.
        retired: The imports of the file's older content; their rows are deleted, or a duplicate inherits them.
        left: The imports of which the file was a duplicate and is not any more.
        released: The ids of the imports that held the file back, which ends when the file is loaded.
        notice: A message for the user.
    """

    loaded_by_us: ImportRow | None = None
    skip: str | None = None
    origin: ImportRow | None = None
    replaced: tuple[ImportRow, ...] = ()
    retired: tuple[ImportRow, ...] = ()
    left: tuple[ImportRow, ...] = ()
    released: tuple[int, ...] = ()
    notice: str | None = None

    @property
    def only_adds(self) -> bool:
        """Return whether the decision loads the file and touches no other import."""
        return self == DedupDecision(notice=self.notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFiles:
    """The files that are loaded already, according to the history when a run begins.

    Attributes:
        imports: Table → SHA-256 of the bytes → the imports with these bytes, their own or a duplicate's.
        sizes: Table → the sizes of these files.
        changed: Table and identity of each file with several contents in its table.
    """

    imports: Mapping[TableName, Mapping[str, Sequence[ImportRow]]] = field(default_factory=dict)
    sizes: Mapping[TableName, Collection[int]] = field(default_factory=dict)
    changed: Collection[tuple[TableName, str]] = ()

    @classmethod
    def of(cls, imports: Iterable[ImportRow], changed: Collection[tuple[TableName, str]]) -> KnownFiles:
        """Return the files of these imports."""
        by_table: dict[TableName, dict[str, list[ImportRow]]] = {}
        sizes: dict[TableName, set[int]] = {}
        for past in imports:
            by_hash = by_table.setdefault(past.table, {})
            for file_sha256 in {past.file_sha256, *(one.file_sha256 for one in past.duplicates)}:
                by_hash.setdefault(file_sha256, []).append(past)
            sizes.setdefault(past.table, set()).update((past.bytes, *(one.bytes for one in past.duplicates)))
        return cls(imports=by_table, sizes=sizes, changed=changed)

    def may_know(self, source: SourceFile) -> bool:
        """Return whether the file has the size of a known file, so that hashing the file pays."""
        return not source.reload and source.size in self.sizes.get(source.table, ())

    def has(self, source: SourceFile, file_sha256: str) -> bool:
        """Return whether these bytes are loaded or held back, under any name."""
        found = self.imports.get(source.table, {}).get(file_sha256, ())
        return not source.reload and any(
            past.has_bytes(source.identity, file_sha256, source.options.fingerprint) for past in found
        )

    def own_import(self, source: SourceFile, file_sha256: str) -> ImportRow | None:
        """Return the loaded import of exactly this file; None if there is none."""
        for past in self.imports.get(source.table, {}).get(file_sha256, ()):
            own = past.identity == source.identity and past.file_sha256 == file_sha256
            if own and past.status == Status.LOADED:
                return past
        return None

    def skip(self, source: SourceFile, file_sha256: str) -> str | None:
        """Return the reason to skip a file without a further query; None if only :func:`decide` can tell.

        A reason exists for a file that is unchanged since it was loaded or found to be a duplicate: only a later
        version of the same file removes its content from the table.
        """
        if source.reload:
            return None
        if source.options.on_changed != "append" and (source.table, source.identity) in self.changed:
            return None
        for past in self.imports.get(source.table, {}).get(file_sha256, ()):
            if past.is_file(source.identity, file_sha256, source.options.fingerprint):
                return _why_skipped(past, source, file_sha256)
        return None


def find_known(connection: Connection, history: History, files: Sequence[SourceFile]) -> KnownFiles:
    """Return the files that are loaded already, as far as their sizes and bytes tell."""
    replacing = {source.table for source in files if source.options.on_changed != "append"}
    return KnownFiles.of(imports_of_sizes(connection, history, files), changed_files(connection, history, replacing))


def decide(
    related: Sequence[ImportRow],
    source: SourceFile,
    *,
    file_sha256: str,
    content_sha256: str | None,
    run_id: str,
    rows: int | None = None,
) -> DedupDecision:
    """Return the decision on a file.

    Args:
        related: The imports that the file may repeat or replace, from the history under the table's lock.
        source: The file.
        file_sha256: SHA-256 of its bytes.
        content_sha256: SHA-256 of its content; None if the file has not been read to its end.
        run_id: The run that is about to load the file.
        rows: The number of its rows; None if the file has not been read to its end.

    Raises:
        ContentChangedError: The file was loaded before with other content, and its folder sets ``on_changed: fail``.
    """
    same = [
        past
        for past in related
        if past.has_bytes(source.identity, file_sha256, source.options.fingerprint)
        or (content_sha256 is not None and past.content_sha256 == content_sha256)
    ]
    older = [past for past in related if past not in same and _moment(past, source) is not None]
    by_us = [past for past in same if past.run_id == run_id and past.status == Status.LOADED]
    for past in by_us:
        if past.identity == source.identity:
            return DedupDecision(loaded_by_us=past)
    # Of several equal files that are to be loaded again, only the first one is.
    if by_us or (same and not source.reload):
        return _skip(same, older, source, file_sha256)
    if source.reload:
        # An older reading of the same rows, and the file was saved since: the content differs by the rules alone.
        outdated = [past for past in older if past.row_count == rows and _is_outdated(past, source)]
        same, older = [*same, *outdated], [past for past in older if past not in outdated]
    replaced = tuple(past for past in same if past.status == Status.LOADED)
    released = tuple(past.id for past in same if past.status == Status.HELD)
    notice = None
    if replaced:
        notice = f"loaded again, in place of its rows of {replaced[-1].imported_at:%Y-%m-%d %H:%M} UTC"
    decision = DedupDecision(replaced=replaced, released=released, notice=notice)
    return _with_older(decision, older, source) if older else decision


def _skip(same: Sequence[ImportRow], older: Sequence[ImportRow], source: SourceFile, file_sha256: str) -> DedupDecision:
    # A loaded import has more to report than a held one, and the file's own import more than another file's.
    past = min(same, key=lambda one: (one.status != Status.LOADED, _moment(one, source) is None, one.id))
    why = _why_skipped(past, source, file_sha256)
    seen = max((moment for moment in (_moment(one, source) for one in same) if moment is not None), default=None)
    changed = any(seen is None or moment > seen for one in older if (moment := _moment(one, source)) is not None)
    if not changed:
        return DedupDecision(
            skip=why, origin=None if past.is_file(source.identity, file_sha256, source.options.fingerprint) else past
        )
    decision = _with_older(DedupDecision(skip=why, origin=past), older, source)
    rows = sum(one.row_count for one in decision.retired)
    if rows:
        why = f"{why}; its {rows:,} older rows are not in the table any more (on_changed: replace)"
    return replace(decision, skip=why, notice=None)


def _with_older(decision: DedupDecision, older: Sequence[ImportRow], source: SourceFile) -> DedupDecision:
    """Return the decision on a file that had other content before, by the folder's ``on_changed``."""
    policy = source.options.on_changed
    own = tuple(past for past in older if past.identity == source.identity and past.status == Status.LOADED)
    before = f"its content of {max(filter(None, (_moment(past, source) for past in older))):%Y-%m-%d %H:%M} UTC"
    if policy == "append":
        if not own:
            return decision
        added = f"the file changed: its rows are added to those of {before} (on_changed: append)"
        return replace(decision, notice=added)
    if policy == "fail" and not source.reload:
        raise ContentChangedError(
            f"the file is not what it was: {before} is loaded",
            hint="run --reload FILE replaces those rows; on_changed: append or replace takes changed files",
        )
    left = tuple(past for past in older if past not in own)
    rows = sum(past.row_count for past in own)
    notice = f"the file changed: its rows take the place of the {rows:,} rows of {before}" if own else decision.notice
    return replace(decision, retired=own, left=left, notice=notice)


def _is_outdated(past: ImportRow, source: SourceFile) -> bool:
    return past.identity == source.identity and past.reading < reading_version(past.identity)


def _moment(past: ImportRow, source: SourceFile) -> datetime | None:
    """Return the time when the file was last seen with the content of an import; None if it never was."""
    moments = [past.imported_at] if past.identity == source.identity and past.status == Status.LOADED else []
    duplicate = past.duplicate(source.identity)
    return max([*moments, *([duplicate.seen_at] if duplicate else [])], default=None)


def as_duplicate(source: SourceFile, file_sha256: str, seen_at: datetime) -> Duplicate:
    """Return the entry of a file that is skipped in favour of an import."""
    return Duplicate(
        identity=source.identity,
        source_file=source.location,
        file_sha256=file_sha256,
        bytes=source.size,
        settings=source.options.fingerprint,
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


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _why_skipped(past: ImportRow, source: SourceFile, file_sha256: str) -> str:
    """Return the reason to skip a file that is in the table, or held back, by ``past``."""
    own = past.identity == source.identity
    if past.file_sha256 != file_sha256:
        if past.status == Status.HELD:
            return f"has the same content as {past.identity}, {_held(past)}"
        return f"has the same content as {named(past)}"
    if past.status == Status.HELD:
        return _held(past) if own else f"is the same file as {past.identity}, {_held(past)}"
    if past.settings != source.options.fingerprint:
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
