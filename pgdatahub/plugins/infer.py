"""Type inference: COPY text of a column, and evidence for its type.

Inference reads every value, never a sample, and runs at C speed for columns of one kind. The result is an :class:`Observed`: for
each kind the number of cells and the first cell, and the largest integer. The type is a function of these alone, so that

    observe(a + b).type == join(observe(a).type, observe(b).type)

and the batch size does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from pgdatahub.values.cells import Column, Kind, TextColumn, Value
from pgdatahub.values.copytext import escape
from pgdatahub.values.evidence import NOTHING, Evidence, Locate, Observed, sample_of
from pgdatahub.values.fields import FieldBuffer, buffer_of
from pgdatahub.values.number_columns import read_numbers
from pgdatahub.values.numbers import parse_number, parse_value
from pgdatahub.values.python_values import type_value
from pgdatahub.values.tallies import MixedColumn, observed_tally

_Typed: TypeAlias = "tuple[Sequence[bytes], Observed]"
"""One field a cell in canonical form, ``b""`` for NULL, and the evidence for the column's type."""


def observe(column: Column, locate: Locate) -> tuple[Sequence[bytes], Observed]:
    """Convert a column to COPY text, and collect evidence for its type.

    Args:
        column: The cells; policies have replaced uncached formulas and errors before, and texts that PostgreSQL cannot store.
        locate: Returns the address of a cell.

    Returns:
        One field a cell in canonical form, ``b""`` for NULL, and the evidence.

    Raises:
        ValueError: A value is of a class that no column can hold.
        OverflowError: A number is beyond the range of a double, or has more digits than ``numeric`` takes.
    """
    if isinstance(column, TextColumn):
        if column.tally is None:
            return _OBSERVERS[column.kind](column.texts, locate)
        fields = buffer_of(column.texts)
        return fields, observed_tally(fields, column.tally, locate)
    if isinstance(column, MixedColumn) and not column.has_issues:
        return column.fields, observed_tally(column.fields, column.tally, locate)
    return _observe_values(column, locate)


# ── columns of one kind ───────────────────────────────────────────────────────────────────────────────────────────────

# Searching bytes for an int takes 28 ns; for bytes of length one, 230 ns.
_SPACE = b" "[0]


def _single(kind: Kind, fields: FieldBuffer, locate: Locate) -> dict[Kind, Evidence]:
    count = _filled(fields)
    if not count:
        return {}
    first = len(fields.lines) - len(fields.lines.lstrip(b"\n"))  # the number of empty fields before it
    return {kind: _evidence(count, first, fields, locate)}


def _filled(fields: FieldBuffer) -> int:
    """Return the number of fields that are not empty; full columns, the common case, need a tenth of a count's time."""
    return len(fields) if fields.is_full else len(fields) - fields.count(b"")


def _evidence(count: int, first: int, texts: Sequence[bytes], locate: Locate) -> Evidence:
    return Evidence(count=count, cell=locate(first), sample=sample_of(texts[first]))


def _observe_plain(kind: Kind) -> Callable[[Sequence[bytes], Locate], _Typed]:
    def observer(texts: Sequence[bytes], locate: Locate) -> _Typed:
        fields = buffer_of(texts)
        return fields, Observed(evidence=_single(kind, fields, locate))

    return observer


def _observe_timestamps(texts: Sequence[bytes], locate: Locate) -> _Typed:
    fields = buffer_of(texts)
    times = fields.lines.count(b" ")
    dates = _filled(fields) - times
    evidence = {}
    if dates:
        first = next(index for index, text in enumerate(texts) if text and _SPACE not in text)
        evidence[Kind.DATE] = _evidence(dates, first, texts, locate)
    if times:
        first = next(index for index, text in enumerate(texts) if _SPACE in text)
        evidence[Kind.TIMESTAMP] = _evidence(times, first, texts, locate)
    return fields, Observed(evidence=evidence)


def _observe_numbers(texts: Sequence[bytes], locate: Locate) -> _Typed:
    numbers = read_numbers(texts)
    if numbers is None:
        return _observe_values([parse_value(text) if text else None for text in texts], locate)
    values, fields = numbers
    classes = list(map(type, values))
    evidence = {
        kind: _evidence(count, classes.index(found), fields, locate)
        for kind, found in ((Kind.INTEGER, int), (Kind.NUMBER, float))
        if (count := classes.count(found))
    }
    if Kind.INTEGER not in evidence:
        return fields, Observed(evidence=evidence)
    largest, index = _largest(values)
    return fields, Observed(evidence=evidence, largest=largest, largest_cell=locate(index))


def _largest(values: Sequence[object]) -> tuple[int, int]:
    """Return the integer of largest absolute value, the first of several, and its index."""
    integers = [value for value in values if isinstance(value, int)]
    size = max(max(integers), -min(integers))
    # A double beyond 2^53 can equal an integer.
    return next((value, index) for index, value in enumerate(values) if isinstance(value, int) and abs(value) == size)


def _observe_decimals(texts: Sequence[bytes], locate: Locate) -> _Typed:
    return _observe_values([Decimal(text.decode()) if text else None for text in texts], locate)


_OBSERVERS: Final[Mapping[Kind, Callable[[Sequence[bytes], Locate], _Typed]]] = {
    Kind.INTEGER: _observe_numbers,
    Kind.NUMBER: _observe_numbers,
    Kind.DECIMAL: _observe_decimals,
    Kind.BOOLEAN: _observe_plain(Kind.BOOLEAN),
    Kind.DATE: _observe_timestamps,
    Kind.TIMESTAMP: _observe_timestamps,
    Kind.TIME: _observe_plain(Kind.TIME),
    Kind.INTERVAL: _observe_plain(Kind.INTERVAL),
    Kind.TEXT: _observe_plain(Kind.TEXT),
}


# ── columns of Python values ──────────────────────────────────────────────────────────────────────────────────────────


def _observe_values(values: Sequence[Value], locate: Locate) -> _Typed:
    classes = set(map(type, values)) - {type(None)}
    if not classes:
        return [b""] * len(values), NOTHING
    if classes == {str}:
        return _observe_strings(values, locate)
    typed = _type_values(values, classes)
    texts = [text for _, text in typed]
    return texts, _observed_kinds([kind for kind, _ in typed], texts, locate)


def _type_values(values: Sequence[Value], classes: set[type]) -> Sequence[tuple[Kind | None, bytes]]:
    # An integer beyond 2^53 and a double can be equal with different texts, so cache values of one class only.
    if classes in ({int}, {float}) and len(set(values[:1000])) <= 700:
        # Repeated numbers: convert each once.
        known = {value: type_value(value) for value in set(values)}
        return [known[value] for value in values]
    return list(map(type_value, values))


def _observe_strings(values: Sequence[Value], locate: Locate) -> _Typed:
    texts = []
    for value in values:
        if not isinstance(value, str) or not value or value.isspace():
            texts.append(b"")
            continue
        text = value.encode()
        if b"\\" in text or b"\t" in text or b"\n" in text or b"\r" in text:
            text = escape(value)
        texts.append(text)
    fields = buffer_of(texts)
    return fields, Observed(evidence=_single(Kind.TEXT, fields, locate))


def _observed_kinds(kinds: Sequence[Kind | None], texts: Sequence[bytes], locate: Locate) -> Observed:
    evidence: dict[Kind, Evidence] = {}
    for kind in sorted(set(kinds) - {None}, key=lambda kind: kind.value if kind else ""):
        if kind is not None:
            index = kinds.index(kind)
            evidence[kind] = Evidence(
                count=kinds.count(kind),
                cell=locate(index),
                sample=sample_of(texts[index]),
            )
    if Kind.INTEGER not in evidence:
        return Observed(evidence=evidence)
    integers = [index for index, kind in enumerate(kinds) if kind is Kind.INTEGER]
    index = max(integers, key=lambda index: _size(texts[index]))
    return Observed(evidence=evidence, largest=int(parse_number(texts[index])), largest_cell=locate(index))


def _size(integer: bytes) -> tuple[int, bytes]:
    """Return a sort key for canonical integers of any length by absolute value."""
    digits = integer.lstrip(b"-")
    return len(digits), digits
