r"""Rows of ``COPY`` from staged columns: binary where the table's types allow it, text elsewhere.

The server takes binary rows in half the processor time of text. A table with a column of any other type than these seven
gets text as a whole. So does a file from the first batch on that has a field not of its column's type (the server then names
the fault as it does for text) or long rows (of which the server would hold many).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final

from pgdatahub.model.batches import ColumnBatch, EncodedBatch, Lineage
from pgdatahub.model.schema import RESERVED_COLUMNS, TableSchema
from pgdatahub.readers.xlsx.native.library import CoreMissingError, load_library
from pgdatahub.readers.xlsx.native.rows import MisfitError, binary_field, encode_binary, encode_text
from pgdatahub.values.copytext import escape
from pgdatahub.values.fields import FieldBuffer
from pgdatahub.values.sql_types import SqlType

_BINARY: Final = {
    **{
        kind: kind
        for kind in (
            SqlType.INTEGER,
            SqlType.BIGINT,
            SqlType.DOUBLE,
            SqlType.BOOLEAN,
            SqlType.DATE,
            SqlType.TIMESTAMP,
            SqlType.TEXT,
        )
    },
    SqlType.BIGINT_WIDE: SqlType.BIGINT,
    SqlType.UNDECIDED: SqlType.TEXT,
}
"""Types of columns that have a binary form here → the types that they are stored as."""

_EPOCH: Final = datetime.fromisoformat("2000-01-01")

MAX_BINARY_ROW_BYTES: Final = 4096
"""The average row of a batch that is sent as binary. The server holds up to 1,000 rows before it writes them; of text it
counts their bytes and writes earlier, of binary rows it does not."""

_ROWS_AT_ONCE: Final = 500
"""Rows are joined a few at a time: those of a whole batch fall out of the processor's cache before they are joined (57
ns a cell, against 44)."""


def encode_rows(
    batches: Iterable[ColumnBatch | EncodedBatch], table: TableSchema, *, binary: bool = True
) -> Iterator[EncodedBatch]:
    """Yield batches as rows of ``COPY``.

    Args:
        batches: Of one file; those that a plugin has encoded stay as they are.
        table: The table as it is when the rows are copied.
        binary: Binary rows are allowed.
    """
    types = binary_types(table) if binary and has_core() else None
    for batch in batches:
        if isinstance(batch, EncodedBatch):
            yield batch
            continue
        if batch.size > MAX_BINARY_ROW_BYTES * batch.rows:
            types = None
        if types is not None:
            try:
                yield binary_rows(batch, types)
            except (MisfitError, KeyError):
                types = None
            else:
                continue
        yield text_rows(batch)


@lru_cache(maxsize=1)
def has_core() -> bool:
    """Return whether the compiled core, which encodes binary rows, is installed."""
    try:
        load_library()
    except CoreMissingError:
        return False
    return True


def binary_types(table: TableSchema) -> dict[str, SqlType] | None:
    """Return the type of each column for binary rows; None if a column of the table has no binary form here."""
    types = {}
    for column in table.columns:
        kind = _BINARY.get(column.type) if isinstance(column.type, SqlType) else None
        if kind is None:
            return None
        types[column.name] = kind
    return types


def binary_rows(batch: ColumnBatch, types: Mapping[str, SqlType]) -> EncodedBatch:
    """Return a batch as binary rows.

    Raises:
        KeyError: A column has no type.
        MisfitError: A field is not of its column's type.
    """
    suffix = _binary_suffix(batch.lineage) if batch.lineage is not None else b""
    data = encode_binary(
        [FieldBuffer(None, column, batch.rows) for column in batch.columns],
        [types[name] for name in batch.names],
        batch.rows,
        suffix,
        len(RESERVED_COLUMNS) if batch.lineage is not None else 0,
    )
    return EncodedBatch(names=_names(batch), rows=batch.rows, data=data, origin=batch.origin, binary=True)


def text_rows(batch: ColumnBatch) -> EncodedBatch:
    """Return a batch as lines of COPY text."""
    suffix = _text_suffix(batch.lineage) if batch.lineage is not None else b""
    columns = [FieldBuffer(None, column, batch.rows) for column in batch.columns]
    data = encode_text(columns, batch.rows, suffix) if has_core() else _joined(columns, batch.rows, suffix)
    return EncodedBatch(names=_names(batch), rows=batch.rows, data=data, origin=batch.origin)


def _joined(columns: list[FieldBuffer], rows: int, suffix: bytes) -> bytes:
    end = suffix + b"\n"
    pieces = []
    for start in range(0, rows, _ROWS_AT_ONCE):
        part = [fields[start : start + _ROWS_AT_ONCE] for fields in columns]
        pieces.append(end.join(map(b"\t".join, zip(*part, strict=True))))
    return end.join([*pieces, b""])


def _names(batch: ColumnBatch) -> tuple[str, ...]:
    return batch.names if batch.lineage is None else (*batch.names, *RESERVED_COLUMNS)


def _text_suffix(lineage: Lineage) -> bytes:
    return b"\t%s\t%s" % (escape(lineage.source_file), str(lineage.load_timestamp).encode())


def _binary_suffix(lineage: Lineage) -> bytes:
    microseconds = (lineage.load_timestamp - _EPOCH) // timedelta(microseconds=1)
    file = lineage.source_file.encode()
    return b"".join(chain(map(binary_field, (file, microseconds.to_bytes(8, "big", signed=True)))))
