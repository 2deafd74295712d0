"""The tables of one file's parts within a transaction: their columns changed, and the rows brought in.

::

    reflect ─▶ evolve ─▶ load
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pgdatahub.config import Config
from pgdatahub.errors import SchemaError
from pgdatahub.load.descriptions import update_descriptions
from pgdatahub.load.evolve import Evolution, ProjectedTable, evolve
from pgdatahub.load.keys.key_settings import check_columns
from pgdatahub.load.keys.keyed import Merged, load_keyed
from pgdatahub.load.known.part_work import PartWork, in_lock_order
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.batches import ColumnBatch, Lineage
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import LoadResult
from pgdatahub.model.schema import RESERVED_COLUMNS, SchemaPlan, TableName
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres.history.file_queries import FileFacts, LockedTable
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.rows.import_rows import count_rows
from pgdatahub.postgres.tables import catalog, locks
from pgdatahub.postgres.tables.deferred_triggers import run_deferred_triggers
from pgdatahub.postgres.tables.view_definitions import put_up, take_down
from pgdatahub.postgres.tables.views import describe_recreated
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.keyed.rules import TableRule
    from pgdatahub.postgres.server.connection import Connection

ROWS_LEFT_OUT: Final = "rows left out by triggers"
"""Key of ``counts``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPart:
    """A part whose rows are in its table, with the changes of the table."""

    work: PartWork
    part: Staged
    evolution: Evolution
    loaded: LoadResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWriter:
    """Writer of tables in transactions that the caller begins and ends.

    Attributes:
        stages: The plugins.
        config: The settings.
        history: The metadata tables.
    """

    stages: Stages
    config: Config
    history: History

    def write(
        self,
        parts: Sequence[tuple[PartWork, Staged]],
        imported_at: datetime,
        connection: Connection,
        *,
        examine: Callable[[TableRule], None] | None = None,
    ) -> list[WrittenPart]:
        """Change the tables of parts, and bring their rows in.

        Args:
            parts: The facts about each part, and its rows.
            imported_at: The time of their import.
            connection: A connection in the transaction that has the turns of the tables.
            examine: Called for a keyed table or a snapshot when the rows are staged in the database.
        """
        locked = {
            one.table: self.reflect_locked(one.facts, one.source, connection)
            for one in in_lock_order(one for one, _ in parts)
        }
        evolutions = [self.evolve(part, locked[one.table], connection, one) for one, part in parts]
        # Views first: a reader of a view locks the view while it waits for the table.
        views = [take_down(connection, evolution.views) for evolution in evolutions]
        changing = {one.table for (one, _), evolution in zip(parts, evolutions, strict=True) if evolution.plan.changes}
        for one in in_lock_order(one for one, _ in parts):
            if locked[one.table] is not None and one.table in changing:
                locks.lock_table(connection, one.table, exclusively=True)
        written = []
        for (one, part), evolution, taken_down in zip(parts, evolutions, views, strict=True):
            if one.source.options.rule is None:
                loaded = self.copy(evolution.plan, part.spool, one.source, imported_at, connection, locked[one.table])
            else:
                merged = self.merge(
                    one, part, evolution, imported_at, connection, locked=locked[one.table], examine=examine
                )
                loaded = merged.result
                part = replace(part, counts={**part.counts, **merged.counts}, xid=merged.xid)
            evolution = self.described(evolution, part, connection)
            put_up(connection, taken_down, one.table)
            if evolution.views:
                evolution = replace(evolution, notices=(*evolution.notices, describe_recreated(evolution.views)))
            written.append(WrittenPart(work=one, part=part, evolution=evolution, loaded=loaded))
        return written

    def reflect_locked(
        self, facts: FileFacts, source: SourceFile, connection: Connection, *, wait: bool = True
    ) -> LockedTable | None:
        """Return the table's columns, if there is a table, locked against changes by other sessions."""
        # The second call refuses objects that are not tables, and sees a table that was created just now.
        if not facts.has_table and catalog.reflect(connection, source.table) is None:
            return None
        return self.history.lock_and_reflect(connection, source.table, wait=wait)

    def evolve(
        self, staged: Staged, locked: LockedTable | None, connection: Connection, work: PartWork | None = None
    ) -> Evolution:
        """Decide the changes of the table for a file."""
        rule = None if work is None or locked is None else work.facts.rule
        going = () if work is None or rule is None else work.decision.going
        evolution = evolve(
            staged,
            None if locked is None else locked.schema,
            connection,
            stages=self.stages,
            config=self.config,
            history=self.history,
            knows_others=locked is not None and locked.knows_others,
            projected=ProjectedTable(current=locked.schema, going=going) if locked is not None and going else None,
            rule=rule,
        )
        check_columns(staged, evolution, self.history, connection)
        return evolution

    def merge(
        self,
        work: PartWork,
        staged: Staged,
        evolution: Evolution,
        imported_at: datetime,
        connection: Connection,
        *,
        locked: LockedTable | None,
        examine: Callable[[TableRule], None] | None = None,
    ) -> Merged:
        """Load a part into its keyed table or snapshot."""
        return load_keyed(
            connection,
            staged,
            evolution,
            stored=work.facts.rule,
            going=work.decision.going if work.facts.rule is not None else (),
            imported_at=imported_at,
            stages=self.stages,
            config=self.config,
            history=self.history,
            triggered=locked is not None and locked.triggered,
            examine=examine,
        )

    def described(self, evolution: Evolution, staged: Staged, connection: Connection) -> Evolution:
        """Keep the descriptions of the settings in the comments of existing columns; return the decision with notices."""
        notices = update_descriptions(connection, self.history, evolution.stored, staged.observed)
        return replace(evolution, notices=(*evolution.notices, *notices)) if notices else evolution

    def copy(
        self,
        plan: SchemaPlan,
        batches: Iterable[ColumnBatch],
        source: SourceFile,
        imported_at: datetime,
        connection: Connection,
        locked: LockedTable | None,
    ) -> LoadResult:
        """Change the table as planned and copy the rows; return the number of those that are in the table afterwards.

        The server counts the rows that it takes, also those that an AFTER trigger deletes again, and not those that a
        BEFORE trigger inserts into a child table. So the rows are counted in a table with such a trigger; before the load
        too, since rows of a replay join those of their import.

        Raises:
            SchemaError: A trigger changes the columns by which the rows of an import are found.
        """
        lineage = Lineage(source_file=source.location, load_timestamp=imported_at)
        rows = (replace(batch, lineage=lineage) for batch in batches)
        triggered = locked is not None and locked.triggered
        changing = catalog.row_triggers(connection, source.table) if triggered else ()
        after = catalog.after_triggers(connection, source.table) if triggered else ()
        if not changing and not after:
            return self.stages.load(plan, rows, connection, self.config)
        before = 0
        if locked is not None and locked.schema.by_name.keys() >= set(RESERVED_COLUMNS):
            before = count_rows(connection, source.table, source.location, imported_at)
        loaded = self.stages.load(plan, rows, connection, self.config)
        run_deferred_triggers(connection, source.table)
        left = count_rows(connection, source.table, source.location, imported_at) - before
        if left < loaded.rows and not after:
            raise _strayed(source.table, loaded.rows - left, changing)
        return replace(loaded, rows=left)


def rows_left_out(staged: Staged, loaded: LoadResult, connection: Connection) -> tuple[Staged, tuple[str, ...]]:
    """Return a file with the number of rows that the table did not take in its counts, and a notice about them."""
    missing = staged.rows - loaded.rows
    if not missing:
        return staged, ()
    table, keyed = staged.source.table, staged.source.options.rule is not None
    triggers = (*catalog.row_triggers(connection, table), *catalog.after_triggers(connection, table, updates=keyed))
    names = ", ".join(triggers) or "a trigger or a plugin"
    if missing < 0:
        return staged, (
            f"the table itself added {count(-missing, 'row')} to the {staged.rows:,} of the file ({names})",
        )
    notice = f"the table itself left out {missing:,} of {count(staged.rows, 'row')} ({names})"
    return replace(staged, counts={**staged.counts, ROWS_LEFT_OUT: missing}), (notice,)


def _strayed(table: TableName, rows: int, triggers: Sequence[str]) -> SchemaError:
    """Return the error for rows that a trigger gave another ``source_file`` or ``load_timestamp``."""
    return SchemaError(
        f"a trigger changes source_file or load_timestamp of {count(rows, 'row')} ({', '.join(triggers)}), so that no undo finds them",
        where=f"table {table}",
        hint="have the trigger leave these two columns as they are, or drop it",
    )
