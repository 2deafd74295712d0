"""The files of one table, taken through their decisions in order without a row being written.

Each file finds the table as those before it would have left it: its columns, its values' place in the lattice, and what
would have been loaded by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import FileError
from pgdatahub.load.dedup import Standing, standing
from pgdatahub.load.evolve import Ahead, Evolution, evolve
from pgdatahub.load.staging import Staged
from pgdatahub.model.flow import SourceFile
from pgdatahub.model.imports import PastImport
from pgdatahub.model.schema import SchemaPlan, TableName, TableSchema
from pgdatahub.plugins.manager import Stages
from pgdatahub.postgres import catalog
from pgdatahub.postgres.history import History
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    from pgdatahub.postgres.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """What a run would do with a file.

    Attributes:
        source: The file.
        staged: What was read of it, if it was.
        skip: Why it would be skipped.
        error: Why it would fail.
        plan: What it would change; None where it is not loaded.
        notices: What a person should know.
    """

    source: SourceFile
    staged: Staged | None = None
    skip: str | None = None
    error: FileError | None = None
    plan: SchemaPlan | None = None
    notices: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class TableSimulation:
    """A table that files are loaded into, as far as it can be known beforehand.

    Attributes:
        table: The table.
        stages: The plugins.
        config: The settings.
        connection: In a transaction that may be read-only; None where no database is asked, which is like an empty one.
        history: The metadata tables; None where there are none yet.
        stored: Its columns in the database.
        current: Its columns after the files so far.
    """

    table: TableName
    stages: Stages
    config: Config
    connection: Connection | None
    history: History | None
    stored: TableSchema | None = None
    current: TableSchema | None = None
    _settled: set[str] = field(default_factory=set)
    _going: list[PastImport] = field(default_factory=list)
    _loaded: dict[str, SourceFile] = field(default_factory=dict)

    def begin(self) -> None:
        """Look at the table.

        Raises:
            FileError: Something else has its name.
        """
        if self.connection is not None:
            self.stored = self.current = catalog.reflect(self.connection, self.table)

    def foretell(self, staged: Staged) -> Foretold:
        """Return what would become of a file, and take it as done."""
        source = staged.source
        try:
            stands = self._standing(staged)
            if stands.skip is not None:
                return Foretold(source=source, staged=staged, skip=stands.skip)
            evolution = self._evolve(staged, [*self._going, *stands.replaced])
        except FileError as error:
            return Foretold(source=source, staged=staged, error=error)
        self._going += stands.replaced
        self._loaded |= dict.fromkeys((staged.file_sha256, staged.content_sha256), source)
        self._settle(staged, evolution.plan.result)
        notices = (*staged.notices, *evolution.notices, *([stands.notice] if stands.notice else ()))
        return Foretold(source=source, staged=staged, plan=evolution.plan, notices=notices)

    def _standing(self, staged: Staged) -> Standing:
        for sha256, same in (
            (staged.file_sha256, "is the same file as"),
            (staged.content_sha256, "has the same content as"),
        ):
            other = self._loaded.get(sha256)
            if other is not None:
                return Standing(skip=f"{same} {other.identity}")
        if self.connection is None or self.history is None:
            return Standing()
        facts = self.history.facts(
            self.connection,
            staged.source,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
        )
        return standing(
            facts.related,
            staged.source,
            file_sha256=staged.file_sha256,
            content_sha256=staged.content_sha256,
            run_id="",
        )

    def _evolve(self, staged: Staged, going: Iterable[PastImport]) -> Evolution:
        if self.connection is None:
            plan = self.stages.evolve(staged.observed, self.current, staged.source, self.config)
            return Evolution(plan=plan, observed=staged.observed, stored=self.stored, current=self.current)
        ahead = Ahead(current=self.current, settled=frozenset(self._settled), going=tuple(going))
        return evolve(
            staged,
            self.stored,
            self.connection,
            stages=self.stages,
            config=self.config,
            history=self.history,
            ahead=ahead,
        )

    def _settle(self, staged: Staged, result: TableSchema) -> None:
        """Take the table for what the file would leave."""
        self.current = result
        known = self.stored.by_name if self.stored is not None else {}
        for column in result.columns:
            observed = staged.observed.by_name.get(column.name)
            stored = known.get(column.name)
            # The values of a stored column may tell more than its type, as long as no file changes the type or puts
            # text where there may be none yet.
            if (
                stored is None
                or stored.type.sql != column.type.sql
                or (observed is not None and observed.type is SqlType.TEXT)
            ):
                self._settled.add(column.name)
