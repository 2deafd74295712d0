"""Fixtures on which the other tests rely."""

from __future__ import annotations

import psycopg


def test_each_test_gets_an_empty_database_of_its_own(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT current_database(), count(*) FROM pg_class WHERE relnamespace = 2200"
        ).fetchone()
    assert row is not None
    assert row[0].startswith("test_")
    assert row[1] == 0
