"""The rows of one import are found by the index on ``load_timestamp``, without statistics and without reading the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.rows import import_rows
from pgdatahub.postgres.server.engine import create_engine, transaction

if TYPE_CHECKING:
    from tests.integration.undo.conftest import Hub

pytestmark = pytest.mark.integration

TABLE = TableName(schema="public", name="sales")
ROWS = 6000  # of 400 bytes, so that each file fills more than two of the index's ranges of 128 pages


def test_undoing_an_import_reads_its_part_of_the_table(hub: Hub) -> None:
    for number in range(6):
        rows = [[number * ROWS + row, f"{number} {row} ".ljust(380, "x")] for row in range(ROWS)]
        hub.write(f"sales/{number}.xlsx", ["Id", "Note"], rows)
    hub.load()
    engine = create_engine(hub.database_url)
    with transaction(engine) as connection:
        past = History("public").select_imports(connection, table=TABLE)[3]
        pages = connection.scalar("SELECT pg_relation_size('sales') / 8192")
        explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {}")
        statement = import_rows._of(import_rows._COUNT, TABLE, [past])
        explained = import_rows._by_index(connection, explain.format(statement)).fetchone()
        assert import_rows.find_rows(connection, past).count == ROWS
        analysed = connection.scalar("SELECT count(*) FROM pg_stats WHERE tablename = 'sales'")
    engine.dispose()
    assert explained is not None
    plan = json.dumps(explained[0])
    assert "Bitmap Index Scan" in plan
    read = explained[0][0]["Plan"]["Shared Hit Blocks"] + explained[0][0]["Plan"]["Shared Read Blocks"]
    assert pages > 6 * 2 * 128
    assert read < pages / 2
    assert analysed == 0
