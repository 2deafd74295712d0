"""pgdatahub's columns that a user dropped or renamed by hand, found because the history records their creation.

A dropped column is added again when a file has it. Its old values stay absent until their files are loaded again, and a
notice tells the user. A renamed column still has its header as its comment. Adding it again would split the column in
two, so the file is refused with the setting that joins them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from pgdatahub.errors import SchemaError
from pgdatahub.model.imports import Provenance, Status
from pgdatahub.model.schema import RESERVED_COLUMNS, TableSchema
from pgdatahub.postgres.history.damaged_rows import json_object
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.values.sql_types import SqlType, join_all


def columns_changed_by_hand(
    connection: Connection, current: TableSchema, observed: TableSchema, history: History
) -> tuple[str, ...]:
    """Return notices about columns that were dropped by hand and that a file has.

    Raises:
        SchemaError: A column was renamed, or a column that every imported table needs was dropped.
    """
    if not history.schema_changes.knows_other_columns(connection, current.table, current.by_name):
        return ()  # the usual case
    created = history.schema_changes.created_columns(connection, current.table)
    gone = sorted(created - current.by_name.keys())
    lost = [name for name in gone if name in RESERVED_COLUMNS]
    if lost:
        raise SchemaError(
            f"the column {lost[0]} was dropped or renamed by hand; it links each row to its import",
            where=f"table {current.table}",
            hint="rename the column back, or reset the table and load its files again",
        )
    notices = []
    for name in gone:
        column = observed.by_name.get(name)
        if column is None:
            continue
        renamed = _renamed_to(column.header, current, created)
        if renamed is not None:
            raise SchemaError(
                f'the column {name} was renamed to {renamed} by hand: its comment still is "{column.header}"',
                where=f"table {current.table}",
                hint=f'set columns: "{column.header}": rename: {renamed} for the folder, or name it {name} again',
            )
        notices.append(
            f"the column {name} of {current.table} was dropped by hand; it is added again without its old values "
            "(run --reload FILE loads those of a file)"
        )
    return tuple(notices)


def _renamed_to(header: str | None, current: TableSchema, known: Collection[str]) -> str | None:
    """Return the column that has a header as its comment and that no import had; None if there is none."""
    names = (one.name for one in current.columns if one.name not in known and one.header == header)
    return None if header is None else next(names, None)


_OWN_TYPES: Final = frozenset(one.sql for one in SqlType)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneColumn:
    """A column that the history knows and the table does not have.

    Attributes:
        name: Its name.
        imports: The number of loaded imports with a value in it.
        renamed_to: Its new name, if its comment shows a renaming.
    """

    name: str
    imports: int
    renamed_to: str | None


def retyped_columns(
    connection: Connection, history: History, current: TableSchema, provenance: Provenance
) -> dict[str, str]:
    """Return the columns whose type is not the one that pgdatahub gave them last, with that type.

    A type of the server's own from the settings can have several names, and is not compared. A type that the loaded files
    need by now is right, though a user changed it before pgdatahub had to.
    """
    changed = {
        column.name: given
        for column in current.columns
        if (given := provenance.types.get(column.name)) in _OWN_TYPES and column.type.sql != given
    }
    if not changed:
        return {}  # the usual case, which reads no import
    observed = history.observed(connection, current.table)
    needed = {}
    for name in changed:
        types = [one.by_name[name].type for one in observed if name in one.by_name]
        own = [type_ for type_ in types if isinstance(type_, SqlType)]
        if len(own) == len(types):
            needed[name] = join_all(own).sql
    return {name: given for name, given in changed.items() if current.by_name[name].type.sql != needed.get(name)}


_GONE = sql.SQL("""
    SELECT column_name AS name, count(*) FILTER (WHERE facts -> 'evidence' <> '{{}}') AS imports,
           max(facts ->> 'header') AS header
      FROM {imports}, jsonb_each({observed}) AS columns (column_name, facts)
     WHERE table_schema = %(schema)s AND table_name = %(table)s AND status = %(loaded)s
       AND column_name <> ALL (%(present)s)
  GROUP BY 1 ORDER BY 1
""")


def gone_columns(
    connection: Connection, history: History, current: TableSchema, provenance: Provenance
) -> list[GoneColumn]:
    """Return the columns of loaded imports that are not in their table.

    The columns of all imports are read only if the table lost a column that pgdatahub made, or another program made the
    table.
    """
    present = list(current.by_name)
    if provenance.created and provenance.columns <= current.by_name.keys():
        return []
    values = {
        "schema": current.table.schema,
        "table": current.table.name,
        "loaded": Status.LOADED.value,
        "present": present,
    }
    rows = connection.execute(_GONE.format(imports=history.imports, observed=json_object("observed")), values)
    return [
        GoneColumn(name=row.name, imports=row.imports, renamed_to=_renamed_to(row.header, current, provenance.columns))
        for row in rows
    ]
