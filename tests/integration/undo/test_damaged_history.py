"""Metadata tables that were changed by hand: each command names the table, the row and the way out, and nothing is loaded twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import xlsxwriter

from pgdatahub.cli.app import _run
from pgdatahub.errors import HistoryDamagedError, ReplayError
from pgdatahub.model.results import Outcome
from pgdatahub.runs.aside.quarantine import quarantine
from pgdatahub.runs.aside.quarantine_export import text_lines
from pgdatahub.runs.aside.replay import replay
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.status import status
from pgdatahub.runs.verification.result import DifferenceKind
from tests.databases import DatabasePool, with_database
from tests.integration.undo.conftest import Hub

HEADERS = ["id", "note"]


@pytest.fixture(scope="module")
def shared(databases: DatabasePool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Two imports into one table, and one into another; each test puts the history back."""
    name = databases.take()
    hub = Hub(with_database(databases.server_url, name), tmp_path_factory.mktemp("damaged"))
    hub.write("sales/jan.xlsx", HEADERS, [[1, "a"], [2, "b"]])
    hub.write("sales/feb.xlsx", HEADERS, [[3, "c"]])
    hub.write("stock/s.xlsx", ["id"], [[7]])
    hub.load()
    yield hub
    databases.give_back(name)


@pytest.fixture
def own(hub: Hub) -> Hub:
    """The same, of the test's own."""
    hub.write("sales/jan.xlsx", HEADERS, [[1, "a"], [2, "b"]])
    hub.write("sales/feb.xlsx", HEADERS, [[3, "c"]])
    hub.load()
    return hub


@contextmanager
def _damaged(hub: Hub, damage: str, table: str = "etl_imports") -> Iterator[None]:
    """Change rows of a metadata table, and put all rows back."""
    hub.execute(f"CREATE TABLE kept AS TABLE {table}")
    hub.execute(f"UPDATE {table} SET {damage} WHERE id = (SELECT min(id) FROM {table})")
    try:
        yield
    finally:
        hub.execute(f"DELETE FROM {table}; INSERT INTO {table} TABLE kept; DROP TABLE kept; DELETE FROM etl_failures")


def _first(hub: Hub) -> int:
    return int(hub.execute("SELECT min(id) FROM etl_imports")[0][0])


def _rows(hub: Hub) -> list[int]:
    return sorted(row[0] for row in hub.execute("SELECT id FROM sales"))


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

SEEN_BY_VERIFY = {
    "observed that is a list": "observed = '[]'",
    "observed of another form": "observed = '{\"id\": 5}'",
    "observed with an unknown type": """observed = jsonb_set(observed, '{id,floor}', '"MONEY"')""",
    "observed with an unknown kind": """observed = jsonb_set(observed, '{id,evidence}', '{"odd": {}}')""",
    "observed with a negative count": "observed = jsonb_set(observed, '{id,evidence,integer,count}', '-1')",
    "sheets": "sheets = '{}'",
    "counts": "counts = '7'",
}
SEEN_BY_ALL = {
    "status": "status = 'lost'",
    "row_count": "row_count = -5",
    "bytes": "bytes = -1",
    "file_sha256": "file_sha256 = 'abc'",
    "content_sha256": "content_sha256 = repeat('x', 64)",
    "duplicates": "duplicates = '5'",
    "duplicates of another form": "duplicates = '[{}]'",
    "replays": """replays = '"x"'""",
    "tables": "tables = '[1]'",
}


@pytest.mark.parametrize("damage", [*SEEN_BY_VERIFY.values(), *SEEN_BY_ALL.values()])
def test_verify_names_the_damaged_import(shared: Hub, damage: str) -> None:
    with _damaged(shared, damage):
        found = shared.verify(every_value=True)
    (difference,) = [one for table in found.tables for one in table.differences]
    assert difference.kind is DifferenceKind.HISTORY
    assert difference.import_id == _first(shared)
    assert (
        f"the column {damage.split()[0]} of import {_first(shared)} (sales/feb.xlsx) in etl_imports" in difference.text
    )
    assert "run --adopt" in str(difference.hint)
    assert found.exit_code == 1
    assert shared.verify(every_value=True).exit_code == 0


@pytest.mark.parametrize("damage", SEEN_BY_ALL.values(), ids=SEEN_BY_ALL)
def test_run_fails_only_the_file_of_a_damaged_import(shared: Hub, damage: str) -> None:
    with _damaged(shared, damage):
        report = shared.run()
        planned = plan(shared.config())
        rows = _rows(shared)
    (failed,) = [result for result in report.results if result.outcome is Outcome.FAILED]
    assert failed.source.identity == "sales/feb.xlsx"
    assert [file.file for file in planned.files if file.action == "fail"] == ["sales/feb.xlsx"]
    assert failed.failure is not None
    # A load of unknown status may be one that was reverted; its rows are what stops the file.
    assert failed.failure.kind == ("HistoryLostError" if damage.startswith("status") else "HistoryDamagedError")
    assert rows == [1, 2, 3]


@pytest.mark.parametrize(
    "damage", [*list(SEEN_BY_ALL.values())[::3], "imported_at = 'infinity'", "reverted_at = '20000-01-01'"]
)
def test_history_and_revert_name_the_damaged_import(shared: Hub, damage: str) -> None:
    number = _first(shared)
    with _damaged(shared, damage):
        for look in (shared.history, lambda: shared.revert(import_id=number)):
            with pytest.raises(HistoryDamagedError, match=f"(import|row) {number} .*in.* etl_imports") as told:
                look()
            assert told.value.exit_code == 1
    assert _rows(shared) == [1, 2, 3]


def test_time_that_python_lacks_is_named_by_all(shared: Hub) -> None:
    with _damaged(shared, "imported_at = 'infinity'"):
        for look in (shared.verify, shared.run, lambda: status(shared.config())):
            with pytest.raises(HistoryDamagedError, match=f"imported_at .* row {_first(shared)} in etl_imports"):
                look()


@pytest.mark.parametrize("damage", ["change_type = 'odd'", "changed_at = 'infinity'"])
def test_damaged_schema_change_is_named(shared: Hub, damage: str) -> None:
    with _damaged(shared, damage, "etl_schema_changes"):
        with pytest.raises(HistoryDamagedError, match="etl_schema_changes"):
            shared.history()
        kinds = [one.kind for table in shared.verify().tables for one in table.differences]
    assert kinds == [DifferenceKind.HISTORY]


OTHER_FORMS = ["null", "5", '"x"', "true", "[]", "{}", "[null]", "[5]", '["x"]', "[[]]", "[{}]", '{"a": 5}', '{"a": null}', '{"a": []}']  # fmt: skip
OF_PYTHON = re.compile(r"object|subscriptable|iterable|argument|NoneType|indices|isoformat|zip\(\)|\bdict\b|\bint\b")


@pytest.mark.parametrize("column", ["observed", "duplicates", "replays", "tables", "sheets", "counts"])
def test_damaged_json_is_told_without_python(shared: Hub, column: str) -> None:
    found = 0
    for value in OTHER_FORMS:
        with _damaged(shared, f"{column} = '{value}'"):
            checks = shared.verify(every_value=True).tables
        told = [one for table in checks for one in table.differences if one.kind is DifferenceKind.HISTORY]
        for text in [one.text for one in told]:
            found += 1
            assert f"the column {column} of import {_first(shared)} (sales/feb.xlsx) in etl_imports" in text
            assert not OF_PYTHON.search(text.replace("an object", "")), text
    assert found >= 8


def test_damaged_json_names_what_belongs_there(shared: Hub) -> None:
    with _damaged(shared, "counts = '[]'"):
        texts = [one.text for table in shared.verify(every_value=True).tables for one in table.differences]
    assert texts[0].endswith("was changed by hand: its JSON has a list where an object belongs")


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("q.cells", "row 2 of sheet Sheet1 of import 1 (sales/jan.xlsx) in etl_quarantine was changed by hand"),
        ("q.faults", "row 2 of sheet Sheet1 of import 1 (sales/jan.xlsx) in etl_quarantine was changed by hand"),
        ("i.layout", "the column layout of import 1"),
    ],
)
def test_damaged_quarantine_is_told_without_python(hub: Hub, column: str, told: str) -> None:
    hub.configure("sales:\n  on_bad: quarantine\n  columns: {id: {type: integer, min: 0}}\n")
    hub.write("sales/jan.xlsx", HEADERS, [[-1, "x"], [1, "a"]])
    hub.load()
    table, name = ("etl_quarantine", column[2:]) if column.startswith("q.") else ("etl_imports", column[2:])
    for value in OTHER_FORMS:
        hub.execute(f"UPDATE {table} SET {name} = '{value}'")
        texts = []
        for look in (partial(_lines, hub), partial(replay, hub.config(), dry_run=True)):
            try:
                look()
            except HistoryDamagedError as error:
                texts.append(error.message)
            except ReplayError:
                assert value == "{}"  # a place is missing
        assert all(told in text for text in texts), texts
        assert not [text for text in texts if OF_PYTHON.search(text.replace("an object", ""))]
        assert texts or (name, value) in {("layout", "null"), ("layout", "{}"), ("faults", "[]")}


def _lines(hub: Hub) -> list[str]:
    with quarantine(hub.config()) as found:
        return list(text_lines(found))


def test_damaged_failure_is_named(own: Hub) -> None:
    (own.root / "sales/mar.xlsx").write_bytes(b"no workbook")
    own.run()
    own.execute("UPDATE etl_failures SET faults = '[{}]'")
    for look in (own.history, lambda: status(own.config()), own.run):
        with pytest.raises(HistoryDamagedError, match="faults of failure 1 in etl_failures"):
            look()


def test_deleted_damaged_import_is_adopted_again(own: Hub) -> None:
    own.execute(
        "UPDATE etl_imports SET file_sha256 = 'x', observed = '5' WHERE id = 1; DELETE FROM etl_imports WHERE id = 1"
    )
    own.load(adopt=True)
    assert own.verify(every_value=True).exit_code == 0
    assert own.revert(source_file="sales/feb.xlsx", schema=True).done
    assert _rows(own) == [1, 2]


def test_lost_history_stops_files_of_any_name(own: Hub) -> None:
    own.execute("DELETE FROM etl_imports")
    own.write("sales/mar.xlsx", HEADERS, [[4, "d"]])  # may be a file of the lost history under another name
    assert {result.outcome for result in own.run().results} == {Outcome.FAILED}
    assert _rows(own) == [1, 2, 3]


def test_adopted_file_of_several_tables_is_one_file(hub: Hub) -> None:
    hub.configure("sales:\n  sheets:\n    One: {table: ones}\n    Two: {table: twos}\n")
    path = hub.root / "sales/a.xlsx"
    path.parent.mkdir()
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("One", "Two"):
            book.add_worksheet(name).write_column(0, 0, ["id", 1])
    hub.load()
    before = [(past.routing, past.tables) for past in hub.imports()]
    hub.execute("DROP TABLE etl_imports")
    hub.load(adopt=True)
    assert [(past.routing, past.tables) for past in hub.imports()] == before
    hub.revert(source_file="sales/a.xlsx")  # in both tables, without --table
    assert hub.execute("SELECT * FROM ones UNION ALL SELECT * FROM twos") == []


COPY = "INSERT INTO etl_imports SELECT (jsonb_populate_record(i, '{change}')).* FROM etl_imports i WHERE id = 1"


@pytest.mark.parametrize("status", ["loaded", "reverted"])
def test_second_import_of_the_same_rows_is_named(own: Hub, status: str) -> None:
    own.execute("DROP INDEX etl_imports_part_once")
    own.execute(COPY.replace("{change}", f'{{"id": 77, "status": "{status}"}}'))
    (found,) = [one for table in own.verify().tables for one in table.differences]
    assert (found.kind, found.import_id) == (
        DifferenceKind.HISTORY,
        77,
    )  # not rows of a reverted import, which are to go
    if status == "loaded":
        result = own.revert(import_id=1, dry_run=True)
        assert "import 77 in etl_imports names the same rows" in str(result.plan.refusals[0])
    assert _rows(own) == [1, 2, 3]


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────

SHAPES = {
    "table dropped": ("DROP TABLE etl_schema_changes", "etl_schema_changes is missing"),
    "table renamed": ("ALTER TABLE etl_schema_changes RENAME TO x", "etl_schema_changes is missing"),
    "view": ("ALTER TABLE etl_imports RENAME TO x; CREATE VIEW etl_imports AS TABLE x", "etl_imports is a view"),
    "view of failures": (
        "ALTER TABLE etl_failures RENAME TO x; CREATE VIEW etl_failures AS TABLE x",
        "etl_failures is a view",
    ),
    "column dropped": ("ALTER TABLE etl_imports DROP source_file", "etl_imports lacks the column source_file"),
    "column renamed": (
        "ALTER TABLE etl_schema_changes RENAME changed_at TO x",
        "etl_schema_changes lacks the column changed_at",
    ),
    "column of failures": ("ALTER TABLE etl_failures DROP cleared_at", "etl_failures lacks the column cleared_at"),
    "column of keys": ("ALTER TABLE etl_tables DROP companion", "etl_tables lacks the column companion"),
    "columns of quarantine": (
        "ALTER TABLE etl_quarantine DROP cells, DROP kinds",
        "etl_quarantine lacks the columns cells, kinds",
    ),
    "type": ("ALTER TABLE etl_imports ALTER observed TYPE text", "observed of public.etl_imports has the type text"),
    "time zone": (
        "ALTER TABLE etl_imports ALTER imported_at TYPE timestamptz",
        "imported_at of public.etl_imports has the type",
    ),
    "copy": (
        "CREATE TABLE x AS TABLE etl_imports; DROP TABLE etl_imports; ALTER TABLE x RENAME TO etl_imports",
        "id of public.etl_imports may be NULL",
    ),
}


@pytest.mark.parametrize(("damage", "told"), SHAPES.values(), ids=SHAPES)
def test_damaged_metadata_table_is_named_by_all(own: Hub, damage: str, told: str) -> None:
    own.execute(damage)
    looks = (own.run, own.verify, own.history, lambda: status(own.config()), lambda: plan(own.config()))
    for look in (*looks, lambda: own.revert(import_id=1)):
        with pytest.raises(HistoryDamagedError, match=told) as error:
            look()
        assert error.value.exit_code == 1
        assert error.value.hint
    assert _rows(own) == [1, 2, 3]


def test_lost_quarantine_is_a_difference(hub: Hub) -> None:
    hub.configure("sales:\n  on_bad: quarantine\n  columns: {id: {type: integer, min: 0}}\n")
    hub.write("sales/jan.xlsx", HEADERS, [[-1, "x"], [1, "a"]])
    hub.load()
    hub.execute("DROP TABLE etl_quarantine")
    for _ in range(2):
        (difference,) = [one for table in hub.verify().tables for one in table.differences]
        assert (difference.kind, difference.rows) == (DifferenceKind.QUARANTINE, 1)
        hub.load()  # makes the table again, without the rows
    hub.load(reload=["sales/jan.xlsx"])
    assert hub.verify().exit_code == 0


UNWRITABLE = {
    "later version": ("ALTER TABLE etl_imports ADD further text NOT NULL DEFAULT 'x'; ALTER TABLE etl_imports ALTER further DROP DEFAULT", "column further"),
    "no numbers": ("ALTER TABLE etl_imports ALTER id DROP IDENTITY", "id of public.etl_imports numbers no rows"),
    "rule": ("CREATE RULE r AS ON INSERT TO etl_imports DO INSTEAD NOTHING", "has rules"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "told"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_history_that_takes_no_import_stops_the_run(own: Hub, damage: str, told: str) -> None:
    own.execute(damage)
    own.write("sales/mar.xlsx", HEADERS, [[4, "d"]])
    with pytest.raises(HistoryDamagedError, match=told):
        own.run()
    assert own.verify().exit_code == 0
    assert _rows(own) == [1, 2, 3]


def test_column_that_a_user_added_is_no_damage(own: Hub) -> None:
    own.execute("ALTER TABLE etl_imports ADD reviewed_by text, ADD checked boolean NOT NULL DEFAULT false")
    own.write("sales/mar.xlsx", HEADERS, [[4, "d"]])
    own.load()
    assert own.verify().exit_code == 0


def test_deleted_schema_changes_are_a_difference(own: Hub) -> None:
    own.execute("CREATE TABLE theirs (id integer, own text, source_file text, load_timestamp timestamp)")
    own.execute("COMMENT ON COLUMN theirs.id IS 'id'; COMMENT ON COLUMN theirs.own IS 'own'")
    own.write("theirs/a.xlsx", ["id", "own"], [[1, "x"]])
    own.load()
    assert own.verify().exit_code == 0  # a table of another program has no schema changes
    own.execute("DELETE FROM etl_schema_changes WHERE table_name = 'sales'")
    (difference,) = [one for table in own.verify().tables for one in table.differences]
    assert difference.kind is DifferenceKind.HISTORY
    assert "etl_schema_changes has no row for the table sales, which pgdatahub made" in difference.text
    own.load(adopt=True)
    assert own.verify().exit_code == 0
    for file in ("sales/feb.xlsx", "sales/jan.xlsx", "theirs/a.xlsx"):
        assert own.revert(source_file=file, schema=True).done
    assert own.tables() == {"theirs"}
    assert own.types("theirs").keys() == {
        "id",
        "own",
        "source_file",
        "load_timestamp",
    }  # still a table of another program


def test_adopt_makes_lost_schema_changes_again(own: Hub) -> None:
    own.execute("CREATE TABLE theirs (id integer, own text, source_file text, load_timestamp timestamp)")
    own.write("theirs/a.xlsx", HEADERS, [[1, "x"]])
    own.load()
    own.execute("DROP TABLE etl_schema_changes")
    own.load(adopt=True)
    assert own.verify().exit_code == 0
    for file in ("sales/feb.xlsx", "sales/jan.xlsx", "theirs/a.xlsx"):
        assert own.revert(source_file=file, schema=True).done
    assert own.tables() == {"theirs"}
    assert own.types("theirs").keys() == {"id", "own", "source_file", "load_timestamp"}


@pytest.mark.parametrize("damage", ["DELETE FROM etl_tables", "DROP TABLE etl_tables"])
def test_lost_rule_of_a_key_is_named_and_adopted(hub: Hub, damage: str) -> None:
    hub.configure("sales:\n  key: [id]\n")
    hub.write("sales/a.xlsx", HEADERS, [[1, "a"], [2, "b"]])
    hub.write("sales/b.xlsx", HEADERS, [[2, "new"], [3, "c"]])
    hub.load()
    hub.execute(damage)
    (difference,) = [one for table in hub.verify().tables for one in table.differences]
    assert difference.kind is DifferenceKind.HISTORY
    assert "etl_tables has no row for the table sales" in difference.text
    hub.write("sales/c.xlsx", HEADERS, [[4, "d"]])
    for config in ("sales:\n  key: [id]\n", ""):  # without the key, the rows would be added beside those of the key
        hub.configure(config)
        (planned,) = [file for file in plan(hub.config()).files if file.action == "fail"]
        (failed,) = [result for result in hub.run().results if result.outcome is Outcome.FAILED]
        assert (planned.file, failed.source.identity) == ("sales/c.xlsx", "sales/c.xlsx")
        assert {one.kind for one in (planned.failure, failed.failure) if one} == {"HistoryDamagedError"}
    with pytest.raises(HistoryDamagedError, match="etl_tables"):
        hub.revert(source_file="sales/b.xlsx")
    hub.configure("sales:\n  key: [id, note]\n")
    assert hub.run(adopt=True).exit_code == 1  # another key than that of the rows
    hub.configure("sales:\n  key: [id]\n")
    hub.load(adopt=True)
    assert hub.verify().exit_code == 0
    hub.revert(source_file="sales/b.xlsx")
    assert dict(hub.execute("SELECT id, note FROM sales")) == {1: "a", 2: "b", 4: "d"}


def test_command_names_damage_and_exits_with_1(
    own: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", own.database_url)
    monkeypatch.chdir(own.directory)
    own.execute("UPDATE etl_imports SET status = 'lost' WHERE id = 1")
    for command in ("verify", "history", "revert --import-id 1 --yes", "run"):
        assert _run(command.split()) == 1
        told = capsys.readouterr()
        assert "bug" not in told.out + told.err
        assert "sales/feb.xlsx" in told.out + told.err
    assert Path(own.directory / ".etl_pause.json").exists() is False
