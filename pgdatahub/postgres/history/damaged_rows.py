"""Rows of the metadata tables that were changed by hand, so that pgdatahub cannot read them.

Each reader of such a row checks what it reads, and names the table, the row, the column and the way out. A wrong hash or an
unknown status would otherwise make a file load twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg import sql

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.imports import Status
from pgdatahub.model.schema import IMPORTS, TableName

if TYPE_CHECKING:
    from typing_extensions import LiteralString

    from pgdatahub.postgres.server.connection import Connection

Value = TypeVar("Value")
Row = TypeVar("Row")

HASH: Final = re.compile("[0-9a-f]{64}")
MOMENTS: Final = ("imported_at", "reverted_at")
"""The columns of ``etl_imports`` with a time that an import has."""
_STATUSES: Final = frozenset(status.value for status in Status)
_HASHES: Final = ("file_sha256", "content_sha256")
_COUNTS: Final = ("row_count", "bytes", "quarantined")
PARSING_ERRORS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Errors of code that reads JSON of another form."""


def checked_import(row: Mapping[str, Any]) -> None:
    """Check the plain columns of a row of ``etl_imports``.

    Raises:
        HistoryDamagedError: A user changed the row.
    """
    for name in _HASHES:
        if HASH.fullmatch(row[name]) is None:
            raise damaged_import(row, name, f'"{row[name]}" is not a SHA-256 of 64 digits')
    if row["status"] not in _STATUSES:
        raise damaged_import(row, "status", f'"{row["status"]}" is not one of {", ".join(sorted(_STATUSES))}')
    for name in _COUNTS:
        if row[name] < 0:
            raise damaged_import(row, name, f"{row[name]:,} is negative")


def damaged_import(row: Mapping[str, Any], column: str, reason: str) -> HistoryDamagedError:
    """Return the error of a column of an import, with the two ways to repair it.

    Args:
        row: The row of ``etl_imports``, at least its ``id`` and, if known, its ``identity``.
        column: The column.
        reason: What is wrong with its value.
    """
    number, identity = row["id"], row.get("identity")
    file = f" ({identity})" if identity else ""
    error = HistoryDamagedError(
        f"the column {column} of import {number}{file} in {IMPORTS} was changed by hand: {reason}",
        hint=f"restore it from a backup; or delete the row with the id {number} from {IMPORTS}, and run --adopt makes it again from the"
        " file",
    )
    error.import_id = number
    return error


def parsed(row: Mapping[str, Any], column: str, parse: Callable[[], Value]) -> Value:
    """Return what ``parse`` makes of a JSON column of an import.

    Raises:
        HistoryDamagedError: The value has another form.
    """
    try:
        return parse()
    except PARSING_ERRORS as error:
        raise damaged_import(row, column, unreadable(error)) from error


class JsonFormError(ValueError):
    """JSON of another form than pgdatahub writes; the text is for users."""


def unreadable(error: Exception) -> str:
    """Return the reason why JSON of another form cannot be read, without the words of Python."""
    if isinstance(error, JsonFormError):
        return str(error)
    if isinstance(error, KeyError):
        return f"its JSON lacks, or does not know, {error}"
    return "its JSON is not of the form that pgdatahub writes"


def as_object(value: Any, column: str = "") -> dict[str, Any]:
    """Return a JSON object.

    Args:
        value: The value.
        column: The column, if the message does not name it otherwise.

    Raises:
        JsonFormError: The value is another one.
    """
    if not isinstance(value, dict):
        raise JsonFormError(_other_kind(value, "an object", column))
    return value


def as_list(value: Any, column: str = "") -> list[Any]:
    """Return a JSON list; see :func:`as_object`."""
    if not isinstance(value, list):
        raise JsonFormError(_other_kind(value, "a list", column))
    return value


def _other_kind(value: Any, wanted: str, column: str) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    place = f"in the column {column}, " if column else ""
    return f"{place}its JSON has {kinds.get(type(value), 'a number')} where {wanted} belongs"


def readable_rows(
    connection: Connection, rows: Iterable[Row], table: TableName, moments: Sequence[str]
) -> Iterator[Row]:
    """Yield rows of a metadata table.

    Args:
        connection: The connection of the rows.
        rows: The rows, as they come from the server.
        table: The metadata table.
        moments: Its columns with a time.

    Raises:
        HistoryDamagedError: A time is one that Python does not have.
    """
    try:
        yield from rows
    except psycopg.DataError as error:
        if error.sqlstate is not None:
            raise
        condition = sql.SQL(" OR ").join(
            sql.SQL("{} NOT BETWEEN '0001-01-01' AND '9999-12-31'").format(sql.Identifier(name)) for name in moments
        )
        query = sql.SQL("SELECT id FROM {} WHERE {} ORDER BY id LIMIT 1")
        number = connection.scalar(query.format(sql.Identifier(table.schema, table.name), condition))
        raise HistoryDamagedError(
            f"the {' or '.join(moments)} of the row {number} in {table} was changed by hand: {error}",
            hint="correct it, or restore the row from a backup",
        ) from error


def json_object(column: LiteralString) -> sql.Composed:
    """Return SQL for a JSON object, empty if the value is none: the server refuses to read the keys of other values."""
    return _of_kind(sql.SQL(column), "object", "'{}'::jsonb")


def json_list(column: LiteralString) -> sql.Composed:
    """Return SQL for a JSON list, empty if the value is none."""
    return _of_kind(sql.SQL(column), "array", "'[]'::jsonb")


def json_number(value: LiteralString | sql.Composable) -> sql.Composed:
    """Return SQL for a whole number in JSON, NULL if the value is none."""
    value = value if isinstance(value, sql.Composable) else sql.SQL(value)
    return sql.SQL("CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::text::numeric::bigint END").format(
        value=value
    )


def _of_kind(value: sql.Composable, kind: str, otherwise: LiteralString) -> sql.Composed:
    return sql.SQL("CASE jsonb_typeof({value}) WHEN {kind} THEN {value} ELSE {otherwise} END").format(
        value=value, kind=sql.Literal(kind), otherwise=sql.SQL(otherwise)
    )
