"""Imports that an older version of the reading rules read.

Their content hashes cover the values as they were read then. So such an import is found by the name and the bytes of
its file, and by content only after its file was read again. If that is not possible, a file that may have the same
content is skipped with a notice instead of loaded a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.load.known.import_source import source_of
from pgdatahub.load.known.skip_reasons import named
from pgdatahub.load.staging.file_hash import file_version, hash_file
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import Staged, StagedFile, stage
from pgdatahub.model.events import NullReporter
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.older_rows import older_readings
from pgdatahub.readers.reading_rules import READING_VERSIONS, may_read_differently, reading_version

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

NAMED: Final = 3
"""Maximum number of files of a table that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderReadings:
    """Comparison of files with imports that older rules read.

    Attributes:
        stages: The plugins.
        config: The settings.
        history: The metadata tables.
        contents: Content hashes of files that were read again, by the id of their import; None if the reading failed.
    """

    stages: Stages
    config: Config
    history: History
    contents: dict[int, str | None] = field(default_factory=dict)

    def reason_to_skip(self, connection: Connection, staged: StagedFile) -> str | None:
        """Return the reason not to load a file beside imports that older rules read; None if there is none.

        A reason for a file is one for each of its parts.

        Args:
            connection: A connection in a transaction, which may be read-only.
            staged: The file.
        """
        reasons = [self._reason(connection, part) for part in staged.parts]
        return reasons[0] if all(reasons) else None

    def _reason(self, connection: Connection, staged: Staged) -> str | None:
        source = staged.source
        columns = {column.name for column in staged.observed.columns}
        for past, names in older_readings(
            connection,
            self.history,
            source.table,
            READING_VERSIONS,
            rows=staged.rows,
            content_sha256=staged.content_sha256,
        ):
            own = past.identity == source.identity
            if names != columns or (own and source.options.on_changed != "append"):
                continue  # a file whose rows are replaced, or that fails, is not loaded twice
            if not self._may_be(past, source):
                continue
            content = None if own else self._content_now(past)
            if content is None:
                text = (
                    f"may have the same content as {named(past)}, which was read by older rules and cannot be read again "
                    "to compare; run --reload FILE loads this file"
                )
                return FileNotice(text, "with the content, perhaps, of a file that cannot be read again")
            if content == staged.content_sha256:
                text = (
                    f"has the same content as {named(past)}, which was read by older rules; "
                    f"run --reload {past.identity} loads that again"
                )
                return FileNotice(text, "with the content of another file that was read by older rules")
        return None

    def _may_be(self, past: ImportRow, source: SourceFile) -> bool:
        """Return whether the old and the new hash of one content may differ.

        If the new file reads the same by the old rules, its hash is the one that the import would have.
        """
        if PurePosixPath(past.identity).suffix.lower() == source.suffix:
            return may_read_differently(source.name, past.reading, source.open)
        return may_read_differently(past.identity, past.reading, source_of(past, self.config).open)

    def _content_now(self, past: ImportRow) -> str | None:
        """Return the content hash of an import's file by today's rules; None if the file is gone or has changed."""
        if past.id not in self.contents:
            self.contents[past.id] = self._read_again(past)
        return self.contents[past.id]

    def _read_again(self, past: ImportRow) -> str | None:
        source = source_of(past, self.config)
        try:
            version = file_version(source)
            if hash_file(source) != past.file_sha256:
                return None
            with SpoolFile() as forgotten:
                staged = stage(
                    source,
                    self.stages,
                    self.config,
                    NullReporter(),
                    Spool(forgotten),
                    file_sha256=past.file_sha256,
                    version=version,
                )
        except FileError:
            return None
        return next(
            (
                part.content_sha256
                for part in staged.parts
                if part.source.table == past.table and part.source.fingerprint == past.settings
            ),
            None,
        )


def read_differently(imports: Iterable[tuple[SourceFile, ImportRow]]) -> tuple[list[ImportRow], list[ImportRow]]:
    """Divide the imports of unchanged files that older rules read.

    Returns:
        The imports whose file may read differently now, and the imports whose file reads as before.
    """
    differing: list[ImportRow] = []
    alike: list[ImportRow] = []
    for source, past in imports:
        if past.reading < reading_version(past.identity):
            (differing if may_read_differently(past.identity, past.reading, source.open) else alike).append(past)
    return differing, alike


def describe(names: Mapping[TableName, tuple[int, list[str]]]) -> tuple[str, ...]:
    """Return a message for each table with imports that may read differently.

    Args:
        names: Table → the number of imports, and the first names.
    """
    lines = []
    for table, (count, first) in sorted(names.items()):
        more = f" and {count - len(first):,} more" if count > len(first) else ""
        files = "1 file was" if count == 1 else f"{count:,} files were"
        lines.append(
            f"{table}: {files} read by older rules and may have other values now: {', '.join(first)}{more}; "
            "run --reload FILE loads a file again in place of its rows"
        )
    return tuple(lines)


def by_table(imports: Iterable[ImportRow]) -> dict[TableName, tuple[int, list[str]]]:
    """Return for each table the number of imports and the first names."""
    found: dict[TableName, list[str]] = defaultdict(list)
    for past in imports:
        found[past.table].append(past.identity)
    return {table: (len(files), files[:NAMED]) for table, files in found.items()}
