"""A large file that is loaded while it is being read.

The transaction begins when the file's first rows are there, and checks at the end whether all decisions for these rows
hold for the whole file. It takes only simple cases: a new table, or a table that needs no change and loses no rows. It
detects other cases (:class:`NeedsFullReadError`) and leaves them to the staged path, in a transaction of its own; so
neither path has to repair what it began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pgdatahub.load.evolve import Evolution, confirmed_plan
from pgdatahub.load.results import of_file
from pgdatahub.load.staging.staged_file import Staged, Staging
from pgdatahub.load.table_fit import describe_fit
from pgdatahub.load.transaction import Loaded, Loading
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.model.schema import OpaqueType, SchemaPlan, TableSchema
from pgdatahub.postgres.history.recent_columns import recent_columns
from pgdatahub.postgres.tables import locks
from pgdatahub.system import failpoints

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


class NeedsFullReadError(Exception):
    """Signal that the file must be read to its end before it can be decided on; its beginning is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingWhileReading:
    """Loader of files whose beginning was read.

    Attributes:
        loading: The steps within a transaction.
    """

    loading: Loading

    def load(self, staging: Staging, connection: Connection) -> Loaded:
        """Load a file whose beginning was read; read and stage the rest here.

        The transaction holds the table's lock until then, so no worker of this run may need that lock. If another
        session has a lock already, this method does not wait for it: reading goes on meanwhile.

        Raises:
            NeedsFullReadError: The file has to be read to its end first; the staged path reports its errors, if any.
                The caller may also take the staged path after any other error.
        """
        source, loading = staging.source, self.loading
        tables = loading.tables
        if not locks.take_turn(connection, locks.lock_key(source.table)):
            raise NeedsFullReadError
        locks.limit_lock_waits(connection)
        failpoints.reach("locked")
        beginning = staging.so_far()
        facts = loading.decisions.facts(source, (beginning,), connection, whole=False)
        (found,) = loading.decisions.decide((beginning,), facts, whole=False)
        if not found.only_adds or facts[0].rule is not None or source.options.rule is not None:
            raise NeedsFullReadError
        # No other import of the table gets a time before this one is committed, however long that takes.
        imported_at = facts[0].moment
        locked = tables.reflect_locked(facts[0], source, connection, wait=False)
        current = locked.schema if locked is not None else None
        if current is not None and any(isinstance(column.type, OpaqueType) for column in current.columns):
            raise NeedsFullReadError  # such a column needs a query about each value before the load
        evolution = tables.evolve(beginning, locked, connection)
        if current is not None and evolution.plan.changes:
            raise NeedsFullReadError
        if any(isinstance(column.type, OpaqueType) for column in evolution.plan.result.columns):
            raise NeedsFullReadError  # the settings create such a column, whose values are checked before
        batches = self._borne_out(staging, evolution)
        loaded = tables.copy(evolution.plan, batches, source, imported_at, connection, locked)
        whole = staging.finish()
        (staged,) = whole.parts
        facts = loading.decisions.facts(source, (staged,), connection)
        (found,) = loading.decisions.decide((staged,), facts)
        if not found.only_adds:
            raise NeedsFullReadError
        evolution = replace(evolution, plan=self._confirm(evolution, staged))
        if current is not None:
            # A column that the beginning lacks may have its first value later.
            earlier = partial(recent_columns, connection, current.table, loading.history)
            early = describe_fit(beginning.observed, current, earlier)
            notices = [notice for notice in evolution.notices if notice not in early]
            evolution = replace(evolution, notices=(*notices, *describe_fit(staged.observed, current, earlier)))
        staged = replace(staged, seconds=staging.seconds)
        evolution = tables.described(evolution, staged, connection)
        result, callbacks = loading.record(staged, found, evolution, loaded, imported_at, connection)
        of_whole = of_file(source, (result,), sheets_left_out=staged.sheets_left_out)
        return replace(of_whole, unknown_keys=whole.unknown_keys), callbacks

    def _borne_out(self, staging: Staging, beginning: Evolution) -> Iterator[ColumnBatch]:
        """Yield the batches of a file as they are read, while the plan for its beginning is right."""
        yield from staging.spool
        shape = _shape(beginning.observed)
        readings = staging.readings
        staging.stop_at_fault()
        try:
            for batch in staging:
                if staging.readings != readings:
                    raise NeedsFullReadError  # the rows that the server has are not those of the file
                seen = _shape(staging.observed)
                if seen != shape:
                    self._confirm(beginning, staging.so_far())
                    shape = seen
                yield batch
        except Exception as error:
            # The server logs the error that ended a COPY, and the log must not contain cells.
            raise NeedsFullReadError from error

    def _confirm(self, beginning: Evolution, staged: Staged) -> SchemaPlan:
        plan = confirmed_plan(beginning, staged, stages=self.loading.stages, config=self.loading.config)
        if plan is None:
            raise NeedsFullReadError
        return plan


def _shape(observed: TableSchema) -> list[tuple[object, ...]]:
    """Return the facts of observed columns that determine a table; the number of values is not among them."""
    return [(column.name, column.type, column.header) for column in observed.columns]
