"""``verify``: each kind of difference between tables and history is found, and nothing else is."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import xlsxwriter
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.errors import ConfigError
from pgdatahub.runs.verification.result import Difference, DifferenceKind, TableCheck
from tests.integration.undo.conftest import Hub

JAN = [[1, 10, "a"], [2, 20, "b"], [3, 30, "c"]]
FEB = [[4, 40, "d"], [5, 50, "e"]]
HEADERS = ["id", "amount", "note"]


@pytest.fixture
def loaded(hub: Hub) -> Hub:
    hub.write("sales/jan.xlsx", HEADERS, JAN)
    hub.write("sales/feb.xlsx", HEADERS, FEB)
    hub.load()
    return hub


@pytest.fixture
def as_reader(loaded: Hub) -> Iterator[str]:
    """The database's URL for a role that may read and nothing else, not even make a temporary table."""
    role = f"reader_{secrets.token_hex(4)}"
    loaded.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'reader'")
    database = urlsplit(loaded.database_url).path[1:]
    loaded.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    loaded.execute("GRANT SELECT ON sales, etl_imports, etl_schema_changes TO PUBLIC")
    parts = urlsplit(loaded.database_url)
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("passfile="))
    yield parts._replace(netloc=f"{role}:reader@{host}", query=query).geturl()
    loaded.execute(f"DROP ROLE {role}")


def _check(hub: Hub, table: str = "sales", **arguments: Any) -> TableCheck:
    return next(one for one in hub.verify(**arguments).tables if one.table.name == table)


def _kinds(hub: Hub) -> list[DifferenceKind]:
    return [one.kind for table in hub.verify().tables for one in table.differences]


def _only(hub: Hub) -> Difference:
    (found,) = [one for table in hub.verify().tables for one in table.differences]
    return found


def _id(hub: Hub, file: str) -> int:
    return next(past.id for past in hub.imports() if past.identity == file)


def _gone(hub: Hub) -> None:
    for file in hub.root.rglob("*.xlsx"):
        file.unlink()


# ── no difference ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_reads_no_value_after_a_load(loaded: Hub) -> None:
    check = _check(loaded)
    assert (check.rows, check.imports, check.as_written, check.same_values) == (5, 2, 2, 0)
    assert loaded.verify().exit_code == 0


def test_verify_without_a_load_finds_nothing(hub: Hub) -> None:
    found = hub.verify()
    assert found.tables == ()
    assert found.exit_code == 0


KINDS: dict[str, list[Any]] = {
    "whole": [1, 2, -3, 2**40],
    "fraction": [0.1, 1e300, -2.5e-7, 1234567.125],
    "digits": ["a", 12345678901234567, 0.30000000000000004, 5],
    "flag": [True, False, None, True],
    "day": [date(2024, 1, 31), date(1999, 12, 31), None, date(2024, 2, 29)],
    "moment": [datetime(2024, 1, 31, 10, 20, 30), datetime(2024, 1, 31), None, datetime(2024, 5, 6, 7, 8, 9)],  # noqa: DTZ001
    "clock": [time(10, 20, 30), time(0, 0, 1), None, time(23, 59, 59)],
    "text": ["tab\tand\nline\\", "\\N", " padded ", "é日本\b\f\v"],
    "empty": [None, None, None, None],
}
ROWS = [list(row) for row in zip(*KINDS.values(), strict=True)]


def test_verify_proves_values_after_every_widening(hub: Hub) -> None:
    hub.write("sales/a.xlsx", list(KINDS), ROWS)
    hub.load()
    hub.write("sales/b.xlsx", list(KINDS), [["x"] * len(KINDS)])
    hub.load()
    assert set(hub.types("sales").values()) - {"text", "timestamp without time zone"} == set()
    check = _check(hub)
    assert check.differences == ()
    assert (check.as_written, check.same_values, check.same_file) == (1, 1, 0)


def test_verify_proves_values_without_widening(hub: Hub) -> None:
    hub.write("sales/a.xlsx", list(KINDS), ROWS)
    hub.load()
    assert len(set(hub.types("sales").values())) > 5
    check = _check(hub, every_value=True)
    assert check.differences == ()
    assert (check.as_written, check.same_values) == (0, 1)


def test_verify_proves_intervals(hub: Hub) -> None:
    path = hub.root / "sales" / "a.xlsx"
    path.parent.mkdir()
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        elapsed = book.add_format({"num_format": "[h]:mm:ss"})
        sheet.write_row(0, 0, ["spent"])
        for number, spent in enumerate((timedelta(hours=30), timedelta(hours=-2, minutes=3), timedelta(seconds=1)), 1):
            sheet.write_number(number, 0, spent / timedelta(days=1), elapsed)
    hub.load()
    assert hub.types("sales")["spent"] == "interval"
    assert _check(hub, every_value=True).same_values == 1


def test_verify_proves_files_of_several_sheets_by_the_file(hub: Hub) -> None:
    path = hub.root / "sales" / "a.xlsx"
    path.parent.mkdir()
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("one", "two"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["id"])
            sheet.write_row(1, 0, [len(name)])
    hub.configure('sales:\n  sheet: "*"\n')
    hub.load()
    hub.execute("UPDATE sales SET id = id")
    assert _check(hub).same_file == 1
    _gone(hub)
    check = _check(hub)
    assert check.differences == ()
    assert "several sheets" in check.unproved[0].reason


def test_verify_agrees_after_a_dump_and_its_restore(loaded: Hub) -> None:
    # As a restore does: the same rows, written by other transactions.
    loaded.execute(
        "CREATE TABLE kept AS TABLE sales; TRUNCATE sales; INSERT INTO sales SELECT * FROM kept; DROP TABLE kept"
    )
    _gone(loaded)
    check = _check(loaded)
    assert (check.same_values, check.differences) == (2, ())


def test_values_are_read_after_a_restore_in_one_transaction(loaded: Hub) -> None:
    # As psql -1 and pg_restore -1 do: the history and the rows get the number of one transaction.
    loaded.execute("UPDATE sales SET amount = 99 WHERE id = 1")
    names = ("sales", "etl_imports", "etl_schema_changes")
    loaded.execute(";".join(f"CREATE TABLE k_{name} AS TABLE {name}; TRUNCATE {name}" for name in names))
    loaded.execute(";".join(f"INSERT INTO {name} TABLE k_{name}; DROP TABLE k_{name}" for name in names))
    check = _check(loaded)
    assert [(one.kind, one.file) for one in check.differences] == [(DifferenceKind.CHANGED, "sales/jan.xlsx")]
    assert (check.as_written, check.verified) == (0, 1)


def test_verify_agrees_if_rows_moved_and_the_file_is_there(loaded: Hub) -> None:
    loaded.execute("UPDATE sales SET amount = amount WHERE id = 1")
    check = _check(loaded)
    assert (check.as_written, check.same_file, check.differences) == (1, 1, ())


def test_verify_leaves_the_tables_as_they_are(loaded: Hub) -> None:
    loaded.execute("UPDATE sales SET amount = 99 WHERE id = 1")
    before = (loaded.state(), loaded.history())
    loaded.verify()
    assert (loaded.state(), loaded.history()) == before


def test_verify_agrees_after_the_whole_life_of_files(loaded: Hub) -> None:
    loaded.load(reload=["sales/jan.xlsx"])
    loaded.revert(source_file="feb.xlsx", schema=True)
    shutil.copy(loaded.root / "sales/jan.xlsx", loaded.root / "sales/copy.xlsx")
    loaded.load()
    loaded.write("sales/mar.xlsx", [*HEADERS, "extra"], [["x", "y", 1, 2]])
    loaded.load()
    loaded.revert(source_file="mar.xlsx", schema=True)
    check = _check(loaded)
    assert check.differences == ()
    assert check.unproved == ()


def test_verify_ignores_rows_of_a_table_of_others(hub: Hub) -> None:
    hub.execute("CREATE TABLE sales (id integer, own text DEFAULT 'x'); INSERT INTO sales VALUES (7)")
    hub.write("sales/jan.xlsx", HEADERS, JAN)
    hub.load()
    check = _check(hub)
    assert (check.rows, check.differences) == (4, ())
    hub.execute("UPDATE sales SET own = 'y'")
    check = _check(hub)
    assert (check.same_values, check.differences) == (1, ())


# ── differences ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_missing_rows_are_counted_for_their_import(loaded: Hub) -> None:
    loaded.execute("DELETE FROM sales WHERE id IN (1, 2)")
    found = _only(loaded)
    assert (found.kind, found.rows, found.file) == (DifferenceKind.MISSING, 2, "sales/jan.xlsx")
    assert found.import_id == _id(loaded, "sales/jan.xlsx")
    assert loaded.verify().exit_code == 1
    loaded.load(reload=["sales/jan.xlsx"])
    assert _kinds(loaded) == []


def test_all_rows_deleted_are_missing(loaded: Hub) -> None:
    loaded.execute("TRUNCATE sales")
    assert _kinds(loaded) == [DifferenceKind.MISSING] * 2


def test_added_rows_are_counted_for_their_import(loaded: Hub) -> None:
    loaded.execute("INSERT INTO sales SELECT * FROM sales WHERE id = 1")
    found = _only(loaded)
    assert (found.kind, found.rows, found.file) == (DifferenceKind.ADDED, 1, "sales/jan.xlsx")


@pytest.mark.parametrize("gone", [False, True], ids=["file there", "file gone"])
@pytest.mark.parametrize(
    ("statement", "files"),
    [
        ("UPDATE sales SET amount = 99 WHERE id = 1", ["sales/jan.xlsx"]),
        ("UPDATE sales SET amount = amount + 1 WHERE id <= 3", ["sales/jan.xlsx"]),
        ("UPDATE sales SET amount = amount + 1", ["sales/feb.xlsx", "sales/jan.xlsx"]),
        ("UPDATE sales SET note = NULL WHERE id = 5", ["sales/feb.xlsx"]),
        ("ALTER TABLE sales ALTER note TYPE text USING note || '!'", ["sales/feb.xlsx", "sales/jan.xlsx"]),
    ],
    ids=["a row", "an import", "all rows", "to null", "by alter"],
)
def test_changed_rows_are_found(loaded: Hub, statement: str, files: list[str], gone: bool) -> None:
    loaded.execute(statement)
    if gone:
        _gone(loaded)
    (check,) = loaded.verify().tables
    assert [one.kind for one in check.differences] == [DifferenceKind.CHANGED] * len(files)
    assert sorted(str(one.file) for one in check.differences) == files


def test_empty_text_is_not_null(hub: Hub) -> None:
    hub.write("sales/jan.xlsx", HEADERS, [[1, 2, "x"], [2, 3, None]])
    hub.load()
    _gone(hub)
    hub.execute("UPDATE sales SET note = coalesce(note, '')")
    assert _only(hub).kind is DifferenceKind.CHANGED


def test_value_in_a_column_that_the_file_lacks_is_found(loaded: Hub) -> None:
    loaded.write("sales/mar.xlsx", [*HEADERS, "extra"], [[6, 60, "f", 1]])
    loaded.load()
    loaded.execute("UPDATE sales SET extra = 5 WHERE id <= 3")
    found = _only(loaded)
    assert (found.kind, found.rows, found.file) == (DifferenceKind.CHANGED, 3, "sales/jan.xlsx")


def test_orphaned_rows_are_those_of_a_reverted_import(loaded: Hub) -> None:
    loaded.execute("CREATE TABLE kept AS SELECT * FROM sales WHERE id > 3")
    loaded.revert(source_file="feb.xlsx")
    assert _kinds(loaded) == []
    loaded.execute("INSERT INTO sales SELECT * FROM kept; DROP TABLE kept")
    found = _only(loaded)
    assert (found.kind, found.rows, found.file) == (DifferenceKind.ORPHANED, 2, "sales/feb.xlsx")


def test_import_that_the_history_lost_is_unknown(loaded: Hub) -> None:
    loaded.execute("DELETE FROM etl_imports WHERE identity = 'sales/feb.xlsx'")
    found = _only(loaded)
    assert (found.kind, found.rows) == (DifferenceKind.UNKNOWN, 2)
    assert str(found.file).endswith("/sales/feb.xlsx")


@pytest.mark.parametrize("statement", ["DROP TABLE etl_imports", "DROP TABLE etl_imports, etl_schema_changes"])
def test_lost_history_leaves_unknown_imports(loaded: Hub, statement: str) -> None:
    loaded.execute(statement)
    assert _kinds(loaded) == [DifferenceKind.UNKNOWN] * 2


def test_content_hash_changed_by_hand_is_found(loaded: Hub) -> None:
    loaded.execute("UPDATE etl_imports SET content_sha256 = repeat('a', 64) WHERE identity = 'sales/jan.xlsx'")
    found = _only(loaded)
    assert (found.kind, found.import_id) == (DifferenceKind.HISTORY, _id(loaded, "sales/jan.xlsx"))
    assert "content_sha256" in found.text
    loaded.execute("DELETE FROM etl_imports WHERE identity = 'sales/jan.xlsx'")  # as the hint says
    loaded.load(adopt=True)
    assert _kinds(loaded) == []


def test_table_of_another_history_is_left_out(loaded: Hub) -> None:
    assert loaded.verify(schema_name="other").tables == ()


def test_renamed_source_file_is_missing_and_unknown(loaded: Hub) -> None:
    loaded.execute("UPDATE sales SET source_file = '/elsewhere.xlsx' WHERE id = 1")
    assert sorted(_kinds(loaded), key=lambda kind: kind.name) == [DifferenceKind.MISSING, DifferenceKind.UNKNOWN]


@pytest.mark.parametrize(
    "names", ["(id) VALUES (9)", "(id, source_file) VALUES (9, 'x')", "(load_timestamp) VALUES (now())"]
)
def test_row_without_an_import_is_found(loaded: Hub, names: str) -> None:
    loaded.execute(f"INSERT INTO sales {names}")
    assert (_only(loaded).kind, _only(loaded).rows) == (DifferenceKind.UNNAMED, 1)


@pytest.mark.parametrize("time", ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
def test_time_that_python_lacks_is_an_unknown_import(loaded: Hub, time: str) -> None:
    loaded.execute("UPDATE sales SET load_timestamp = %(time)s::text::timestamp WHERE id = 1", {"time": time})
    assert sorted(_kinds(loaded)) == sorted([DifferenceKind.MISSING, DifferenceKind.UNKNOWN])
    loaded.write("sales/mar.xlsx", HEADERS, [[6, 60, "f"]])
    loaded.load()  # notices the rows, and goes on
    assert _check(loaded).rows == 6


def test_dropped_column_is_named_with_its_imports(loaded: Hub) -> None:
    loaded.write("sales/mar.xlsx", ["id"], [[6]])
    loaded.load()
    loaded.execute("ALTER TABLE sales DROP COLUMN note")
    found = _only(loaded)
    assert (found.kind, found.column) == (DifferenceKind.COLUMN, "note")
    assert "2 imports had values in it" in found.text


@pytest.mark.parametrize("gone", [False, True], ids=["file", "no file"])
@pytest.mark.parametrize("again", ["by hand", "by hand with a default", "by a file"])
def test_column_added_again_without_its_values_is_found(loaded: Hub, again: str, gone: bool) -> None:
    loaded.write("sales/mar.xlsx", ["id", "note"], [[6, "f"]])
    loaded.load()
    loaded.execute("ALTER TABLE sales DROP COLUMN amount")
    if again == "by a file":
        loaded.write("sales/apr.xlsx", HEADERS, [[7, 70, "g"]])
        loaded.load()
    else:
        loaded.execute("ALTER TABLE sales ADD amount integer" + (" DEFAULT 0" if "default" in again else ""))
    if gone:
        _gone(loaded)
    (check,) = loaded.verify().tables
    assert sorted(str(one.file) for one in check.differences) == ["sales/feb.xlsx", "sales/jan.xlsx"]
    if "default" not in again:
        assert [(one.kind, one.column) for one in check.differences] == [(DifferenceKind.COLUMN, "amount")] * 2


def test_verify_reads_no_value_after_a_column_was_reverted(loaded: Hub) -> None:
    loaded.write("sales/mar.xlsx", [*HEADERS, "extra"], [[6, 60, "f", 1]])
    loaded.load()
    loaded.revert(source_file="mar.xlsx", schema=True, hold=True)
    loaded.write("sales/apr.xlsx", [*HEADERS, "other"], [[7, 70, "g", 2]])
    loaded.load()
    check = _check(loaded)
    assert (check.as_written, check.differences) == (3, ())


def test_renamed_column_is_named_with_its_new_name(loaded: Hub) -> None:
    loaded.execute("ALTER TABLE sales RENAME COLUMN note TO remark")
    found = _only(loaded)
    assert (found.kind, found.column) == (DifferenceKind.COLUMN, "note")
    assert "renamed to remark" in found.text


@pytest.mark.parametrize("change", ["id TYPE text", "id TYPE bigint", "id TYPE smallint", "note TYPE varchar(9)"])
def test_type_changed_by_hand_is_named(loaded: Hub, change: str) -> None:
    loaded.execute(f"ALTER TABLE sales ALTER {change}")
    found = _only(loaded)
    assert (found.kind, found.column) == (DifferenceKind.COLUMN, change.split()[0])
    assert "by hand; pgdatahub made it" in found.text
    assert _check(loaded).verified == 2


def test_type_that_the_files_need_by_now_is_no_difference(loaded: Hub) -> None:
    loaded.execute("ALTER TABLE sales ALTER id TYPE bigint; ALTER TABLE sales ALTER note TYPE varchar")
    assert _only(loaded).column == "id"
    loaded.write("sales/mar.xlsx", HEADERS, [[2**40, 60, "f"]])
    loaded.load()
    assert _kinds(loaded) == []


def test_copy_of_a_table_is_no_difference(loaded: Hub) -> None:
    loaded.execute("CREATE TABLE copy (LIKE sales INCLUDING ALL); INSERT INTO copy SELECT * FROM sales WHERE id > 3")
    assert [table.table.name for table in loaded.verify().tables] == ["sales"]
    loaded.execute("INSERT INTO copy (id, source_file, load_timestamp) VALUES (9, '/x.xlsx', '2024-01-01')")
    assert _kinds(loaded) == [DifferenceKind.UNKNOWN] * 2


def test_lost_table_of_a_file_is_no_copy_of_the_other(hub: Hub) -> None:
    hub.configure("sales:\n  sheets:\n    One: {table: ones}\n    Two: {table: twos}\n")
    path = hub.root / "sales/a.xlsx"
    path.parent.mkdir()
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("One", "Two"):
            book.add_worksheet(name).write_column(0, 0, ["id", 1])
    hub.load()
    hub.execute(
        "DELETE FROM etl_imports WHERE table_name = 'ones'; DELETE FROM etl_schema_changes WHERE table_name = 'ones'"
    )
    assert _only(hub).kind is DifferenceKind.UNKNOWN


@pytest.mark.parametrize("column", ["source_file", "load_timestamp"])
def test_table_without_lineage_is_not_readable(loaded: Hub, column: str) -> None:
    loaded.execute(f"ALTER TABLE sales DROP COLUMN {column}")
    assert _only(loaded).kind is DifferenceKind.TABLE


def test_dropped_table_is_named(loaded: Hub) -> None:
    loaded.execute("DROP TABLE sales")
    found = _only(loaded)
    assert (found.kind, found.rows) == (DifferenceKind.TABLE, 5)


def test_lineage_of_another_type_is_not_readable(loaded: Hub) -> None:
    loaded.execute("ALTER TABLE sales ALTER load_timestamp TYPE text USING 'then'")
    assert _only(loaded).kind is DifferenceKind.TABLE


def test_view_in_place_of_a_table_is_named(loaded: Hub) -> None:
    loaded.execute("ALTER TABLE sales RENAME TO s; CREATE VIEW sales AS TABLE s")
    assert DifferenceKind.TABLE in _kinds(loaded)


# ── the work ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_needs_the_right_to_read_only(loaded: Hub, as_reader: str) -> None:
    assert _check(loaded, database_url=as_reader).as_written == 2
    loaded.execute("UPDATE sales SET amount = amount + 1 WHERE id > 3")
    check = _check(loaded, database_url=as_reader)
    assert [one.kind for one in check.differences] == [DifferenceKind.CHANGED]
    assert "the server cannot compare the file" in check.differences[0].text


def test_table_without_the_right_to_read_is_named(loaded: Hub, as_reader: str) -> None:
    loaded.write("stock/one.xlsx", ["id"], [[1]])
    loaded.load()
    loaded.execute("REVOKE SELECT ON sales FROM PUBLIC; GRANT SELECT ON stock TO PUBLIC")
    found = loaded.verify(database_url=as_reader)
    assert [one.kind for one in found.tables[0].differences] == [DifferenceKind.TABLE]
    assert found.tables[1].differences == ()


def test_verify_of_one_table_reads_no_other(loaded: Hub) -> None:
    loaded.write("stock/one.xlsx", ["id"], [[1]])
    loaded.load()
    loaded.execute("DELETE FROM sales")
    assert [table.table.name for table in loaded.verify(tables=["stock"]).tables] == ["stock"]
    assert loaded.verify(tables=["stock"]).exit_code == 0
    with pytest.raises(ConfigError, match="no table 'other'"):
        loaded.verify(tables=["other"])


def test_command_shows_differences_and_exits_with_1(loaded: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", loaded.database_url)
    monkeypatch.chdir(loaded.directory)
    result = CliRunner().invoke(create_app(only="verify"), ["verify"])
    assert result.exit_code == 0, result.output
    assert "the tables are as the history has them" in result.output
    loaded.execute("DELETE FROM sales WHERE id = 1")
    result = CliRunner().invoke(create_app(only="verify"), ["verify"])
    assert result.exit_code == 1
    assert "missing rows" in result.output
    result = CliRunner().invoke(create_app(only="verify"), ["verify", "--format", "json"])
    assert result.exit_code == 1
    (table,) = json.loads(result.stdout)["tables"]
    assert table["differences"][0]["kind"] == "missing_rows"
    assert table["differences"][0]["rows"] == 1
