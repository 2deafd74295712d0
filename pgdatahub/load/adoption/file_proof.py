"""Proof that the rows of an import are those of its file: the file is read again, and the server compares them.

The proof does not depend on the order of the rows. It needs the file with the bytes and the settings of the import.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgdatahub.config import Config
from pgdatahub.errors import FileError, PgDataHubError
from pgdatahub.load.known.import_source import source_of
from pgdatahub.load.staging.file_hash import file_version, hash_file
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import stage
from pgdatahub.model.events import NullReporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableSchema
from pgdatahub.plugins.copy_rows import text_rows
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.proofs.row_proof import difference
from pgdatahub.postgres.proofs.unknown_rows import RowGroup
from pgdatahub.readers.reading_rules import may_read_differently
from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


_OTHER_SETTINGS: Final = "its folder has other settings now"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProof:
    """Result of a comparison with the file.

    Attributes:
        compared: The file could be compared.
        reason: The difference, or the reason why there was no comparison; None if rows and file are equal.
        other_hash: The file's content hash is not that of the history, which a user changed.
    """

    compared: bool
    reason: str | None
    other_hash: bool = False


def compare_with_file(
    connection: Connection, past: ImportRow, current: TableSchema, stages: Stages, config: Config
) -> FileProof:
    """Compare the rows of an import with its file.

    Args:
        connection: A connection in a transaction that may write a temporary table.
        past: The import.
        current: The table's columns.
        stages: The plugins.
        config: The settings.
    """
    try:
        source = _same_file(past, config)
        if isinstance(source, str):
            return FileProof(compared=False, reason=source)
        group = RowGroup(source_file=past.source_file, load_timestamp=past.imported_at, rows=past.row_count)
        with SpoolFile() as spool_file:
            staged = stage(
                source,
                stages,
                config,
                NullReporter(),
                Spool(spool_file),
                file_sha256=past.file_sha256,
                version=file_version(source),
            )
            part = next((part for part in staged.parts if part.source.table == past.table), None)
            if part is None:
                return FileProof(compared=False, reason="its file has no sheet for this table now")
            if part.source.fingerprint != past.latest_settings:
                return FileProof(compared=False, reason=_OTHER_SETTINGS)
            reason = difference(connection, current, group, part.observed, map(text_rows, part.spool))
            if reason is not None and past.replays:
                # The rows of the load keep the meaning that they had under its settings.
                return FileProof(compared=False, reason="rows from the quarantine were loaded under other settings")
            other_hash = reason is None and part.content_sha256 != past.content_sha256
            return FileProof(compared=True, reason=reason, other_hash=other_hash)
    except FileError as error:
        return FileProof(compared=False, reason=f"the file cannot be read again: {error.message}")
    except PgDataHubError:
        raise
    except Exception as error:  # noqa: BLE001 - plugins raise anything, and one file must not end a verification
        return FileProof(compared=False, reason=f"the file cannot be read again: {type(error).__name__}: {error}")


def _same_file(past: ImportRow, config: Config) -> SourceFile | str:
    """Return the file of an import, with the same bytes and settings; else the reason why it cannot be compared."""
    found = False
    for source in _places(past, config):
        try:
            if hash_file(source) != past.file_sha256:
                found = True
                continue
        except FileError:
            continue
        if not source.options.is_routed and source.fingerprint != past.latest_settings:
            return _OTHER_SETTINGS
        if may_read_differently(source.identity, past.reading, source.open):
            return "older rules read the file"
        return source
    return "the file changed since" if found else "the file is gone"


def _places(past: ImportRow, config: Config) -> Iterator[SourceFile]:
    """Yield the places where the bytes of an import may be: its file then and now, and its duplicates."""
    files = [(past.source_file, past.identity)]
    if not is_url(config.data_root):
        files.append((str(config.root_path / past.identity), past.identity))
    files += [(one.source_file, one.identity) for one in past.duplicates if one.file_sha256 == past.file_sha256]
    for location, identity in dict.fromkeys(files):
        yield source_of(past, config, location=location, identity=identity)
