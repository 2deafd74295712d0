"""Types of the server that the settings give columns which a table has with another type."""

from __future__ import annotations

import psycopg
from psycopg import sql

from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.schema import TableSchema
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import driver_connection


def describe_settled_types(connection: Connection, stored: TableSchema, observed: TableSchema) -> tuple[str, ...]:
    """Return a notice if columns of a table have another type than the settings give them.

    The settings give a type of the server to new columns only, as pgdatahub never alters such a type.

    Args:
        connection: A connection in any transaction; a type that the server lacks is rolled back to a savepoint.
        stored: The table's columns.
        observed: The columns of a file.
    """
    wanted = {
        column.name: column.created_as
        for column in observed.columns
        if column.created_as is not None and column.name in stored.by_name
    }
    if not wanted:
        return ()
    present = _present_types(connection, stored, list(wanted))
    names = {written: _full_name(connection, written) for written in dict.fromkeys(wanted.values())}
    other = [
        f"{name} {present[name].upper()} instead of {written.upper()}"
        for name, written in wanted.items()
        if name in present and names[written] is not None and present[name] != names[written]
    ]
    if not other:
        return ()
    text = (
        f"the table {stored.table} keeps {', '.join(other)}: a type of the server in the settings is for new columns only; "
        "alter the column by hand, or change type:"
    )
    return (FileNotice(text, "a column of the table keeps its type (type: in the settings differs)"),)


def _present_types(connection: Connection, stored: TableSchema, names: list[str]) -> dict[str, str]:
    query = """
        SELECT a.attname, format_type(a.atttypid, a.atttypmod)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (%(names)s) AND NOT a.attisdropped
         WHERE n.nspname = %(schema)s AND c.relname = %(table)s
    """
    parameters = {"schema": stored.table.schema, "table": stored.table.name, "names": names}
    return {str(row[0]): str(row[1]) for row in connection.execute(query, parameters)}


def _full_name(connection: Connection, written: str) -> str | None:
    """Return a type as the server prints it, with its modifier; None if the server does not have it."""
    driver = driver_connection(connection)
    try:
        with driver.transaction():
            row = driver.execute("SELECT %s::regtype::oid", [written]).fetchone()
            cast = driver.execute(sql.SQL("SELECT NULL::{}").format(sql.SQL(written)))
            result = cast.pgresult
            if row is None or result is None:
                return None
            # The result of a domain has the type beneath it; the limit of a domain is not its own.
            modifier = result.fmod(0) if result.ftype(0) == row[0] else None
            named = driver.execute("SELECT format_type(%s::oid, %s)", [row[0], modifier]).fetchone()
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.IntegrityError, psycopg.NotSupportedError):
        return None
    return None if named is None else str(named[0])
