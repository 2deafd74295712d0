"""Columns of fields as rows of ``COPY``, encoded by the core."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from pgdatahub.readers.xlsx.native.interface import NativeError, bytes_at, load_core
from pgdatahub.values.fields import lines_of
from pgdatahub.values.sql_types import SqlType

BINARY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The beginning of binary ``COPY`` data: signature, flags, no extension."""
BINARY_TRAILER: Final = b"\xff\xff"
BINARY_TYPES: Final = {
    SqlType.INTEGER: 0,
    SqlType.BIGINT: 1,
    SqlType.DOUBLE: 2,
    SqlType.BOOLEAN: 3,
    SqlType.DATE: 4,
    SqlType.TIMESTAMP: 5,
    SqlType.TEXT: 6,
}
"""Types that :func:`encode_binary` encodes, by the core's codes."""


class MisfitError(ValueError):
    """A field is not of its column's type.

    Attributes:
        row: The index of its row.
        column: The index of its column.
    """

    def __init__(self, row: int, column: int) -> None:
        super().__init__(f"row {row} of column {column} is not of the column's type")
        self.row = row
        self.column = column


def encode_text(columns: Sequence[Sequence[bytes]], rows: int, suffix: bytes = b"") -> bytes:
    r"""Return columns as rows of ``COPY`` text.

    Args:
        columns: At least one; each with ``rows`` fields.
        rows: At least one.
        suffix: What stands behind the columns of each row, such as ``\tname``.

    Raises:
        ValueError: A column has another number of fields.
    """
    library = load_core()
    lines, pointers, sizes = _arrays(columns)
    room = sum(map(len, lines)) + len(lines) + rows * len(suffix)
    out = bytearray(room)
    buffer = (ctypes.c_char * room).from_buffer(out)
    size = library.pgh_encode_text(
        pointers, sizes, len(lines), rows, suffix, len(suffix), ctypes.addressof(buffer), room
    )
    if size != room:
        raise ValueError(f"a column is shorter or longer than {rows:,} rows")
    del buffer
    return bytes(out)


def encode_binary(
    columns: Sequence[Sequence[bytes]], types: Sequence[SqlType], rows: int, suffix: bytes = b"", suffix_fields: int = 0
) -> bytes:
    """Return columns as rows of binary ``COPY``, without header and trailer.

    Args:
        columns: Each with ``rows`` fields of COPY text in canonical form.
        types: A type of :data:`BINARY_TYPES` for each column.
        rows: How many rows.
        suffix: Encoded fields that stand behind the columns of each row; see :func:`binary_field`.
        suffix_fields: How many fields the suffix has.

    Raises:
        MisfitError: A field is not of its column's type.
    """
    library = load_core()
    lines, pointers, sizes = _arrays(columns)
    codes = bytes([BINARY_TYPES[kind] for kind in types])
    if len(codes) != len(lines):
        raise ValueError(f"{len(lines)} columns have {len(codes)} types")
    misfit = (ctypes.c_uint64 * 2)(2**64 - 1, 0)
    encoded = library.pgh_binary_new(
        pointers, sizes, codes, len(lines), rows, suffix, len(suffix), suffix_fields, misfit
    )
    if not encoded:
        if misfit[0] == 2**64 - 1:
            raise NativeError
        raise MisfitError(misfit[0], misfit[1])
    try:
        size = ctypes.c_size_t()
        address = library.pgh_binary_bytes(encoded, ctypes.byref(size))
        return bytes_at(address, size.value)
    finally:
        library.pgh_binary_free(encoded)


def binary_field(value: bytes | None) -> bytes:
    """Return a field of binary ``COPY``: its length and its bytes as the type's receive function takes them."""
    return b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value


def _arrays(columns: Sequence[Sequence[bytes]]) -> tuple[list[bytes], object, object]:
    lines = [lines_of(column) for column in columns]
    # The pointers stay valid as long as the list.
    return lines, (ctypes.c_char_p * len(lines))(*lines), (ctypes.c_size_t * len(lines))(*map(len, lines))
