"""The server of these tests is asked what it is, once for each engine, and let in."""

from __future__ import annotations

import psycopg
import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.database import connect
from pgdatahub.postgres.server.dialects import describe, refusal


def test_a_server_describes_itself(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        described = describe(connection)
    assert described.version.startswith("PostgreSQL ")
    assert described.number >= 120000
    assert refusal(described) is None


def test_refused_server_is_refused_before_any_other_query(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgdatahub.postgres.server.dialects.OLDEST", 990000)
    with pytest.raises(DatabaseError, match="too old"):
        connect(database_url)
