"""Facts about the fields of one column, found by the core."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Iterable

from pgdatahub.readers.xlsx.native.interface import load_core


def distinct_fields(lines: bytes, most: int) -> list[bytes] | None:
    r"""Return the distinct fields of a column in the order of their first cells; None if there are more than ``most``.

    Args:
        lines: The fields, joined by ``\n``.
        most: The maximum.
    """
    if not lines:
        return [b""]
    room = bytearray(len(lines))
    buffer = (ctypes.c_char * len(lines)).from_buffer(room)
    size = ctypes.c_size_t()
    count = load_core().pgh_distinct(lines, len(lines), most, ctypes.addressof(buffer), ctypes.byref(size))
    return None if count < 0 else bytes(memoryview(room)[: size.value]).split(b"\n")


def integer_fields(lines: bytes, count: int) -> tuple[array[int], bool, int] | None:
    r"""Return the fields of a column as integers, whether each is larger than the one before, and the largest.

    Args:
        lines: The fields, joined by ``\n``.
        count: Their number.

    Returns:
        None if a field is not the canonical text of an integer from 0 to 2^64 - 1.
    """
    integers = array("Q", bytes(8 * count))
    ascend, largest = ctypes.c_int32(), ctypes.c_uint64()
    address, _ = integers.buffer_info()
    found = load_core().pgh_integers(lines, len(lines), address, count, ctypes.byref(ascend), ctypes.byref(largest))
    return (integers, bool(ascend), largest.value) if found == count else None


def all_differ(batches: Iterable[array[int]], largest: int) -> bool:
    """Return whether integers from 0 to the largest differ; a bit for each one that could be there finds it out."""
    table = bytearray((largest >> 3) + 1)
    buffer = (ctypes.c_char * len(table)).from_buffer(table)
    address = ctypes.addressof(buffer)
    mark = load_core().pgh_mark
    return all(mark(address, len(table), *batch.buffer_info(), batch.itemsize) == 1 for batch in batches)
