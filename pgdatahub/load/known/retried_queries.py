"""Queries of a run in short transactions of their own, retried after transient errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pgdatahub.errors import ContentionError, DatabaseError, TransientDatabaseError
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.system.retry import with_retries

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedQueries:
    """Queries of the target database.

    Attributes:
        database: The target database; None for a dry run, which asks no database.
        reporter: Receives notices for the user.
    """

    database: Database | None
    reporter: Reporter

    def ask(self, query: Callable[[Connection], Answer], otherwise: Answer, *, read_only: bool = True) -> Answer:
        """Return the answer of a query in a transaction of its own.

        Args:
            query: The query; a retry calls it again.
            otherwise: The answer without a database.
            read_only: The transaction writes nothing.

        Raises:
            DatabaseError: The database is gone.
        """
        database = self.database
        if database is None:
            return otherwise

        def once() -> Answer:
            with transaction(database.engine, read_only=read_only) as connection:
                return query(connection)

        return with_retries(once, self.gave_way)

    def gave_way(self, error: TransientDatabaseError) -> None:
        """Report an error after which a transaction is retried, and reconnect if the connection was lost."""
        self.reporter(Notice(text=f"{error.message}; trying again"))
        if self.database is not None and not isinstance(error, ContentionError):
            with suppress(DatabaseError):
                self.database.revive()
