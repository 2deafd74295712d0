"""The files that a run has committed, also those of workers that died."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgdatahub.load.known.retried_queries import RetriedQueries
from pgdatahub.load.results import of_imports
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import FileResult
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.part_rows import imports_elsewhere
from pgdatahub.postgres.tables import locks

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedFiles:
    """The files that a run has committed.

    Attributes:
        queries: The target database.
        history: The metadata tables.
        run_id: The id of the run in the history.
    """

    queries: RetriedQueries
    history: History
    run_id: str

    def look_up(self, source: SourceFile) -> FileResult | None:
        """Return the result of a file that this run committed before its worker died; else None."""
        if self.queries.database is None:
            return None
        routed = source.options.is_routed

        def query(connection: Connection) -> list[ImportRow]:
            # The worker's transaction holds the lock until the server has committed it or rolled it back.
            key = locks.lock_key(source.table)
            if routed:
                key = locks.file_lock_key(self.history.schema, source.identity)
            locks.wait_for_turn(connection, key)
            if routed:
                return imports_elsewhere(connection, self.history, source, ())
            return self.history.of_identity(connection, source.table, source.identity)

        imports: list[ImportRow] = self.queries.ask(query, [], read_only=False)
        return of_imports(source, [past for past in imports if past.run_id == self.run_id])

    def confirm(self, results: Sequence[FileResult], sources: Iterable[SourceFile]) -> list[FileResult]:
        """Return the results with the history's figures for the files that this run loaded.

        Args:
            results: The results that the workers reported.
            sources: All files of the run, including those without a result.

        Raises:
            DatabaseError: The database is gone.
        """
        if self.queries.database is None:
            return list(results)
        imports: list[ImportRow] = self.queries.ask(
            lambda connection: self.history.select_imports(connection, run_id=self.run_id), []
        )
        loaded: dict[str, list[ImportRow]] = {}
        for past in imports:
            loaded.setdefault(past.identity, []).append(past)
        said = {result.source.location: result for result in results}
        settled = []
        for source in sources:
            result = said.get(source.location)
            found = [
                past
                for past in loaded.get(source.identity, ())
                if source.options.is_routed or past.table == source.table
            ]
            if found:
                result = of_imports(source, found, result)
            if result is not None:
                settled.append(result)
        return settled
