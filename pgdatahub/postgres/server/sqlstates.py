"""Meanings of SQLSTATE for a user (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

from __future__ import annotations

from typing import Final

from pgdatahub.errors import (
    ContentionError,
    DatabaseError,
    LoadError,
    PgDataHubError,
    PrivilegeError,
    SchemaError,
    TransientDatabaseError,
)

_IN_THE_WAY: Final = "another session is in the way; nothing was kept, so run again when it is done"
_AGAIN: Final = "try again; nothing of the file was kept"

_MEANINGS: Final[tuple[tuple[tuple[str, ...], type[PgDataHubError], str | None], ...]] = (
    # Serialization failure, deadlock, lock timeout.
    (("40001", "40P01", "55P03"), ContentionError, _IN_THE_WAY),
    # Shutdowns, start-up, idle timeouts.
    (("57P01", "57P02", "57P03", "57P05", "25P03", "08"), TransientDatabaseError, _AGAIN),
    (
        ("53300",),
        TransientDatabaseError,
        "try again; or lower ETL_WORKERS, or raise max_connections or the CONNECTION LIMIT of the role or the database",
    ),
    (
        ("57014",),
        LoadError,
        "a user cancelled the statement with pg_cancel_backend, or the role's statement_timeout is too short to set it to 0",
    ),
    (("25P04",), DatabaseError, "transaction_timeout ended the session: ALTER ROLE … SET transaction_timeout = 0"),
    (("28P01",), DatabaseError, "check the user and the password in DATABASE_URL"),
    (
        ("28",),
        DatabaseError,
        "check the user in DATABASE_URL, that the role may log in, and that pg_hba.conf admits user, database, address and sslmode",
    ),
    (("3D000",), DatabaseError, "create the database, or correct its name in DATABASE_URL"),
    (("42501",), PrivilegeError, "grant the role what it lacks, or use another role or ETL_SCHEMA"),
    (
        ("25006",),
        DatabaseError,
        "the server is a standby, or default_transaction_read_only is on for the role or the database",
    ),
    (("53100", "53200"), DatabaseError, "the server is out of disk space or memory"),
    (
        ("54",),
        SchemaError,
        "a limit of PostgreSQL: a table has at most 1,600 columns, and a row 8 kB beside long texts",
    ),
    (("2BP01", "0A000"), SchemaError, "something depends on the column"),
    (
        ("42710", "42P07"),
        SchemaError,
        "another object of the database has the name: rename it, or set table: for the folder, or ETL_SCHEMA",
    ),
    (("23502",), LoadError, "the table has a column that must not be empty, and the file has no value for it"),
    (("23",), LoadError, "the table has a constraint that the file breaks"),
    (
        ("22P05", "22021"),
        LoadError,
        "the database's encoding does not have the character: load into one with ENCODING 'UTF8'",
    ),
    (
        ("22008", "22015"),
        LoadError,
        "this server cannot hold so long an interval, or such a moment: correct the cell, or load the column as text",
    ),
    (("22",), LoadError, "the column's type is the table's own and cannot hold the value"),
)
"""SQLSTATE prefixes → error class and hint; the first that matches counts."""


def meaning(state: str, message: str, *, where: str | None = None) -> PgDataHubError | None:
    """Return the error for a SQLSTATE; None if the state has no meaning of its own here."""
    for prefixes, kind, hint in _MEANINGS:
        if state.startswith(prefixes):
            return kind(message, where=where, hint=hint)
    return None


FOREIGN_KEY: Final = ("23503", "23001")
"""A missing row that another row refers to, or a row that is still referred to (23001: ``RESTRICT``, PostgreSQL 18)."""
CANCELLED: Final = "57014"
"""A cancelled statement; the row that it had reached is not the cause."""

ROW_SECURITY: Final = "check_enable_rls"
"""The server's function that refuses to hide rows; its error has the state of a missing privilege."""
ROW_SECURITY_HINT: Final = "load as a role with BYPASSRLS, or as the table's owner; if this role is the owner: ALTER TABLE … NO FORCE ROW LEVEL SECURITY"


def one_line(message: str) -> str:
    """Join the lines of a message; libpq tries every address of a host and repeats its message."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(lines[:3])).rstrip(".") if lines else "unknown error"
