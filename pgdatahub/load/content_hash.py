"""The content hash: one SHA-256 for the content of a file, independent of the file's bytes.

Excel changes the bytes of a workbook each time it saves. The content hash covers the columns' names, the number of
cells of each kind, and the canonical text of every value in its row. The hash depends neither on the size of batches
nor on the form in which cells travelled.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from pgdatahub.model.batches import NormalizedBatch
from pgdatahub.model.schema import TableSchema
from pgdatahub.values.fields import lines_of


class ContentHash:
    """The content of one file, fed batch by batch."""

    def __init__(self) -> None:
        self._columns: dict[str, Any] = {}
        self._rows_of: dict[str, int] = {}
        self._rows = 0

    def update(self, batch: NormalizedBatch) -> None:
        """Add the rows of a batch."""
        for column in batch.columns:
            digest = self._columns.setdefault(column.name, sha256())
            # Every cell ends with a newline, which no field contains; rows before the column's first batch are empty.
            digest.update(b"\n" * (self._rows - self._rows_of.get(column.name, 0)))
            digest.update(lines_of(column.texts))
            digest.update(b"\n")
            self._rows_of[column.name] = self._rows + batch.rows
        self._rows += batch.rows

    def hexdigest(self, observed: TableSchema) -> str:
        """Return the hash, 64 hexadecimal digits.

        Args:
            observed: The columns as all rows together show them.
        """
        total = sha256(b"%d rows\n" % self._rows)
        for column in sorted(observed.columns, key=lambda column: column.name):
            digest = self._columns.get(column.name, sha256()).copy()
            digest.update(b"\n" * (self._rows - self._rows_of.get(column.name, 0)))
            kinds = column.observed.evidence if column.observed else {}
            counts = sorted((kind.value, evidence.count) for kind, evidence in kinds.items())
            total.update(f"{column.name}\n{counts}\n".encode())
            total.update(digest.digest())
        return total.hexdigest()
