"""Databases for the tests of plugins."""

from __future__ import annotations

import psycopg
import pytest

from pgdatahub.testing import temporary_database


def test_temporary_database_is_new_and_gone_even_if_in_use(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", server_url)
    with temporary_database() as first, temporary_database() as second:
        assert first != second
        connection = psycopg.connect(first, autocommit=True)
        connection.execute("CREATE TABLE t ()")
        name = connection.info.dbname
        assert name.startswith("pgdatahub_test_")
    with psycopg.connect(server_url) as server:
        assert server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None
    connection.close()


def test_without_a_server_named_it_is_on_the_embedded_one(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    del server_url  # runs in the same home, so that nothing has to be made
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setenv("PGDATABASE", "another")
    with temporary_database() as database, psycopg.connect(database) as connection:
        assert connection.info.dbname.startswith("pgdatahub_test_")
