"""Facts about the fields of one column that rules ask for: by the compiled core, and by Python where the core is missing."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice, repeat
from operator import lt
from typing import Final

import orjson

from pgdatahub.plugins.copy_rows import has_core
from pgdatahub.readers.xlsx.native import facts
from pgdatahub.values.fields import FieldBuffer

_FEW: Final = 1024
"""Distinct fields that the core looks for in a batch; more of them are found as fast without it."""
_INTEGER_TEXT: Final = b"0123456789\n"


def few_texts(fields: Sequence[bytes]) -> Iterable[bytes]:
    """Return the distinct fields if they are few, else the fields themselves."""
    if isinstance(fields, FieldBuffer) and has_core():
        return facts.distinct_fields(fields.lines, _FEW) or fields
    return fields


def integers_of(fields: Sequence[bytes]) -> tuple[Sequence[int], bool, int] | None:
    """Return fields as integers, whether each is larger than the one before, and the largest.

    Returns:
        None if a field is not the canonical text of an integer from 0 to 2^64 - 1.
    """
    if not isinstance(fields, FieldBuffer) or not len(fields):
        return None
    if has_core():
        return facts.integer_fields(fields.lines, len(fields))
    return _by_python(fields)


def _by_python(fields: FieldBuffer) -> tuple[Sequence[int], bool, int] | None:
    if not fields.is_full or fields.lines.translate(None, _INTEGER_TEXT):
        return None
    try:
        integers: list[int] = orjson.loads(b"[%b]" % fields.lines.replace(b"\n", b","))
    except orjson.JSONDecodeError:
        return None  # leading zeros
    # The reader gives integers from 2^64 on as doubles, which are larger than all others.
    if type(largest := max(integers)) is not int:
        return None
    return integers, all(map(lt, integers, islice(integers, 1, None))), largest


def all_differ(batches: Iterable[range | array[int]], largest: int) -> bool:
    """Return whether integers from 0 to the largest differ: a bit, or a byte, for each that could be there finds it out."""
    if has_core():
        return facts.all_differ(
            (array("Q", batch) if isinstance(batch, range) else batch for batch in batches), largest
        )
    return _differ_by_python(batches, largest)


def _differ_by_python(batches: Iterable[range | array[int]], largest: int) -> bool:
    there = bytearray(largest + 1)
    count = 0
    for integers in batches:
        deque(map(there.__setitem__, integers, repeat(1)), maxlen=0)
        count += len(integers)
    return there.count(1) == count
