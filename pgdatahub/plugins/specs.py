"""The six stages as hooks: what a plugin can implement.

One rule for the hooks marked *first result*: return ``None`` to decline, a value to take over, or be a wrapper
(``@hookimpl(wrapper=True)``) to adjust another's answer. A generator function can never decline, so such a hook must be a
plain function. The built-in implementations are ``trylast`` and therefore asked after everyone else's. A hook may name
fewer parameters than its specification, never others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from pgdatahub.config import Config
    from pgdatahub.model.flow import (
        Batch,
        EncodedBatch,
        ImportRecord,
        LoadResult,
        NormalizedBatch,
        SourceFile,
        Table,
        Workbook,
    )
    from pgdatahub.model.schema import SchemaPlan, TableSchema

PROJECT = "pgdatahub"
"""The name that pluggy and the entry-point group go by."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def pgdatahub_discover(config: Config) -> Iterable[SourceFile]:  # type: ignore[empty-body]  # a specification
    """Find the files there are. Called once a run; everyone's answers are chained.

    Files that are no candidates (lock files, hidden files …) may be given too, with ``ignored`` saying why, so that they
    are counted.
    """


@hookspec(firstresult=True)
def pgdatahub_read(source: SourceFile, config: Config) -> Workbook | None:
    """Open a file. Called once for each file, first result.

    Raises:
        ReadError: The file is of a kind that this reader takes, and cannot be read.
    """


@hookspec(firstresult=True)
def pgdatahub_normalize(batch: Batch, table: Table, source: SourceFile, config: Config) -> NormalizedBatch | None:
    """Give the columns of a batch their names and turn cells into COPY text. Called for each batch, first result.

    Raises:
        CellError: A cell cannot be loaded under the folder's policies.
    """


@hookspec(firstresult=True)
def pgdatahub_evolve(
    observed: TableSchema, current: TableSchema | None, source: SourceFile, config: Config
) -> SchemaPlan | None:
    """Decide how the table changes for a file. Pure; called once for each file and table, first result.

    Args:
        observed: What the file needs.
        current: What the database has, None if there is no such table. A type stands there as the lattice element that
            its values allow: an all-NULL column of ours is UNDECIDED, a ``bigint`` within 2^53 is BIGINT.
        source: The file; its folder's options hold the contract (``new_columns``, ``types``).
        config: The settings.

    Raises:
        SchemaError: The table cannot take the file.
    """


@hookspec(firstresult=True)
def pgdatahub_load(
    plan: SchemaPlan, batches: Iterable[EncodedBatch], connection: Connection, config: Config
) -> LoadResult | None:
    """Change the table as planned and copy the rows, in the transaction that ``connection`` is in. First result.

    ``batches`` come with ``source_file`` and ``load_timestamp`` filled in and in the form that the planned types need.
    Those of a large file may still be on their way out of the workbook: what the plan knows of its columns is then what was
    seen so far. If taking the next batch raises something, let it pass; all is rolled back, and the hook may be called anew.
    """


@hookspec
def pgdatahub_audit(record: ImportRecord, connection: Connection, config: Config) -> Callable[[], None] | None:
    """Keep a record of an import. Called once for each import, inside its transaction; everyone is called.

    What is returned is called after COMMIT (a webhook belongs there); a failure of that is a warning.
    """
