"""Servers that speak PostgreSQL's protocol and are not PostgreSQL, recognised by their own version texts.

Such a server is refused if it cannot load a file, with its schema changes and its history, completely or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.server.pins import execute_despite_timeout

OLDEST: Final = 120000
"""``server_version_num`` of the oldest supported PostgreSQL."""
_YUGABYTE: Final = "-YB-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfDescription:
    """The facts that a server reports about itself.

    Attributes:
        version: As ``version()``.
        number: As ``server_version_num``.
        ddl_in_transaction: YugabyteDB's setting; None elsewhere.
        rows_per_transaction: YugabyteDB's setting; None elsewhere.
    """

    version: str
    number: int
    ddl_in_transaction: str | None = None
    rows_per_transaction: str | None = None


def refusal(server: SelfDescription) -> DatabaseError | None:
    """Return the error if a server cannot be loaded into; None if it can."""
    version = server.version
    if version.startswith("CockroachDB"):
        return DatabaseError(
            "this is CockroachDB, where changes of tables do not roll back with the rows of a file: half a file could stay",
            hint="use PostgreSQL, or Citus for many machines",
        )
    if _YUGABYTE in version:
        return _yugabyte(server)
    if server.number < OLDEST:
        name = next((name for name in ("Redshift", "Greenplum") if name in version), "the server")
        return DatabaseError(
            f"{name} speaks as PostgreSQL {server.number // 10000}, which is too old",
            hint=f"PostgreSQL {OLDEST // 10000} or newer is needed",
        )
    return None


def describe(connection: psycopg.Connection[Any]) -> SelfDescription:
    """Query a server for its facts; the connection must be in autocommit mode.

    The query goes through the driver, since SQLAlchemy fails on a version that does not begin like PostgreSQL's.
    """
    version = str(_first(connection, "SELECT version()"))
    if _YUGABYTE not in version:
        return SelfDescription(version=version, number=connection.info.server_version)
    return SelfDescription(
        version=version,
        number=connection.info.server_version,
        ddl_in_transaction=_first(connection, "SELECT current_setting('yb_ddl_transaction_block_enabled', true)"),
        rows_per_transaction=_first(
            connection, "SELECT current_setting('yb_default_copy_from_rows_per_transaction', true)"
        ),
    )


def _first(connection: psycopg.Connection[Any], query: str) -> str | None:
    row = execute_despite_timeout(connection, query.encode()).fetchone()
    return None if row is None else row[0]


def _yugabyte(server: SelfDescription) -> DatabaseError | None:
    if server.ddl_in_transaction != "on":
        return DatabaseError(
            "this is YugabyteDB without transactional DDL: changes of tables do not roll back with the rows of a file",
            hint="set ysql_yb_ddl_transaction_block_enabled=true on its tservers (YugabyteDB 2025.1 or newer)",
        )
    if server.rows_per_transaction not in (None, "0"):
        return DatabaseError(
            "this is YugabyteDB, whose COPY commits in the middle of a file",
            hint="ALTER ROLE … SET yb_default_copy_from_rows_per_transaction = 0 for the role that loads",
        )
    return None
