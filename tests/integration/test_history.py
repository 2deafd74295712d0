"""The history of a table that has had very many files."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from pgdatahub.config import FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import Duplicate
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history import metadata_setup
from pgdatahub.postgres.history.file_queries import PartKey, ask
from pgdatahub.postgres.history.import_columns import duplicate_to_json
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import take_inventory
from pgdatahub.postgres.history.known_rows import changed_files, imports_of_sizes
from pgdatahub.postgres.history.latest_imports import latest_imports, tables_of_imports
from pgdatahub.postgres.history.part_rows import imports_beside
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import create_engine, transaction

IMPORTS = 20_000
TABLE = TableName(schema="public", name="sales")


def fill(connection: Connection) -> None:
    connection.execute(
        """
            INSERT INTO etl_imports (table_name, source_file, file_sha256, row_count, imported_at, table_schema, identity,
                                     content_sha256, settings, sheets, run_id, bytes, seconds, counts, status, observed)
            SELECT 'sales', 'f' || i, lpad(i::text, 64, '0'), 1, 'epoch'::timestamp + i * interval '1 s', 'public',
                   i || repeat(' long', 1000), 'c' || lpad(i::text, 63, '0'), '', '[]', '', 1, 1, '{}', 'loaded', '{}'
              FROM generate_series(1, %(count)s) i
        """,
        {"count": IMPORTS},
    )
    connection.execute("ANALYZE etl_imports")


def test_repeats_of_a_file_are_found_by_indexes(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(database_url)
    asked: list[tuple[Any, Any]] = []
    execute = psycopg.Cursor.execute

    def recorded(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        asked.append((query, params))
        return execute(self, query, params, **options)

    with transaction(engine) as connection:
        History("public").ensure(connection)
        fill(connection)
        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Cursor, "execute", recorded)
            part = PartKey(table=TABLE, content_sha256=f"c{9:063}")
            (facts,) = ask(connection, "public", (part,), identity="7" + " long" * 1000, file_sha256=f"{8:064}")
        query, values = asked[-1]
        rows = connection.driver.execute(b"EXPLAIN " + query, values).fetchall()
    engine.dispose()
    plan = "\n".join(row[0] for row in rows)
    assert [past.file_sha256 for past in facts.related] == [f"{number:064}" for number in (7, 8, 9)]
    for index in ("etl_imports_identity", "etl_imports_file", "etl_imports_content"):
        assert f"Bitmap Index Scan on {index}" in plan


def test_latest_imports_are_found_by_indexes(database_url: str) -> None:
    engine = create_engine(database_url)
    history = History("public")
    with transaction(engine) as connection:
        history.ensure(connection)
        fill(connection)
        connection.execute("UPDATE etl_imports SET table_name = 'returns' WHERE id % 10 = 0")
        connection.execute("ANALYZE etl_imports")

        def read() -> int:
            query = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'etl_imports'"
            return int(connection.scalar(query))

        before = read()
        returns = TableName(schema="public", name="returns")
        assert tables_of_imports(connection, history) == {TABLE, returns}
        of_table = latest_imports(connection, history, tables={returns}, limit=2)
        assert [past.source_file for past in of_table.imports] == ["f19990", "f20000"]
        recent = datetime(1970, 1, 1) + timedelta(seconds=IMPORTS - 1)  # noqa: DTZ001 - the history has no time zones
        assert [past.source_file for past in latest_imports(connection, history, since=recent).imports] == [
            "f19999",
            "f20000",
        ]
        assert [past.source_file for past in history.select_imports(connection, file_tail="/f7")] == []
        assert read() == before, "no scan of the whole table"
        connection.execute("UPDATE etl_imports SET status = 'superseded' WHERE id <= %s", [IMPORTS - 100])
        connection.execute("UPDATE etl_imports SET status = 'held' WHERE id = 5")
        connection.execute("ANALYZE etl_imports")
        before = read()
        sales, returned = reversed(take_inventory(connection, history))
        assert (sales.imports, sales.held, sales.rows, returned.imports, returned.held) == (90, 1, 90, 10, 0)
        assert read() == before, "no scan of the whole table"
        every = latest_imports(connection, history, limit=3)
        assert [past.source_file for past in every.imports] == ["f19998", "f19999", "f20000"]
        assert (every.left_out, of_table.left_out) == (IMPORTS - 3, IMPORTS // 10 - 2)
    engine.dispose()


def test_known_files_are_found_without_superseded_imports(database_url: str) -> None:
    engine = create_engine(database_url)
    history = History("public")
    source = SourceFile(location="/data/a.xlsx", identity="a.xlsx", table=TABLE, options=FolderOptions(), size=0)
    with transaction(engine) as connection:
        history.ensure(connection)
        fill(connection)
        old = IMPORTS - 10
        connection.execute("UPDATE etl_imports SET bytes = id % 1000, identity = 'same' WHERE id <> 7")
        connection.execute("UPDATE etl_imports SET status = 'superseded' WHERE id <= %s AND id > 9", [old])
        connection.execute("UPDATE etl_imports SET status = 'held' WHERE id <= 8")
        seen = Duplicate(
            identity="b",
            source_file="/data/b",
            file_sha256="b",
            bytes=5,
            settings="",
            seen_at=datetime(2026, 1, 1),  # noqa: DTZ001
        )
        connection.execute("UPDATE etl_imports SET duplicates = %s WHERE id = 7", [Jsonb([duplicate_to_json(seen)])])
        connection.execute("ANALYZE etl_imports")
        # A small table is sometimes read whole, as PostgreSQL 12 does: it is an index for each query that counts here.
        connection.execute("SET LOCAL enable_seqscan = off")
        read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'etl_imports'"
        before = connection.scalar(read)
        files = [replace(source, size=size) for size in range(1000)]
        every = [1, 2, 3, 4, 5, 6, 7, 8, 9, *range(old + 1, IMPORTS + 1)]
        assert [past.id for past in imports_of_sizes(connection, history, files)] == every
        assert [past.id for past in imports_of_sizes(connection, history, files[1:3])] == [1, 2, 7]
        others = [("/data/a.xlsx", TABLE)]
        many = [f"f{number}" for number in range(10_000)]
        assert [past.id for past in imports_beside(connection, history, many, others)] == [9]
        assert changed_files(connection, history, {TABLE}) == {(TABLE, "same")}
        assert changed_files(connection, history, None) == {(TABLE, "same")}
        assert changed_files(connection, history, {TableName(schema="public", name="returns")}) == set()
        assert connection.scalar(read) < before + IMPORTS, "no query reads the whole table"
    engine.dispose()


def test_more_sizes_than_statement_parameters_are_looked_up(database_url: str) -> None:
    engine = create_engine(database_url)
    history = History("public")
    with transaction(engine) as connection:
        history.ensure(connection)
        fill(connection)
        assert len(history.select_imports(connection, sizes=range(70_000))) == IMPORTS
        assert history.select_imports(connection, sizes={2, 3}) == []
        assert history.tables_with_rows(connection) == {TABLE}
    engine.dispose()


def test_missing_indexes_are_created_beside_readers(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(database_url)
    history = History("public")
    said: list[str] = []

    def indexes(connection: Connection) -> set[tuple[str, str]]:
        query = "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'etl_imports'"
        return {(row[0], row[1]) for row in connection.execute(query)}

    with transaction(engine) as connection:
        history.ensure(connection, said.append)
        complete = indexes(connection)
        for name in ("etl_imports_latest", "etl_imports_source", "etl_imports_held"):
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    with transaction(engine) as connection:
        history.ensure(connection, said.append)
        assert indexes(connection) == complete
        modes = "SELECT mode::text FROM pg_locks WHERE relation = 'etl_imports'::regclass AND pid = pg_backend_pid()"
        assert "AccessExclusiveLock" not in {row[0] for row in connection.execute(modes)}
        assert said == []
        connection.execute("DROP INDEX etl_imports_latest")
        fill(connection)
        monkeypatch.setattr(metadata_setup, "_MANY_IMPORTS", IMPORTS - 1)
        history.ensure(connection, said.append)
        (line,) = said
        assert line.startswith("public.etl_imports has some 20,000 rows; creating etl_imports_latest once")
    engine.dispose()


def test_indexes_are_left_to_the_owner_of_the_history(database_url: str) -> None:
    engine = create_engine(database_url)
    history = History("public")
    with transaction(engine) as connection:
        history.ensure(connection)
        connection.execute("DROP INDEX etl_imports_latest")
    with transaction(engine) as connection:
        connection.execute("CREATE ROLE another_loader")
        connection.execute("SET LOCAL ROLE another_loader")
        history.ensure(connection)  # a loader with INSERT alone goes on
        assert connection.scalar("SELECT to_regclass('public.etl_imports_latest')::text") is None
        connection.execute("RESET ROLE")
        connection.execute("DROP ROLE another_loader")
    engine.dispose()
