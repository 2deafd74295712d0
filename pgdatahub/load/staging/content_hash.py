"""The content hash: one SHA-256 for the content of a file, independent of the file's bytes.

Excel changes the bytes of a workbook each time it saves. The content hash covers the columns' names, the number of
cells of each kind, and the canonical text of every value in its row. The hash depends neither on the size of batches
nor on the form in which cells travelled.
"""

from __future__ import annotations

from collections.abc import Mapping
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
        self.add_rows({column.name: lines_of(column.texts) for column in batch.columns}, batch.rows)

    def add_rows(self, columns: Mapping[str, bytes], rows: int) -> None:
        r"""Add rows as columns of COPY text; a missing column is empty.

        Args:
            columns: Name → the fields, joined by ``\n``.
            rows: The number of fields in each column.
        """
        for name, lines in columns.items():
            digest = self._columns.setdefault(name, sha256())
            # Every cell ends with a newline, which no field contains; rows before the column's first batch are empty.
            digest.update(b"\n" * (self._rows - self._rows_of.get(name, 0)))
            digest.update(lines)
            digest.update(b"\n")
            self._rows_of[name] = self._rows + rows
        self._rows += rows

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
