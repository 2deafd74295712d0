"""Hook specifications of the six stages, and of a run's end.

Hooks marked *first result* return ``None`` to decline or a value to take over; a wrapper (``@hookimpl(wrapper=True)``) can
adjust the value of another plugin. A generator function cannot decline, so such a hook must be a plain function. The built-in
implementations are ``trylast``, so pluggy calls them after all others. A hook may leave out parameters of its specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from pgdatahub.config import Config
    from pgdatahub.model.batches import EncodedBatch, NormalizedBatch, Table
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.imports import ImportRecord
    from pgdatahub.model.results import LoadResult, RunReport
    from pgdatahub.model.schema import SchemaPlan, TableSchema
    from pgdatahub.model.workbooks import Batch, Workbook

PROJECT = "pgdatahub"
"""The name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pgdatahub_discover(config: Config) -> Iterable[SourceFile]:  # type: ignore[empty-body]  # a specification
    """Find the files. Called once a run; the results of all plugins are chained.

    The result may include files to ignore (lock files, hidden files …), with the reason in ``ignored``, so that the run counts
    them.
    """


@hookspec(firstresult=True)
def pgdatahub_read(source: SourceFile, config: Config) -> Workbook | None:
    """Open a file. Called once for each file, first result.

    Raises:
        ReadError: The reader handles this kind of file, and the file cannot be read.
    """


@hookspec(firstresult=True)
def pgdatahub_normalize(batch: Batch, table: Table, source: SourceFile, config: Config) -> NormalizedBatch | None:
    """Name the columns of a batch and convert its cells to COPY text. Called for each batch, first result.

    Raises:
        CellError: A cell cannot be loaded under the folder's policies.
    """


@hookspec(firstresult=True)
def pgdatahub_evolve(
    observed: TableSchema, current: TableSchema | None, source: SourceFile, config: Config
) -> SchemaPlan | None:
    """Plan the changes of a table for a file. Pure; called once for each file and table, first result.

    Args:
        observed: The columns that the file needs.
        current: The table in the database, None if it does not exist. Types are as narrow as the stored values allow: an
            all-NULL column that pgdatahub created is UNDECIDED, a ``bigint`` within 2^53 is BIGINT.
        source: The file; its folder's options hold the contract (``new_columns``, ``types``).
        config: The settings.

    Raises:
        SchemaError: The table cannot hold the file.
    """


@hookspec(firstresult=True)
def pgdatahub_load(
    plan: SchemaPlan, batches: Iterable[EncodedBatch], connection: Connection, config: Config
) -> LoadResult | None:
    """Change the table as planned and copy the rows, in the transaction of ``connection``. First result.

    ``batches`` include ``source_file`` and ``load_timestamp``, in the form that the planned types need. Batches of a large file
    can still be unread: the plan then covers the columns seen so far. Do not catch exceptions from taking the next batch; the
    transaction is rolled back, and the hook can be called again.
    """


@hookspec
def pgdatahub_audit(record: ImportRecord, connection: Connection, config: Config) -> Callable[[], None] | None:
    """Record an import. Called once for each import, inside its transaction, in all plugins.

    The returned function is called after COMMIT (for a webhook, for example); its failure is a warning.
    """


@hookspec
def pgdatahub_finished(report: RunReport, config: Config) -> None:
    """Receive the report of a run at its end, in all plugins: also with failed files, and without a database.

    Called once a run, in the process of the run, after its last transaction and before the report is printed; also after a dry
    run (``report.dry``). The run waits for the hook, so limit its time; its failure is a warning.
    """
