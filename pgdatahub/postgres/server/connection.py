"""A connection in a transaction: psycopg for the statements of every file, SQLAlchemy on request.

Most runs never need SQLAlchemy. Its import takes a quarter of a second of a run's start, so a connection imports
SQLAlchemy only for a statement of SQLAlchemy's own or for the hook of a plugin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

from pgdatahub.postgres.server.pins import begin

if TYPE_CHECKING:
    from sqlalchemy import Connection as AlchemyConnection
    from sqlalchemy import CursorResult, Executable
    from typing_extensions import LiteralString

    from pgdatahub.postgres.server.alchemy import Bridge

    Query: TypeAlias = "LiteralString | bytes | sql.SQL | sql.Composed"

Parameters: TypeAlias = "Mapping[str, Any] | Sequence[Any] | None"

_BENEATH = "pgdatahub"


class Connection:
    """A connection in one transaction, which begins with its first statement.

    Args:
        driver: The psycopg connection, in autocommit mode.
        bridge: The factory of SQLAlchemy connections.
        read_only: The transaction must not write.
    """

    def __init__(self, driver: psycopg.Connection[Any], bridge: Bridge, *, read_only: bool = False) -> None:
        self._driver = driver
        self._bridge = bridge
        self._read_only = read_only
        self._begun = False
        self._sqlalchemy: AlchemyConnection | None = None
        self._ending = ExitStack()
        self._pipelined = False

    @property
    def info(self) -> psycopg.ConnectionInfo:
        """Facts about the server, without a query."""
        return self._driver.info

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The psycopg connection, in the transaction."""
        if not self._begun:
            self._begun = True
            begin(self._driver, read_only=self._read_only)
        return self._driver

    @property
    def sqlalchemy(self) -> AlchemyConnection:
        """A SQLAlchemy connection in the same transaction, which it can neither commit nor close."""
        if self._sqlalchemy is None:
            self._sqlalchemy = self._bridge.connect(self.driver)
            self._sqlalchemy.info[_BENEATH] = self
        return self._sqlalchemy

    @staticmethod
    def beneath(connection: Connection | AlchemyConnection) -> Connection:
        """Return the connection beneath a SQLAlchemy connection; return a :class:`Connection` unchanged."""
        if isinstance(connection, Connection):
            return connection
        beneath: Connection = connection.info[_BENEATH]
        return beneath

    @overload
    def execute(self, query: Query, parameters: Parameters = None) -> psycopg.Cursor[Any]: ...

    @overload
    def execute(self, query: Executable, parameters: Any = None) -> CursorResult[Any]: ...

    def execute(self, query: Query | Executable, parameters: Any = None) -> psycopg.Cursor[Any] | CursorResult[Any]:
        """Execute a statement; its rows have the columns as attributes.

        Args:
            query: A psycopg query with ``%(name)s`` for parameters; or a statement of SQLAlchemy's.
            parameters: By name or position.

        Raises:
            psycopg.Error: The server refused the statement; SQLAlchemy wraps the errors of its own statements.
        """
        if isinstance(query, (str, bytes, sql.SQL, sql.Composed)):
            return self.driver.cursor(row_factory=namedtuple_row).execute(query, parameters)
        return self.sqlalchemy.execute(query, parameters)

    def scalar(self, query: Query, parameters: Parameters = None) -> Any:
        """Execute a psycopg query; return the first value of its first row, None without a row."""
        row = self.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def one(self, query: Query, parameters: Parameters = None) -> Any:
        """Execute a psycopg query that has one row; return the row.

        Raises:
            LookupError: The query returned no row.
        """
        row = self.execute(query, parameters).fetchone()
        if row is None:
            raise LookupError("the statement has no row")
        return row

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Send the statements of a block together; their rows arrive after the block.

        Raises:
            psycopg.Error: The server refused one statement, and skipped the rest.
        """
        if not psycopg.Pipeline.is_supported():
            yield
            return
        # Behind a pooler the session's timeouts stand: the beginning of the transaction, which lifts them, is repeatable alone.
        driver = self._driver if self._driver.prepare_threshold is not None else self.driver
        with driver.pipeline():
            yield

    def pipeline_to_end(self) -> None:
        """Send the following statements together with COMMIT; a statement whose rows are fetched goes earlier."""
        if psycopg.Pipeline.is_supported():
            self._ending.enter_context(self.driver.pipeline())
            self._pipelined = True

    def commit(self) -> None:
        """Commit and end the transaction.

        Raises:
            psycopg.Error: The server refused the COMMIT or a statement sent with it.
        """
        if self._pipelined:
            self._driver.execute("COMMIT")
        elif self._begun:
            self._driver.commit()
        self.leave()

    def leave(self) -> None:
        """Release everything but the driver's connection.

        Raises:
            psycopg.Error: The server refused a statement that was sent late.
        """
        self._ending.close()
        if self._sqlalchemy is not None:
            self._sqlalchemy.close()
            self._sqlalchemy = None
