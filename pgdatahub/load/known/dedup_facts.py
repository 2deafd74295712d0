"""Facts about a part of a file, its decision, and the imports that the part may repeat or replace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupDecision:
    """The decision to load or skip a part of a file, with its effects on other imports.

    Attributes:
        loaded_by_us: The import of this part by this run: an attempt whose COMMIT was not confirmed.
        skip: The reason to skip the file; None to load it.
        origin: The import with the same content, if the file is skipped and recorded as a duplicate.
        replaced: The imports whose rows the file itself brings again.
        retired: The imports of the file's older content; their rows are deleted, or a duplicate inherits them.
        left: The imports of which the file was a duplicate and is not any more.
        released: The ids of the imports that held the file back, which ends when the file is loaded.
        known: The import because of which the file is skipped.
        notice: A message for the user.
    """

    loaded_by_us: ImportRow | None = None
    skip: str | None = None
    origin: ImportRow | None = None
    replaced: tuple[ImportRow, ...] = ()
    retired: tuple[ImportRow, ...] = ()
    left: tuple[ImportRow, ...] = ()
    released: tuple[int, ...] = ()
    known: ImportRow | None = None
    notice: str | None = None

    @property
    def going(self) -> tuple[ImportRow, ...]:
        """The imports whose rows leave a table with a key or a snapshot, where duplicates inherit nothing."""
        return (*self.replaced, *self.retired)

    @property
    def only_adds(self) -> bool:
        """Return whether the decision loads the file and touches no other import."""
        return self == DedupDecision(notice=self.notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """The part of a file that goes into one table, and the imports of the table that concern it.

    Attributes:
        source: The file with the table and the settings of the part.
        related: The imports that the part may repeat or replace, from the history under the table's lock.
        content_sha256: SHA-256 of the part's content; None if it has not been read to its end.
        rows: The number of its rows; None if it has not been read to its end.
    """

    source: SourceFile
    related: Sequence[ImportRow]
    content_sha256: str | None = None
    rows: int | None = None

    @property
    def imports(self) -> Sequence[ImportRow]:
        """The imports that the part may repeat or replace, under the options of its table."""
        return related_imports(self.source, self.related)

    def repeats(self, past: ImportRow, file_sha256: str) -> bool:
        """Return whether an import has the content of this part of a file with these bytes."""
        return past.has_bytes(self.source.identity, file_sha256, self.source.fingerprint, self.source.path_key) or (
            self.content_sha256 is not None and past.content_sha256 == self.content_sha256
        )


def related_imports(source: SourceFile, imports: Sequence[ImportRow]) -> Sequence[ImportRow]:
    """Return the imports that a part may repeat or replace.

    In a table with a key or a snapshot these are the imports of the same path only: the path of a copy decides between
    equal keys, so a copy is loaded like any file, and the order of loading does not matter. The file itself may have been
    saved again.
    """
    if source.options.rule is None:
        return imports
    return [
        replace(
            past,
            duplicates=tuple(one for one in past.duplicates if one.corrected or one.identity == source.identity),
        )
        for past in imports
        if past.identity == source.identity or past.corrects(source.identity) or is_origin(past, source)
    ]


def is_origin(past: ImportRow, source: SourceFile) -> bool:
    """Return whether a file is the corrected copy of the file of an import, or of the file that the import corrects."""
    if past.identity == source.identity:
        return False
    versions = {(past.identity, past.file_sha256), *((one.identity, one.file_sha256) for one in past.corrected)}
    return any((one.identity, one.sha256) in versions for one in source.origins)
