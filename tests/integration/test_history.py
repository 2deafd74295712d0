"""The history of a table that has had very many files."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, text

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.engine import create_engine, transaction
from pgdatahub.postgres.history import History

IMPORTS = 20_000
TABLE = TableName(schema="public", name="sales")


def fill(connection: Connection) -> None:
    connection.execute(
        text("""
            INSERT INTO etl_imports (table_name, source_file, file_sha256, row_count, imported_at, table_schema, identity,
                                     content_sha256, settings, sheets, run_id, bytes, seconds, counts, status, observed)
            SELECT 'sales', 'f' || i, 'file ' || i, 1, 'epoch'::timestamp + i * interval '1 s', 'public',
                   i || repeat(' long', 1000), 'content ' || i, '', '[]', '', 1, 1, '{}', 'loaded', '{}'
              FROM generate_series(1, :count) i
        """),
        {"count": IMPORTS},
    )
    connection.execute(text("ANALYZE etl_imports"))


def test_what_a_file_may_repeat_is_found_by_indexes_however_many_imports_there_are(database_url: str) -> None:
    engine = create_engine(database_url)
    history = History("public")
    asked: list[tuple[str, Any]] = []
    with transaction(engine) as connection:
        history.ensure(connection)
        fill(connection)
        event.listen(
            engine, "before_cursor_execute", lambda _c, _cursor, query, values, *_: asked.append((query, values))
        )
        found = history.related(
            connection, TABLE, identity="7" + " long" * 1000, file_sha256="file 8", content_sha256="content 9"
        )
        query, values = asked[-1]
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {query}", values).scalars())
    engine.dispose()
    assert [past.file_sha256 for past in found] == ["file 7", "file 8", "file 9"]
    for index in ("etl_imports_identity", "etl_imports_file", "etl_imports_content"):
        assert f"Bitmap Index Scan on {index}" in plan


def test_files_of_more_sizes_than_a_statement_has_parameters_are_looked_up_at_once(database_url: str) -> None:
    engine = create_engine(database_url)
    history = History("public")
    with transaction(engine) as connection:
        history.ensure(connection)
        fill(connection)
        assert len(history.select_imports(connection, sizes=range(70_000))) == IMPORTS
        assert history.select_imports(connection, sizes={2, 3}) == []
        assert history.tables_with_rows(connection) == {TABLE}
    engine.dispose()
