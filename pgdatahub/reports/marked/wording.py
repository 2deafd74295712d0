"""Sentences for the sender of a file: the content that is expected of a cell, and the fault of a file."""

from __future__ import annotations

from typing import Final

from pgdatahub.model.faults import Fault

_EXPECTED: Final = {
    "type": "a valid {0} is expected",
    "values": "one of these is expected: {0}",
    "pattern": "a text that matches {0} is expected",
    "min": "at least {0} is expected",
    "max": "at most {0} is expected",
    "required": "a value is expected; the cell is empty",
    "unique": "a value that no other cell of the column has is expected",
    "error": "a value is expected; the cell shows an error",
    "uncached": "the formula has no computed value: open and save the workbook in Excel",
    "number": "a number that a database can hold is expected",
    "missing-column": "the column is missing",
    "unknown-column": "this column is not expected",
    "min-rows": "more rows are expected: {0}",
    "max-rows": "fewer rows are expected: {0}",
    "max-bad": "too many rows have a fault: {0}",
    "quarantine-limit": "fewer rows with a fault are expected: {0}",
    "key-length": "a shorter key is expected: at most {0}",
    "key": "a key that the row alone has is expected",
}


_TYPES: Final = {
    "INTEGER": "a whole number",
    "BIGINT": "a whole number",
    "NUMERIC": "a number",
    "DOUBLE PRECISION": "a number",
    "BOOLEAN": "true or false",
    "DATE": "a date",
    "TIMESTAMP": "a date with a time",
    "TIME": "a time",
    "INTERVAL": "a duration",
}
"""Type of the table → its name for people who do not know databases."""


def expectation(fault: Fault) -> str:
    """Return the content that is expected, without a value of the file."""
    if fault.rule == "type" and fault.expected in _TYPES:
        return f"{_TYPES[fault.expected]} is expected"
    text = _EXPECTED.get(fault.rule)
    if text is None:
        return f"{fault.rule}: {fault.expected}" if fault.expected else f"the rule {fault.rule} is broken"
    if fault.expected is None:
        return text.replace("a valid {0}", "another value").replace(": {0}", "").replace("{0}", "another value")
    return text.format(fault.expected)
