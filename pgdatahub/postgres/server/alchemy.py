"""SQLAlchemy on a psycopg connection that the caller owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy


class Bridge:
    """Factory of SQLAlchemy connections on given psycopg connections; the first one imports SQLAlchemy."""

    def __init__(self) -> None:
        self._engine: sqlalchemy.Engine | None = None
        self._lent: list[psycopg.Connection[Any]] = []

    def connect(self, driver: psycopg.Connection[Any]) -> sqlalchemy.Connection:
        """Return a connection on ``driver``; the owner of ``driver`` alone commits and closes it."""
        if self._engine is None:
            self._engine = self._make_engine()
        self._lent.append(driver)
        return self._engine.connect()

    def _make_engine(self) -> sqlalchemy.Engine:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        engine = create_engine("postgresql+psycopg://", creator=self._lent.pop, poolclass=NullPool)
        # SQLAlchemy rolls back after its first queries and closes what it releases; the transaction must go on.
        for name in ("do_begin", "do_rollback", "do_commit", "do_close", "do_terminate"):
            setattr(engine.dialect, name, _leave_alone)
        return engine


def _leave_alone(_connection: object) -> None:
    """Do nothing: the owner of the connection ends its transaction."""
