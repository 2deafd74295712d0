"""Imports whose file no longer exists."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pgdatahub.model.schema import TableName
from pgdatahub.values.counting import count


class MissingAction(str, Enum):
    """Treatment of an import whose file no longer exists."""

    KEEP = "keep"
    """Its rows stay."""
    REVERT = "revert"
    """Its rows are deleted (``on_missing: revert``)."""
    TAKE_OVER = "take over"
    """Another file of its table with the same content gets its rows (``on_missing: revert``)."""
    FAIL = "fail"
    """Its rows should be deleted, and cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFile:
    """An import whose file no longer exists.

    Attributes:
        import_id: The import in ``etl_imports``.
        table: Its table.
        file: Its path below the data root.
        rows: The number of its rows.
        action: The treatment.
        heir: The path of the file that takes over its rows.
        reason: The reason to keep rows under ``on_missing: revert``, or of a failure.
        notice: Foreign keys that change rows of other tables when its rows are deleted.
    """

    import_id: int
    table: TableName
    file: str
    rows: int
    action: MissingAction
    heir: str | None = None
    reason: str | None = None
    notice: str | None = None

    @property
    def sentence(self) -> str:
        """One sentence on the treatment, as done."""
        rows = count(self.rows, "row")
        if self.action is MissingAction.REVERT:
            notice = f"; {self.notice}" if self.notice else ""
            return f"{self.file} is gone: reverted its {rows} in {self.table} (on_missing: revert){notice}"
        if self.action is MissingAction.TAKE_OVER:
            return f"{self.file} is gone: {self.heir} has the same content and takes over its {rows} in {self.table}"
        if self.action is MissingAction.FAIL:
            return f"{self.file} is gone, and its {rows} in {self.table} cannot be reverted: {self.reason}"
        stay = "stays" if self.rows == 1 else "stay"
        return f"{self.file} is gone; its {rows} {stay} in {self.table}" + (f": {self.reason}" if self.reason else "")
