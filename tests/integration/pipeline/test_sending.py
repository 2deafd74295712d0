"""Rows that are sent from a thread arrive in their order, all or none, and no more of them wait than is good."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
import pytest

from pgdatahub.postgres.rows.copy_writer import BackgroundWriter

BLOCK = b"".join(b"%d\n" % number for number in range(100_000))


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE t (n integer)")
        connection.commit()
        yield connection


def copy(connection: psycopg.Connection[Any], blocks: Iterable[bytes]) -> int:
    cursor = connection.cursor()
    with cursor.copy("COPY t FROM STDIN", writer=BackgroundWriter(cursor)) as stream:
        for block in blocks:
            stream.write(block)
    return cursor.rowcount


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "copy"]


@pytest.mark.parametrize("blocks", [0, 1, 2, 40])
def test_all_rows_arrive_in_their_order(blocks: int, connection: psycopg.Connection[Any]) -> None:
    assert copy(connection, [BLOCK] * blocks) == 100_000 * blocks
    found = connection.execute("SELECT string_agg(n::text, E'\\n' ORDER BY ctid) FROM t").fetchone()
    assert found == (((BLOCK * blocks).decode().rstrip("\n")) or None,)
    assert threads() == []


def test_mistake_between_two_blocks_ends_copy_keeps_nothing(connection: psycopg.Connection[Any]) -> None:
    def blocks() -> Iterator[bytes]:
        yield from [BLOCK] * 10
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), connection.transaction():
        copy(connection, blocks())
    assert threads() == []
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_row_refused_by_the_server_is_named_among_many(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), connection.transaction():
        copy(connection, [b"n/a\n", *[BLOCK] * 40])
    assert threads() == []
    assert copy(connection, [BLOCK, BLOCK]) == 200_000


def test_a_connection_that_is_lost_is_told(connection: psycopg.Connection[Any], database_url: str) -> None:
    def blocks() -> Iterator[bytes]:
        yield BLOCK
        yield BLOCK
        with psycopg.connect(database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        yield from [BLOCK] * 40

    with pytest.raises(psycopg.OperationalError):
        copy(connection, blocks())
    assert threads() == []


def test_a_slow_server_is_waited_for_before_much_is_made_for_it(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    connection.execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN new; END $$"
    )
    connection.execute("CREATE TRIGGER wait BEFORE INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION wait()")
    connection.commit()
    made: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield BLOCK

    copying = threading.Thread(target=copy, args=(connection, blocks()))
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(1)")
        copying.start()
        before = -1
        while len(made) != before:
            before = len(made)
            time.sleep(0.5)
        # 8 MB wait here, and some in what lies between.
        assert len(made) * len(BLOCK) < 20 * 2**20
    copying.join()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (100 * 100_000,)


def test_few_bytes_are_sent_without_a_thread(connection: psycopg.Connection[Any]) -> None:
    def blocks() -> Iterator[bytes]:
        for number in range(3):
            yield b"%d\n" % number
            assert threads() == []

    assert copy(connection, blocks()) == 3
    assert connection.execute("SELECT array_agg(n ORDER BY ctid) FROM t").fetchone() == ([0, 1, 2],)
