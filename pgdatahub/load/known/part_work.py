"""Parts of a file within its transaction, and the order in which their tables are locked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pgdatahub.errors import FileChangedError
from pgdatahub.load.known.dedup_facts import DedupDecision
from pgdatahub.load.staging.staged_file import Staged
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.file_queries import FileFacts
from pgdatahub.postgres.tables import locks


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWork:
    """A part of a file with the facts about it and the decision on it.

    Attributes:
        source: The file with the part's table and settings.
        staged: The rows; None if they were not read.
        facts: The facts of the history.
        decision: The decision.
    """

    source: SourceFile
    staged: Staged | None
    facts: FileFacts
    decision: DedupDecision

    @property
    def table(self) -> TableName:
        """Its table."""
        return self.source.table

    @property
    def new(self) -> Staged | None:
        """The rows to load; None if the part is skipped.

        Raises:
            FileChangedError: They were not read, since another session reverted the import after this run found it.
        """
        if self.decision.skip is not None:
            return None
        if self.staged is None:
            raise FileChangedError(
                f"its import in {self.table} was reverted while the file was being read", hint="run again"
            )
        return self.staged


def in_lock_order(work: Iterable[PartWork]) -> list[PartWork]:
    """Return parts in the order in which all sessions lock tables."""
    return sorted(work, key=lambda one: locks.lock_key(one.table))
