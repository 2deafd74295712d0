"""Whatever the first row says: a table with stable names, the headers as comments, and nothing injected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.model.schema import METADATA_TABLES, RESERVED_COLUMNS

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Warehouse

INJECTION = '"; drop table x; --'
HEADERS = (
    *("Amount", "Amount", "amount", "AMOUNT "),
    *("x" * 80, "x" * 79 + "y"),
    *("Имя клиента", "客户名称", "Größe", "Ελλάδα", "😀"),
    *("Rate %", "Rate", "#", "%", "%s", "%(name)s", "100%%"),
    *(INJECTION, "'; DROP SCHEMA public CASCADE; --", 'say "hello"', "it's", "a\\b", "{}", "{0}", ":name", "$1"),
    *("source_file", "Source File", "load_timestamp", "xmin", "ctid", "select", "tableoid"),
    *("two\nlines", "tab\there", "  spaces  ", "nul\0here", "1st", "2024", "a.b"),
)


@pytest.fixture(name="_victim")
def fixture_victim(warehouse: Warehouse) -> None:
    warehouse.root.mkdir()
    import psycopg

    with psycopg.connect(warehouse.url) as connection:
        connection.execute("CREATE TABLE x AS SELECT 1 AS one")


def _values(number: int) -> list[str]:
    return [f"{number} {position}" for position in range(len(HEADERS))]


@pytest.mark.usefixtures("_victim")
def test_any_header_loads_as_comment_and_injects_nothing(warehouse: Warehouse) -> None:
    warehouse.write("odd/a.xlsx", [HEADERS, _values(1)])
    warehouse.load()
    assert warehouse.rows("odd") == [tuple(_values(1))]
    comments = warehouse.headers("odd")
    assert [comments[name] for name in comments if name not in RESERVED_COLUMNS] == [
        header.replace("\0", "") for header in HEADERS
    ]
    names = list(comments)
    assert len({name.lower() for name in names}) == len(HEADERS) + 2
    assert all(len(name.encode()) <= 63 for name in names)
    assert warehouse.query("SELECT one FROM x") == [(1,)]
    assert warehouse.tables() == {"odd", "x", *METADATA_TABLES}


def test_second_file_with_equal_headers_gives_equal_columns(warehouse: Warehouse) -> None:
    warehouse.write("odd/a.xlsx", [HEADERS, _values(1)])
    warehouse.load()
    first = warehouse.columns("odd")
    warehouse.write("odd/b.xlsx", [HEADERS, _values(2)])
    report = warehouse.run()
    assert [result.outcome for result in report.results] == [Outcome.SKIPPED, Outcome.LOADED]
    assert report.results[1].changes == ()
    assert warehouse.columns("odd") == first
    assert warehouse.rows("odd") == [tuple(_values(1)), tuple(_values(2))]


def test_headers_that_become_one_name_are_numbered_and_said(warehouse: Warehouse) -> None:
    warehouse.write("odd/a.xlsx", [["Amount", "amount", "AMOUNT", "source_file"], [1, 2, 3, "x"]])
    (result,) = warehouse.load().results
    assert list(warehouse.columns("odd"))[:4] == ["amount", "amount_2", "amount_3", "source_file_2"]
    assert any('"Amount", "amount", "AMOUNT"' in notice for notice in result.notices)
    assert any('"source_file"' in notice for notice in result.notices)


def test_columns_without_a_header_are_named_by_their_position(warehouse: Warehouse) -> None:
    warehouse.write("odd/a.xlsx", [["a", None, "", "  ", "e"], [1, 2, 3, 4, 5]])
    warehouse.load()
    assert [name for name in warehouse.columns("odd") if name not in RESERVED_COLUMNS] == [
        *("a", "column_2", "column_3", "column_4", "e")
    ]
    assert warehouse.headers("odd")["column_2"] is None
    assert warehouse.rows("odd") == [(1, 2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("folder", "table"),
    [
        (INJECTION.replace("/", ""), "drop_table_x"),
        ("Продажи 2024", "prodazhi_2024"),
        ("销售", "xiaoshou"),
        ("100% done", "_100_percent_done"),
        ("it's {0} %s", "it_s_0_percent_s"),
        ("select", "select"),
    ],
)
@pytest.mark.usefixtures("_victim")
def test_any_folder_becomes_a_table_and_injects_nothing(warehouse: Warehouse, folder: str, table: str) -> None:
    warehouse.write(f"{folder}/a.xlsx", [["a"], [1]])
    warehouse.load()
    assert warehouse.tables() == {table, "x", *METADATA_TABLES}
    assert warehouse.rows(table) == [(1,)]
    ((source_file,),) = warehouse.query(f'SELECT source_file FROM "{table}"')
    assert source_file == str(warehouse.root / folder / "a.xlsx")


def test_a_folder_of_200_characters_becomes_a_table_of_63_bytes(warehouse: Warehouse) -> None:
    warehouse.write(f"{'long name ' * 20}/a.xlsx", [["a"], [1]])
    warehouse.load()
    (table,) = warehouse.tables() - set(METADATA_TABLES)
    assert len(table) <= 63
    assert warehouse.run().results[0].outcome is Outcome.SKIPPED


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_1598_columns_and_two_of_lineage_load(warehouse: Warehouse) -> None:
    warehouse.write("wide/a.xlsx", [[f"c{n}" for n in range(1598)], list(range(1598))])
    warehouse.load()
    assert len(warehouse.columns("wide")) == 1600
    assert warehouse.rows("wide") == [tuple(range(1598))]


@pytest.mark.parametrize("columns", [1599, 1601, 16384])
def test_too_many_columns_are_one_error_that_names_the_limit(warehouse: Warehouse, columns: int) -> None:
    warehouse.write("wide/a.xlsx", [[f"c{n}" for n in range(columns)], list(range(columns))])
    warehouse.write("wide/b.xlsx", [["a"], [1]])
    bad, good = warehouse.run().results
    assert bad.failure is not None
    assert bad.failure.kind == "SchemaError"
    assert "1,600" in f"{bad.failure.message} {bad.failure.hint}"
    assert good.outcome is Outcome.LOADED
    assert warehouse.rows("wide") == [(1,)]


def test_column_far_away_from_the_others_loads(warehouse: Warehouse) -> None:
    row: list[object] = [None] * 16384
    row[0], row[16383] = 1, 2
    warehouse.write("wide/a.xlsx", [["first"], row])
    warehouse.load()
    assert warehouse.rows("wide") == [(1, 2)]
    assert "column_16384" in warehouse.columns("wide")


def test_row_too_large_for_a_page_is_an_error_with_the_limit(warehouse: Warehouse) -> None:
    # 1,500 texts of 20 characters: short enough to stay in the row, too many for 8 kB.
    warehouse.write("wide/a.xlsx", [[f"c{n}" for n in range(1500)], [f"{n:020d}" for n in range(1500)]])
    failure = warehouse.fail().failure
    assert failure is not None
    assert "8 kB" in f"{failure.message} {failure.hint}"
    assert "wide" not in warehouse.tables()
