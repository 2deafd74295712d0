"""An import whose rows are staged for a keyed table, and the numbers of its rows afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCounts:
    """The rows of an import by what became of them.

    Attributes:
        new: Rows of keys that the table did not have.
        won: Rows that replaced another row of their key.
        unchanged: Rows among those that are equal to the row that they replaced.
        lost: Rows that are in the companion from the beginning.
    """

    new: int = 0
    won: int = 0
    unchanged: int = 0
    lost: int = 0

    @property
    def rows(self) -> int:
        """All rows of the import."""
        return self.new + self.won + self.lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The import whose rows are staged.

    Attributes:
        source_file: The location of its file.
        imported_at: Its time.
        rank_key: The rank of its path.
        modified_at: The time when its file was changed last, if known.
        rows: The number of staged rows.
        ghosts: The times of the imports whose rows it replaces; some are still in the table.
        opaque: The columns whose types may have no equality, such as json; they are compared by their texts.
    """

    source_file: str
    imported_at: datetime
    rank_key: bytes
    modified_at: datetime | None
    rows: int
    ghosts: Sequence[datetime] = ()
    opaque: frozenset[str] = frozenset()

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the statements."""
        return {
            "source": self.source_file,
            "moment": self.imported_at,
            "rank_key": self.rank_key,
            "modified_at": self.modified_at,
            "imported_at": self.imported_at,
            "ghosts": list(self.ghosts),
        }
