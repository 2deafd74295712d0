"""The files that are loaded already, by their bytes, according to the history when a run begins.

:class:`KnownFiles` decides only where nothing that the run does can change the decision; :mod:`pgdatahub.load.known.dedup`
takes all other decisions under the tables' locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgdatahub.load.known.dedup_facts import related_imports
from pgdatahub.load.known.skip_reasons import why_skipped
from pgdatahub.load.results import of_file, skipped_part
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_rows import changed_files, imports_of_sizes

if TYPE_CHECKING:
    from pgdatahub.config.options import SheetEntry
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFiles:
    """The files that are loaded already, according to the history when a run begins.

    Attributes:
        imports: Table → SHA-256 of the bytes → the imports with these bytes, their own or a duplicate's.
        sizes: Table → the sizes of these files.
        changed: Table and identity of each file with several contents in its table.
        everywhere: SHA-256 of the bytes → the imports with these bytes in all tables.
    """

    imports: Mapping[TableName, Mapping[str, Sequence[ImportRow]]] = field(default_factory=dict)
    sizes: Mapping[TableName, Collection[int]] = field(default_factory=dict)
    changed: Collection[tuple[TableName, str]] = ()
    everywhere: Mapping[str, Sequence[ImportRow]] = field(default_factory=dict)

    @classmethod
    def of(cls, imports: Iterable[ImportRow], changed: Collection[tuple[TableName, str]]) -> KnownFiles:
        """Return the files of these imports."""
        by_table: dict[TableName, dict[str, list[ImportRow]]] = {}
        sizes: dict[TableName, set[int]] = {}
        everywhere: dict[str, list[ImportRow]] = {}
        for past in imports:
            by_hash = by_table.setdefault(past.table, {})
            for file_sha256 in {past.file_sha256, *(one.file_sha256 for one in past.duplicates)}:
                by_hash.setdefault(file_sha256, []).append(past)
                everywhere.setdefault(file_sha256, []).append(past)
            sizes.setdefault(past.table, set()).update((past.bytes, *(one.bytes for one in past.duplicates)))
        return cls(imports=by_table, sizes=sizes, changed=changed, everywhere=everywhere)

    def may_know(self, source: SourceFile) -> bool:
        """Return whether the file has the size of a known file, so that hashing the file pays."""
        if source.options.is_routed:
            return not source.reload and any(source.size in sizes for sizes in self.sizes.values())
        return not source.reload and source.size in self.sizes.get(source.table, ())

    def has(self, source: SourceFile, file_sha256: str) -> bool:
        """Return whether these bytes are loaded or on hold, under any name."""
        found = self.imports.get(source.table, {}).get(file_sha256, ())
        found = related_imports(source, found)
        return not source.reload and any(
            past.has_bytes(source.identity, file_sha256, source.fingerprint, source.path_key) for past in found
        )

    def own_imports(self, source: SourceFile, file_sha256: str) -> list[ImportRow]:
        """Return the loaded imports of exactly this file."""
        if source.options.is_routed:
            found = self.everywhere.get(file_sha256, ())
        else:
            found = self.imports.get(source.table, {}).get(file_sha256, ())
        return [
            past
            for past in found
            if past.identity == source.identity and past.file_sha256 == file_sha256 and past.status == Status.LOADED
        ]

    def counted(self, source: SourceFile, file_sha256: str) -> list[ImportRow]:
        """Return the imports, in all tables, that cover a file which can have several tables."""
        return [
            past
            for past in self.everywhere.get(file_sha256, ())
            if past.is_file(source.identity, file_sha256, past.settings)
        ]

    def skip(self, source: SourceFile, file_sha256: str) -> str | None:
        """Return the reason to skip a file without a further query; None if only :func:`~pgdatahub.load.known.dedup.decide` can tell.

        A reason exists for a file that is unchanged since it was loaded or found to be a duplicate: only a later
        version of the same file removes its content from the table.
        """
        if source.reload:
            return None
        if source.options.is_routed:
            return self._skip_routed(source, file_sha256)
        if source.options.on_changed != "append" and (source.table, source.identity) in self.changed:
            return None
        for past in related_imports(source, self.imports.get(source.table, {}).get(file_sha256, ())):
            if past.is_file(source.identity, file_sha256, source.fingerprint):
                return why_skipped(past, source, file_sha256)
        return None

    def _skip_routed(self, source: SourceFile, file_sha256: str) -> str | None:
        """Return the reason to skip a file if its imports under the present settings are in all its tables."""
        found = [past for past in self.counted(source, file_sha256) if past.routing == source.routing]
        tables = {past.table for past in found}
        needed = {table for past in found for table in past.all_tables}
        if source.only_tables:
            needed = {table for table in needed if not source.only_tables.isdisjoint((table.name, str(table)))}
        if not found or not needed <= tables:
            return None
        if any((table, source.identity) in self.changed for table in needed):
            return None  # only the options of the sheets tell whether older rows give way
        past = found[0]
        return why_skipped(past, replace(source, settings=past.settings), file_sha256)


def find_known(connection: Connection, history: History, files: Sequence[SourceFile]) -> KnownFiles:
    """Return the files that are loaded already, as far as their sizes and bytes tell."""
    replacing: set[TableName] | None = {source.table for source in files if source.options.on_changed != "append"}
    if any(entry.options.on_changed != "append" for source in files for entry in _entries(source)):
        replacing = None  # the tables of such a file are known when it is open
    return KnownFiles.of(imports_of_sizes(connection, history, files), changed_files(connection, history, replacing))


def skip_routed(source: SourceFile, file_sha256: str, known: KnownFiles) -> tuple[SourceFile, FileResult | None]:
    """Skip a file that can have several tables if all its parts are loaded.

    Returns:
        The file with the tables whose parts need no reading; and its result, None if it has to be opened.
    """
    found = known.counted(source, file_sha256)
    source = replace(source, loaded_in=frozenset(past.table for past in found))
    reason = known.skip(source, file_sha256)
    if reason is None:
        return source, None
    return source, of_file(source, [skipped_part(table, reason) for table in sorted(source.loaded_in)])


def _entries(source: SourceFile) -> Iterator[SheetEntry]:
    return (entry for rule in source.options.rules for entry in rule.entries)
