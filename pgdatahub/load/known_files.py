"""The files that are loaded already, by their bytes, according to the history when a run begins.

:class:`KnownFiles` decides only where nothing that the run does can change the decision; :mod:`pgdatahub.load.dedup`
takes all other decisions under the tables' locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgdatahub.load.skip_reasons import why_skipped
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history import History
from pgdatahub.postgres.known_rows import changed_files, imports_of_sizes

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection


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
            past.has_bytes(source.identity, file_sha256, source.fingerprint) for past in found
        )

    def own_import(self, source: SourceFile, file_sha256: str) -> ImportRow | None:
        """Return the loaded import of exactly this file; None if there is none."""
        for past in self.imports.get(source.table, {}).get(file_sha256, ()):
            own = past.identity == source.identity and past.file_sha256 == file_sha256
            if own and past.status == Status.LOADED:
                return past
        return None

    def skip(self, source: SourceFile, file_sha256: str) -> str | None:
        """Return the reason to skip a file without a further query; None if only :func:`~pgdatahub.load.dedup.decide` can tell.

        A reason exists for a file that is unchanged since it was loaded or found to be a duplicate: only a later
        version of the same file removes its content from the table.
        """
        if source.reload:
            return None
        if source.options.on_changed != "append" and (source.table, source.identity) in self.changed:
            return None
        for past in self.imports.get(source.table, {}).get(file_sha256, ()):
            if past.is_file(source.identity, file_sha256, source.fingerprint):
                return why_skipped(past, source, file_sha256)
        return None


def find_known(connection: Connection, history: History, files: Sequence[SourceFile]) -> KnownFiles:
    """Return the files that are loaded already, as far as their sizes and bytes tell."""
    replacing = {source.table for source in files if source.options.on_changed != "append"}
    return KnownFiles.of(imports_of_sizes(connection, history, files), changed_files(connection, history, replacing))
