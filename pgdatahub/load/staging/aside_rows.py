"""Rows of a part that are set aside: in the spool beside its other rows, counted and hashed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pgdatahub.load.staging.spool import SpoolFile
from pgdatahub.model.aside import BLANKED_CELLS, BLANKED_ROWS, ROW, AsideDigest, AsideRow


@dataclass(slots=True, kw_only=True)
class AsideRows:
    """The rows with a fault so far.

    Attributes:
        file: The file that holds them.
        rows: The number of rows that are not in the table.
        cells: The number of emptied cells in the table.
        blanked_rows: The number of rows with such cells.
    """

    file: SpoolFile
    rows: int = 0
    cells: int = 0
    blanked_rows: int = 0
    _starts: list[int] = field(default_factory=list)
    _digest: AsideDigest = field(default_factory=AsideDigest)

    def add(self, rows: Sequence[AsideRow], first: int) -> None:
        """Add rows; ``first`` is the number of all rows read before those that were read with them."""
        self._starts.append(self.file.append([(first + row.index, row) for row in rows]))
        for row in rows:
            if row.action == ROW:
                self.rows += 1
            else:
                self.cells += len(row.cells)
                self.blanked_rows += 1
            self._digest.add(first + row.index, row.cells, row.kinds)

    def __bool__(self) -> bool:
        """Return whether there is a row."""
        return bool(self._starts)

    def __iter__(self) -> Iterator[tuple[int, AsideRow]]:
        """Yield the rows from the first, each with the number of rows read before it."""
        for start in self._starts:
            yield from self.file.read(start)

    @property
    def counts(self) -> dict[str, int]:
        """The emptied cells in the form of ``etl_imports.counts``."""
        return {BLANKED_CELLS: self.cells, BLANKED_ROWS: self.blanked_rows} if self.cells or self.blanked_rows else {}

    def content(self, content_sha256: str) -> str:
        """Return the hash of the content of a part, with these rows; unchanged without any."""
        return self._digest.content(content_sha256)
