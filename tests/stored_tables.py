"""Contents of tables that tests compare, and a database for the tests of a module."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from pgdatahub.postgres.server.temporary import drop_database


@dataclass(slots=True, kw_only=True)
class StoredTables:
    """The tables of a database.

    Attributes:
        connection: A connection that commits by itself.
    """

    connection: psycopg.Connection[Any]

    def execute(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(query.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def types(self, table: str) -> dict[str, str]:
        """Return the columns and their types, those of lineage left out."""
        return {
            name: kind
            for name, kind in self.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                table,
            )
            if name not in ("source_file", "load_timestamp")
        }

    def texts(self, table: str) -> list[tuple[str | None, ...]]:
        """Return the rows in their order as the server writes them, columns by name, lineage left out."""
        names = sorted(self.types(table))
        if not names:
            return []
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        query = sql.SQL("SELECT {} FROM {} ORDER BY ctid").format(columns, sql.Identifier(table))
        return self.connection.execute(query).fetchall()

    def dump(self, table: str) -> tuple[dict[str, str], list[tuple[str | None, ...]]]:
        return self.types(table), self.texts(table)


@contextmanager
def database_of_module(server_url: str, prefix: str) -> Iterator[str]:
    """Make a database, yield its connection string, and drop it."""
    name = f"{prefix}_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        parameters = admin.info.get_parameters() | {"dbname": name}
        if admin.info.password:
            parameters["password"] = admin.info.password
    yield psycopg.conninfo.make_conninfo(**parameters)
    drop_database(server_url, name)
