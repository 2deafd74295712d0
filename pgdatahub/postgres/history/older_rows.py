"""Queries about imports that an older version of the reading rules read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psycopg import sql

from pgdatahub.model.imports import COUNTED, ImportRow, Status
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.damaged_rows import MOMENTS, json_object, readable_rows
from pgdatahub.postgres.history.import_columns import import_row, selected_columns
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection

_OLDER_TABLES = sql.SQL("""
    SELECT i.table_schema, i.table_name, count(*), (array_agg(identity ORDER BY id))[1:3]
      FROM {imports} i JOIN unnest(%s::text[], %s::text[]) wanted(schema, name)
        ON (i.table_schema, i.table_name) = (wanted.schema, wanted.name)
     WHERE {reading} < {highest} AND {reading} < {version} AND status = {loaded}
     GROUP BY 1, 2
""")
_OLDER_READINGS = sql.SQL("""
    SELECT {past}, ARRAY (SELECT jsonb_object_keys({observed})) AS names FROM {imports} i
     WHERE table_schema = %(schema)s AND table_name = %(name)s AND {reading} < {highest} AND {reading} < {version} AND status = {loaded}
       AND row_count = %(rows)s
       AND NOT EXISTS (SELECT FROM {imports} known
                        WHERE known.table_schema = %(schema)s AND known.table_name = %(name)s
                          AND known.content_sha256 = %(content)s AND known.status = ANY ({counted}))
     ORDER BY id
""")


def _version_now(versions: Mapping[str, int]) -> sql.Composed:
    """Return the current version of the reading rules for the file of an import ``i``."""
    cases = [sql.SQL("WHEN {} THEN {}").format(suffix, version) for suffix, version in versions.items()]
    return sql.SQL("CASE lower(substring(i.identity FROM '[.][^./]*$')) {} ELSE 0 END").format(sql.SQL(" ").join(cases))


def tables_of_older_readings(
    connection: Connection, history: History, tables: Iterable[TableName], versions: Mapping[str, int]
) -> dict[TableName, tuple[int, list[str]]]:
    """Return the tables with loaded imports that older rules read: their number and the first three names.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables.
        tables: The tables to check.
        versions: The current rules: suffix → version.
    """
    query = _OLDER_TABLES.format(
        imports=history.imports,
        reading=sql.SQL("0" if "reading" in history.missing else "i.reading"),
        version=_version_now(versions),
        highest=max(versions.values()),
        loaded=Status.LOADED.value,
    )
    wanted = list(tables)
    values = [table.schema for table in wanted], [table.name for table in wanted]
    rows = connection.driver.execute(query, values)
    return {TableName(schema=row[0], name=row[1]): (int(row[2]), list(row[3])) for row in rows}


def older_readings(
    connection: Connection,
    history: History,
    table: TableName,
    versions: Mapping[str, int],
    *,
    rows: int,
    content_sha256: str,
) -> list[tuple[ImportRow, set[str]]]:
    """Return the loaded imports that older rules read and that a file may repeat, with their columns, oldest first.

    They have as many rows as the file; the result is empty if the history has an import with the file's content.
    """
    query = _OLDER_READINGS.format(
        past=selected_columns(history.missing),
        imports=history.imports,
        observed=json_object("i.observed"),
        reading=sql.SQL("0" if "reading" in history.missing else "i.reading"),
        version=_version_now(versions),
        highest=max(versions.values()),
        loaded=Status.LOADED.value,
        counted=[status.value for status in COUNTED],
    )
    values = {"schema": table.schema, "name": table.name, "rows": rows, "content": content_sha256}
    answer = connection.execute(query, values)
    return [
        (import_row(row._asdict()), set(row.names or ()))
        for row in readable_rows(connection, answer, history.name, MOMENTS)
    ]


def set_reading(connection: Connection, history: History, versions: Mapping[int, int]) -> None:
    """Record that later rules read the files of imports the same: id → version."""
    for number, version in versions.items():
        history.update(connection, [number], {"reading": version})
