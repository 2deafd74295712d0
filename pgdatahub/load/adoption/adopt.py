"""``run --adopt``: lost rows of the history, rebuilt from the files where the server proves them.

The adopter reads a file again and compares the file with the rows that name one import
(:mod:`pgdatahub.postgres.proofs.row_proof`). If they are equal, the adopter records the import as it was loaded: hashes,
settings and types from the file, the time from the rows. An import without proof stays unknown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError, HistoryDamagedError, PgDataHubError, SpoolError, TransientDatabaseError
from pgdatahub.load.adoption.provable_changes import provable_changes
from pgdatahub.load.adoption.restored_rules import rule_of_settings
from pgdatahub.load.known.known_files import KnownFiles
from pgdatahub.load.staging.file_hash import hash_once
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import Staged, Staging
from pgdatahub.model.events import Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRecord
from pgdatahub.model.schema import (
    SchemaPlan,
    TableName,
)
from pgdatahub.plugins.copy_rows import text_rows
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.file_queries import PartKey
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.keyed.both import companion_of
from pgdatahub.postgres.keyed.rows import trust_rows
from pgdatahub.postgres.keyed.rules import find_rule, store_rule
from pgdatahub.postgres.proofs.row_proof import difference
from pgdatahub.postgres.proofs.unknown_rows import RowGroup, UnknownRows
from pgdatahub.postgres.rows.import_rows import rows_with
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog, locks
from pgdatahub.readers.reading_rules import reading_version
from pgdatahub.system.retry import with_retries
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

NAMED: Final = 5
"""Maximum number of imports that a message names one by one."""


@dataclass(slots=True, kw_only=True)
class Adoption:
    """The result for one table.

    Attributes:
        table: The table.
        adopted: The imports that the history knows again.
        unproved: The imports without proof, with the reason.
    """

    table: TableName
    adopted: list[RowGroup] = field(default_factory=list)
    unproved: dict[RowGroup, str] = field(default_factory=dict)

    @property
    def messages(self) -> tuple[str, ...]:
        """The result in sentences; of the imports without proof, only the first few."""
        rows = sum(group.rows for group in self.adopted)
        lines = [
            f"{self.table}: the history knows {count(len(self.adopted), 'import')} with {count(rows, 'row')} again"
        ]
        for group, reason in list(self.unproved.items())[:NAMED]:
            lines.append(
                f"{self.table}: {count(group.rows, 'row')} of {group.source_file} ({group.load_timestamp:%Y-%m-%d %H:%M:%S} UTC) "
                f"{'is' if group.rows == 1 else 'are'} not adopted: {reason}"
            )
        if len(self.unproved) > NAMED:
            lines.append(f"{self.table}: {count(len(self.unproved) - NAMED, 'more import', 'is', 'are')} not adopted")
        return tuple(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopter:
    """Rebuilder of the history of tables.

    Attributes:
        stages: The plugins.
        config: The settings.
        reporter: Receives the number of rows read.
        history: The metadata tables.
        run_id: The id of the run in the history.
        database: The database.
        gave_way: Receives the errors after which a transaction is retried.
    """

    stages: Stages
    config: Config
    reporter: Reporter
    history: History
    run_id: str
    database: Database
    gave_way: Callable[[TransientDatabaseError], None]

    def adopt(self, unknown: UnknownRows, files: Sequence[SourceFile], known: KnownFiles) -> Adoption:
        """Record the imports of one table that files prove.

        Args:
            unknown: The rows.
            files: The files of the table.
            known: The files that the history knows.

        Raises:
            DatabaseError: The database is gone.
            SpoolError: The disk is full.
        """
        adoption = Adoption(table=unknown.table)
        adoption.unproved = dict.fromkeys(unknown.groups, "no file in the folder has these rows")
        for source in files:
            if not adoption.unproved:
                break
            with SpoolFile() as spool_file:
                self._adopt_file(source, known, adoption, spool_file)
        return adoption

    def _adopt_file(self, source: SourceFile, known: KnownFiles, adoption: Adoption, spool_file: SpoolFile) -> None:
        named = [group for group in adoption.unproved if group.file_name == source.name]
        try:
            hashed = hash_once(source)
            if known.has(replace(source, reload=False), hashed.sha256):
                return
            staging = Staging(
                source,
                self.stages,
                self.config,
                self.reporter,
                Spool(spool_file),
                file_sha256=hashed.sha256,
                version=hashed.version,
            )
            with closing(staging):
                parts = {part.source.table: part for part in staging.finish().parts}
        except (DatabaseError, SpoolError):
            raise
        except Exception as error:  # noqa: BLE001 - plugins raise anything, and one bad file must not end a run
            message = error.message if isinstance(error, PgDataHubError) else f"{type(error).__name__}: {error}"
            adoption.unproved |= dict.fromkeys(named, f"{source.identity}: {message}")
            return
        staged = parts.get(adoption.table)
        if staged is None:
            adoption.unproved |= dict.fromkeys(named, f"{source.identity} has no rows for this table")
            return
        for group in sorted(adoption.unproved, key=partial(_likeness, source), reverse=True):
            if group.rows != staged.rows:
                if group in named:
                    adoption.unproved[group] = f"{source.identity} has {count(staged.rows, 'row')}"
                continue
            reason = with_retries(partial(self._adopt_rows, staged, group), self.gave_way)
            if reason is None:
                del adoption.unproved[group]
                adoption.adopted.append(group)
                return
            if group in named:
                adoption.unproved[group] = f"{source.identity}: {reason}"

    def _adopt_rows(self, staged: Staged, group: RowGroup) -> str | None:
        """Record a file as the import that the rows name if the rows equal the file; else return the reason."""
        began = time.monotonic()
        source = staged.source
        with transaction(self.database.engine) as connection:
            locks.wait_for_turn(connection, locks.lock_key(source.table))
            locks.limit_lock_waits(connection)
            locks.lock_table(connection, source.table)
            current = catalog.reflect(connection, source.table)
            if current is None:
                return "the table is gone"
            if self.history.has_import(connection, source.table, group.source_file, group.load_timestamp):
                return None  # another run recorded the import first
            part = PartKey(table=source.table, content_sha256=staged.content_sha256)
            try:
                (facts,) = self.history.facts(connection, source, (part,), file_sha256=staged.file_sha256)
            except HistoryDamagedError as error:
                return str(error)
            keyed = source.options.rule is not None  # there a copy under another path has rows of its own
            for past in facts.related:
                if keyed and past.identity != source.identity:
                    continue
                if staged.content_sha256 == past.content_sha256 or staged.file_sha256 == past.file_sha256:
                    return f"the table has its rows a second time, by import {past.id}; delete one of them"
            reason = self._reason_against_key(staged)
            reason = reason or difference(connection, current, group, staged.observed, map(text_rows, staged.spool))
            if reason is not None:
                return reason
            self._adopt_rule(connection, staged)
            provenance = self.history.schema_changes.provenance(connection, source.table)
            changes = provable_changes(connection, current, staged.observed, provenance)
            record = ImportRecord(
                run_id=self.run_id,
                source=replace(source, location=group.source_file),
                sheets=staged.sheets,
                file_sha256=staged.file_sha256,
                content_sha256=staged.content_sha256,
                settings_fingerprint=source.fingerprint,
                imported_at=group.load_timestamp,
                seconds=staged.seconds + time.monotonic() - began,
                rows=group.rows,
                counts=staged.counts,
                observed=staged.observed,
                aside=staged.aside if staged.aside is not None else (),
                quarantined=staged.quarantined,
                layout=staged.layout,
                reading=reading_version(source.name),
                routing=staged.routing,
                tables=staged.tables,
                plan=SchemaPlan(table=source.table, changes=changes, result=current),
            )
            self.history.add(connection, record)
            self._trust_rows(connection, source.table, group)
        return None

    def _trust_rows(self, connection: Connection, table: TableName, group: RowGroup) -> None:
        """Record that the rows are as loads and replays wrote them, which the proof showed."""
        rule = find_rule(connection, self.history.schema, table)
        if rule is None:
            self.history.replays.trust(connection, table, group.source_file, group.load_timestamp, self.run_id)
        else:
            trust_rows(connection, self.history.schema, rule, rows_with(group.source_file, group.load_timestamp))

    def _reason_against_key(self, staged: Staged) -> str | None:
        """Return why the import of a file in a keyed table or a snapshot cannot be adopted."""
        rule = staged.source.options.rule
        if rule is None or rule.newest not in ("modified", "loaded"):
            return None
        return f"only the lost history had the order of the files (newest: {rule.newest}); reset and load them again"

    def _adopt_rule(self, connection: Connection, staged: Staged) -> None:
        """Put the rule of the settings in force for a table whose companion is still there."""
        source = staged.source
        rule = source.options.rule
        companion = companion_of(connection, source.table)
        if rule is None or companion is None:
            return
        names = tuple(column.name for column in staged.observed.columns)
        known = find_rule(connection, self.history.schema, source.table)
        if known is None:
            known = rule_of_settings(connection, source.table, rule, companion)
        store_rule(connection, self.history.schema, known.with_columns(names))


def _likeness(source: SourceFile, group: RowGroup) -> tuple[int, object]:
    """Return the rank of a match of rows and file: by path, by path below the root, by name; then the latest."""
    fits = (
        group.source_file == source.location,
        group.source_file.endswith("/" + source.identity),
        group.file_name == source.name,
    )
    return sum(fits), group.load_timestamp
