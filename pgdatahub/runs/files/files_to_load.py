"""The files of a run that workers load; the others get their results before the first load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pgdatahub.load.known.known_files import KnownFiles
from pgdatahub.load.lookup import Lookup
from pgdatahub.load.results import unknown_rows
from pgdatahub.model.events import FileFinished, FileStarted, Notice, Reporter
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.runs.workers.scheduler import Scheduler


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesToLoad:
    """The choice of the files that workers load.

    Attributes:
        lookup: The queries of the history.
        scheduler: Receives the results of the other files, and may stop the run.
        reporter: Receives the events.
    """

    lookup: Lookup
    scheduler: Scheduler
    reporter: Reporter

    def skip_known(self, files: Sequence[SourceFile], known: KnownFiles) -> tuple[list[SourceFile], tuple[str, ...]]:
        """Skip the files whose bytes are loaded.

        Returns:
            The other files, and messages on files that an older version read by other rules.
        """
        left: list[SourceFile] = []
        imports: list[tuple[SourceFile, ImportRow]] = []
        for found in files:
            source, result = (found, None) if self.scheduler.stopped else self.lookup.skip_known(found, known)
            if result is None:
                left.append(source)
                continue
            self.reporter(FileFinished(result=result))
            self.scheduler.add((result,))
            if source.hashed is not None:
                imports += [(source, past) for past in known.own_imports(source, source.hashed.sha256)]
        messages = self.lookup.check_readings(imports)
        for text in messages:
            self.reporter(Notice(text=text, warning=True))
        return left, messages

    def refuse_unknown(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """Fail the files of tables with rows that the history does not have; return the others."""
        tables = self.lookup.tables_by_file(files)
        unknown = self.lookup.unknown_rows({table for found in tables.values() for table in found})
        left = []
        for source in files:
            result = None
            for table in sorted(tables[source.location] & unknown.keys()):
                if result is None and not self.scheduler.stopped:
                    result = unknown_rows(source, unknown[table], self.lookup.config.schema_name)
            if result is None:
                left.append(source)
                continue
            self.reporter(FileStarted(source=source))
            self.reporter(FileFinished(result=result))
            self.scheduler.add((result,))
        return left

    def mark_older(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """Return the files, with a mark on those to compare with imports that older rules read."""
        tables = self.lookup.tables_by_file(files)
        older = self.lookup.tables_of_older_readings({table for found in tables.values() for table in found})
        return [
            replace(source, compare_older=not source.reload and not older.isdisjoint(tables[source.location]))
            for source in files
        ]
