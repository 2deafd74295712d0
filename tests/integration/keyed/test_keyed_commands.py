"""Commands on keyed tables: verify, history, status, adopt, reset, backup, rekey, plan."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.errors import PgDataHubError, UndoError
from pgdatahub.model.imports import KeyCounts
from pgdatahub.postgres.keyed.planned_keys import PlannedKeys
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import run
from pgdatahub.runs.status import status
from pgdatahub.undo.backup import restore
from pgdatahub.undo.rekey import RekeyResult, rekey
from pgdatahub.undo.reset import reset
from tests.integration.undo.conftest import Hub

KEYED = "c:\n  key: [no]\n"


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """A keyed table of two files that share the key 2."""
    hub = Hub(database_url, tmp_path)
    hub.configure(KEYED)
    hub.write("c/2025-10.xlsx", ["no", "city"], [[2, "Genf"], [3, "Chur"]])
    hub.write("c/2025-9.xlsx", ["no", "city"], [[1, "Bern"], [2, "Basel"]])
    hub.load()
    return hub


def cities(hub: Hub, table: str = "c") -> list[tuple[object, ...]]:
    return hub.execute(f"SELECT no, city FROM {table} ORDER BY 1, 2")


def change(hub: Hub, config: str, *, dry_run: bool = False) -> RekeyResult:
    hub.configure(config)
    return rekey(hub.config(), "c", dry_run=dry_run)


def test_verify_covers_both_tables(hub: Hub) -> None:
    assert hub.verify().tables[0].differences == ()
    assert hub.verify().tables[0].rows == 4
    assert hub.verify(every_value=True).tables[0].differences == ()
    hub.execute("UPDATE c_replaced SET city = 'x'")
    (found,) = hub.verify().tables[0].differences
    assert found.file == "c/2025-9.xlsx"
    hub.execute("UPDATE c_replaced SET city = 'Basel'; DELETE FROM c WHERE no = 2")
    texts = [one.text for one in hub.verify().tables[0].differences]
    assert any("should be in the table" in text for text in texts)


def test_history_status_and_plan_tell_the_keys(hub: Hub) -> None:
    counts = {one.identity: one.keys for one in hub.imports()}
    assert counts["c/2025-9.xlsx"] == KeyCounts(new=1, lost=1) or counts["c/2025-10.xlsx"] == KeyCounts(new=1, won=1)
    (table,) = status(hub.config(), count=True).tables
    assert (table.rows, table.recorded) == (4, 4)
    assert table.companion is not None
    assert not [file for file in plan(hub.config()).files if file.action != "skip"]


def test_a_lost_history_is_adopted_from_both_tables(hub: Hub) -> None:
    before = cities(hub), cities(hub, "c_replaced")
    hub.execute("DROP TABLE etl_imports, etl_schema_changes, etl_tables")
    assert all(result.failure is not None for result in hub.run().results)
    report = run(hub.config(), adopt=True)
    assert [result.failure for result in report.results] == [None, None]
    assert (cities(hub), cities(hub, "c_replaced")) == before
    assert hub.verify().tables[0].differences == ()
    number = next(one.id for one in hub.imports() if one.identity == "c/2025-10.xlsx")
    hub.revert(import_id=number)
    assert cities(hub) == [(1, "Bern"), (2, "Basel")]


def test_reset_drops_both_tables_and_a_backup_restores_them(hub: Hub) -> None:
    before = cities(hub), cities(hub, "c_replaced")
    backup = reset(hub.config(), backup=True).backup
    assert hub.tables() == set()
    assert backup is not None
    restore(hub.config(), backup)
    assert (cities(hub), cities(hub, "c_replaced")) == before
    number = next(one.id for one in hub.imports() if one.identity == "c/2025-10.xlsx")
    hub.revert(import_id=number)
    assert cities(hub) == [(1, "Bern"), (2, "Basel")]


def test_reset_leaves_a_table_of_the_user_as_it_was(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, city text); INSERT INTO c VALUES (1, 'base')")
    hub.configure(KEYED)
    hub.write("c/a.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.load()
    reset(hub.config())
    assert cities(hub) == [(1, "base")]
    assert hub.tables() == {"c"}


@pytest.fixture
def own(database_url: str, tmp_path: Path) -> Hub:
    """A keyed table of the user's own, with a row of the user's, and two files."""
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, note text); INSERT INTO c VALUES (1, 'mine')")
    hub.configure(f"{KEYED}  missing_keys: flag gone\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.write("c/2.xlsx", ["no", "city"], [[1, "Chur"]])
    hub.load()
    hub.revert(source_file="2.xlsx", schema=True)
    return hub


def test_an_undo_of_all_files_ends_a_key_of_their_columns(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY)")
    before = hub.types("c")
    hub.configure(f"{KEYED}  missing_keys: flag gone\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.write("c/2.xlsx", ["no", "city"], [[1, "Chur"]])
    hub.load()
    for file in ("1.xlsx", "2.xlsx"):
        hub.revert(source_file=file, schema=True)
    assert (hub.tables(), hub.types("c")) == ({"c"}, before)
    hub.load()
    assert hub.execute("SELECT no, city, gone FROM c ORDER BY 1") == [(1, "Chur", False), (2, "Genf", True)]


def test_an_undo_of_all_files_leaves_the_users_table_as_it_was(own: Hub) -> None:
    planned = own.revert(source_file="1.xlsx", schema=True, dry_run=True).plan
    assert "no file of c is left, so its key (no) ends: drops c_replaced and the column gone" in planned.notes
    own.revert(source_file="1.xlsx", schema=True)
    assert own.execute("SELECT * FROM c") == [(1, "mine")]
    assert own.tables() == {"c"}
    assert own.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'c'") == [("c_pkey",)]
    own.load()
    assert own.execute("SELECT no, note, city FROM c ORDER BY 1") == [(1, "mine", "Chur"), (2, None, "Genf")]


def test_an_undo_of_all_files_ends_a_snapshot(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE s (no int, note text); INSERT INTO s VALUES (1, 'mine'), (1, 'mine')")
    hub.configure("s:\n  mode: snapshot\n")
    hub.write("s/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
    hub.load()
    planned = hub.revert(source_file="1.xlsx", schema=True, dry_run=True).plan
    assert "no file of s is left, so its mode: snapshot ends: drops s_replaced" in planned.notes
    hub.revert(source_file="1.xlsx", schema=True)
    assert hub.execute("SELECT * FROM s") == [(1, "mine"), (1, "mine")]
    assert hub.tables() == {"s"}


def test_an_undo_of_all_files_names_views_of_what_it_drops(own: Hub) -> None:
    own.execute("CREATE VIEW old AS SELECT no FROM c_replaced; CREATE VIEW left_out AS SELECT no FROM c WHERE gone")
    planned = own.revert(source_file="1.xlsx", schema=True, dry_run=True).plan
    assert {(one.subject, one.reason) for one in planned.refusals} == {
        ("c_replaced", "view old depends on it"),
        ("c.gone", "view left_out depends on it"),
    }


@pytest.mark.parametrize("command", ["revert", "reset"])
def test_an_undo_keeps_rows_whose_winner_was_deleted(own: Hub, command: str) -> None:
    own.execute("DELETE FROM c WHERE no = 1")
    with pytest.raises(UndoError, match="1 row of no file is in c_replaced only"):
        reset(own.config()) if command == "reset" else own.revert(source_file="1.xlsx", schema=True, force=True)
    own.execute("INSERT INTO c (no, note) SELECT no, 'mine' FROM c_replaced; DELETE FROM c_replaced")
    reset(own.config())
    assert own.execute("SELECT * FROM c") == [(1, "mine")]


def test_rekey_gives_changes_and_removes_a_key(hub: Hub) -> None:
    everything = sorted([*cities(hub), *cities(hub, "c_replaced")])
    result = change(hub, "c: {}\n")
    assert (result.done, result.rows, result.beside) == (True, 4, 0)
    assert cities(hub) == everything
    assert hub.tables() == {"c"}
    assert change(hub, KEYED, dry_run=True).rows == 3
    assert hub.tables() == {"c"}
    change(hub, KEYED)
    assert cities(hub) == [(1, "Bern"), (2, "Genf"), (3, "Chur")]
    assert cities(hub, "c_replaced") == [(2, "Basel")]
    assert hub.verify().tables[0].differences == ()
    change(hub, "c:\n  mode: snapshot\n")
    assert cities(hub) == [(2, "Genf"), (3, "Chur")]
    change(hub, "c:\n  key: [city]\n")
    assert cities(hub) == everything
    hub.load()
    number = next(one.id for one in hub.imports() if one.identity == "c/2025-10.xlsx")
    hub.revert(import_id=number)
    assert cities(hub) == [(1, "Bern"), (2, "Basel")]


def test_rekey_refuses_rows_that_only_their_place_told_apart(hub: Hub) -> None:
    hub.write("c/2025-11.xlsx", ["no", "city"], [[4, "Bern"], [5, "Bern"]])
    hub.load()
    before = cities(hub)
    with pytest.raises(UndoError, match="the key of another row of their file"):
        change(hub, "c:\n  key: [city]\n")
    assert cities(hub) == before


@pytest.mark.parametrize("before", ["c: {}\n", "c:\n  key: [city]\n", KEYED])
def test_rekeyed_rows_are_verified_without_files(database_url: str, tmp_path: Path, before: str) -> None:
    hub = Hub(database_url, tmp_path)
    hub.configure(before)
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Basel"]])
    hub.write("c/2.xlsx", ["no", "city"], [[2, "Genf"], [3, "Chur"]])
    hub.load()
    assert change(hub, KEYED).beside == 1
    hub.configure(f"{KEYED}  errors: text\n")  # files of other settings prove nothing
    (found,) = hub.verify().tables
    assert (found.differences, found.unproved, found.as_written) == ((), (), 2)


def test_rekey_asks_for_the_key_in_files_without_rows(hub: Hub) -> None:
    change(hub, "c: {}\n")
    hub.write("c/empty.xlsx", ["city"], [])
    hub.load()
    with pytest.raises(UndoError, match=r"empty\.xlsx: the file lacks the column no of the key \(no\)"):
        change(hub, KEYED, dry_run=True)
    hub.revert(source_file="c/empty.xlsx")
    assert change(hub, KEYED).rows == 3


def test_rekey_drops_the_flag_that_pgdatahub_made(hub: Hub) -> None:
    change(hub, f"{KEYED}  missing_keys: flag gone\n")
    assert hub.execute("SELECT no FROM c WHERE gone") == [(1,)]
    change(hub, KEYED)
    assert "gone" not in hub.types("c")
    hub.load()
    for one in hub.imports():
        hub.revert(import_id=one.id, schema=True)
    assert hub.tables() == set()


def test_rekey_keeps_a_flag_that_views_use(hub: Hub) -> None:
    change(hub, f"{KEYED}  missing_keys: flag gone\n")
    hub.execute("CREATE VIEW v AS SELECT no FROM c WHERE gone")
    hub.execute("DELETE FROM c WHERE no = 2")
    change(hub, f"{KEYED}  missing_keys: flag gone\n  newest: modified\n")
    assert cities(hub) == [(1, "Bern"), (2, "Basel"), (3, "Chur")]
    assert "gone" not in hub.types("c_replaced")
    assert len(hub.execute("TABLE v")) == hub.execute("SELECT count(*) FILTER (WHERE gone) FROM c")[0][0] > 0


@pytest.mark.parametrize(("view", "named"), [("c WHERE gone", "the column gone"), ("c_replaced", "c_replaced")])
def test_rekey_names_a_view_of_what_it_drops(hub: Hub, view: str, named: str) -> None:
    change(hub, f"{KEYED}  missing_keys: flag gone\n")
    hub.execute(f"CREATE VIEW v AS SELECT no FROM {view}")
    with pytest.raises(UndoError, match=f"view v depends on {named}"):
        change(hub, KEYED)
    assert "gone" in hub.types("c")


def test_rekey_tells_the_companion_of_a_long_name(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "n" * 60
    hub.configure(f"c:\n  table: {name}\n  key: [no]\n")
    hub.load()
    (companion,) = hub.tables() - {"c", "c_replaced", name}
    monkeypatch.setenv("DATABASE_URL", hub.database_url)
    monkeypatch.chdir(hub.directory)
    arguments = ["rekey", name, "--dry-run", "--config", "etl_config.yaml"]
    told = CliRunner().invoke(create_app(only="rekey"), arguments)
    assert (told.exit_code, told.stdout.partition("; it ")[2]) == (0, f"would have 3 rows, and {companion} 1\n")


def test_rekeyed_imports_of_a_plain_table_can_be_reverted(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Basel"]])
    hub.write("c/2.xlsx", ["no", "city"], [[2, "Genf"]])
    hub.load()
    change(hub, KEYED)
    assert cities(hub) == [(1, "Bern"), (2, "Genf")]
    hub.revert(source_file="2.xlsx")
    assert cities(hub) == [(1, "Bern"), (2, "Basel")]
    change(hub, "c: {}\n")
    hub.revert(source_file="1.xlsx")
    assert cities(hub) == []


def test_rekey_heals_a_row_that_was_deleted_by_hand(hub: Hub) -> None:
    hub.execute("DELETE FROM c WHERE no = 2")
    change(hub, KEYED)
    assert cities(hub) == [(1, "Bern"), (2, "Basel"), (3, "Chur")]


def test_plan_counts_keys_as_the_run_finds_them(hub: Hub) -> None:
    hub.write("c/2025-9b.xlsx", ["no", "city"], [[1, "Bern"], [2, "Lugano"], [4, "Zug"]])
    hub.write("c/2025-11.xlsx", ["no", "city"], [[3, "Uri"], [4, "Zug"], [5, "Jura"]])
    (table,) = plan(hub.config()).tables
    # 1 is equal in the later file, 2 is newer in the table, 3 changes, 4 and 5 are new.
    assert table.keys == PlannedKeys(new=2, replaced=1, unchanged=1, older=1)
    assert hub.execute("SELECT count(*) FROM c") == [(3,)]


def test_plan_counts_the_keys_of_a_new_table(hub: Hub) -> None:
    hub.configure("d:\n  key: [no, city]\n")
    hub.write("d/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Lugano"]])
    hub.write("d/2.xlsx", ["no", "city"], [[1, "Bern"], [2, "Zug"]])
    (table,) = [one for one in plan(hub.config()).tables if one.table == "d"]
    assert table.keys == PlannedKeys(new=3, replaced=0, unchanged=0, older=0)
    assert "d" not in hub.tables()
    created = [" ".join(one.split()[:3]) for one in table.files[0].statements if not one.startswith("COMMENT")]
    assert created == [
        'CREATE TABLE "public"."d"',
        'CREATE TABLE "public"."d_replaced"',
        "CREATE UNIQUE INDEX",
        'CREATE INDEX "d_load_timestamp_btree"',
        "CREATE INDEX ON",
        "CREATE INDEX ON",
    ]


def test_plan_counts_new_keys_as_the_server_compares(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.configure("c:\n  key: [no, id]\n  columns: {id: {type: uuid}}\n")
    number = "8c3d1c9e-0000-4000-8000-00000000000a"
    hub.write("c/1.xlsx", ["no", "id", "city"], [[1, number, "Bern"], [2, number, "Genf"]])
    hub.write("c/2.xlsx", ["no", "id"], [[1, number.upper()]])
    (planned,) = plan(hub.config()).tables
    assert planned.keys == PlannedKeys(new=2, replaced=0, unchanged=0, older=0)
    hub.load()
    assert hub.execute("SELECT count(*) FROM c") == [(2,)]


def make_collation(hub: Hub) -> None:
    try:
        hub.execute("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("the server was built without ICU; nox -s servers has it")


_NUMBER = "8c3d1c9e-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("options", "made", "rows", "fails"),
    [
        ("key: [k]\n  columns: {k: {type: uuid}}", "", [(_NUMBER, "x"), (_NUMBER.upper(), "y")], True),
        ("key: [k]", "k inet PRIMARY KEY, v text", [("10.0.0.1", "x"), ("10.0.0.1/32", "y")], True),
        ("key: [k]", "k inet PRIMARY KEY, v text", [("10.0.0.1", "x"), ("10.0.0.2", "x")], False),
        ("key: [k]\n  newest: v\n  columns: {v: {type: text}}", "", [(1, "x"), (2, "y"), (1, "x")], True),
        ("key: [k]\n  newest: v\n  columns: {v: {type: text}}", "", [(1, "x"), (1, "y"), (1, "x")], False),
        ("key: [k]\n  newest: v", "k int, v text COLLATE nocase", [(1, "x"), (1, "X")], True),
        ("key: [k, v]", "k int, v text COLLATE nocase", [(1, "x"), (2, "X")], False),
        ("key: [k, v]", "k int, v text COLLATE nocase", [(1, "x"), (1, "X")], True),
        ("key: [k]\n  newest: v", "k int, v int", [(1, 5), (1, 5)], True),
        ("key: [k]\n  newest: v", "k int, v int", [(1, None), (1, None), (1, 4)], False),
        ("key: [k]\n  newest: v\n  duplicates: last", "k int, v int", [(1, 5), (1, 5)], False),
    ],
)
def test_plan_names_ties_as_the_server_compares(
    database_url: str, tmp_path: Path, options: str, made: str, rows: list[tuple[object, ...]], fails: bool
) -> None:
    hub = Hub(database_url, tmp_path)
    if "nocase" in made:
        make_collation(hub)
    if made:
        hub.execute(f"CREATE TABLE c ({made})")
    hub.configure(f"c:\n  {options}\n")
    hub.write("c/1.xlsx", ["k", "v"], rows)
    (planned,) = [file for table in plan(hub.config()).tables for file in table.files]
    (loaded,) = hub.run().results
    assert (loaded.failure is not None, planned.action == "fail") == (fails, fails)
    assert planned.failure == loaded.failure


def test_plan_shows_all_statements_of_a_key(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE c (no int, city text)")
    hub.configure(f"{KEYED}  missing_keys: flag gone\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.write("c/2.xlsx", ["no", "size"], [["x", 5]])
    hub.execute(
        "CREATE TABLE said (name text); CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO said SELECT object_identity FROM pg_event_trigger_ddl_commands(); END$$"
    )
    statements = [one.partition(";")[0] for file in plan(hub.config()).tables[0].files for one in file.statements]
    hub.execute("CREATE EVENT TRIGGER seen ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION seen()")
    hub.load()
    planned = [one for one in statements if one.startswith("ALTER TABLE")]
    assert [one.replace('"public".', "").replace('"', "") for one in planned] == [
        "ALTER TABLE c ADD COLUMN source_file text, ADD COLUMN load_timestamp timestamp without time zone",
        "ALTER TABLE c ADD COLUMN gone boolean NOT NULL DEFAULT false",
        "ALTER TABLE c ALTER COLUMN no TYPE text USING no::text, ADD COLUMN size integer",
        "ALTER TABLE c_replaced ALTER COLUMN no TYPE text USING no::text, ADD COLUMN size integer",
    ]
    seen = hub.execute("SELECT count(*) FROM said WHERE name IN ('public.c', 'public.c_replaced')")
    assert seen == [(len(planned),)]


def test_plan_counts_keys_without_a_database(hub: Hub) -> None:
    hub.configure("d:\n  key: [no, city]\ns:\n  mode: snapshot\n")
    hub.write("d/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Lugano"]])
    hub.write("d/2.xlsx", ["city", "no"], [["Bern", 1], ["Zug", 2]])
    hub.write("s/10.xlsx", ["no"], [[1], [1], [2]])
    hub.write("s/9.xlsx", ["no"], [[1], [3]])
    tables = {one.table: one.keys for one in plan(hub.config(skip_db=True)).tables}
    assert tables["d"] == PlannedKeys(new=3, replaced=0, unchanged=0, older=0)
    assert tables["s"] == PlannedKeys(new=3, replaced=0, unchanged=0, older=2, of="rows")


def test_plan_counts_the_rows_of_a_snapshot(hub: Hub) -> None:
    hub.configure("s:\n  mode: snapshot\n")
    hub.write("s/9.xlsx", ["no", "city"], [[1, "Bern"], [2, "Basel"], [2, "Basel"]])
    hub.load()
    hub.write("s/10.xlsx", ["no", "city"], [[2, "Basel"], [3, "Chur"], [4, "Uri"]])
    hub.write("s/8.xlsx", ["no", "city"], [[2, "Basel"]])
    (table,) = [one for one in plan(hub.config()).tables if one.table == "s"]
    assert table.keys == PlannedKeys(new=2, replaced=2, unchanged=1, older=1, of="rows")
    (hub.root / "s/10.xlsx").unlink()
    (table,) = [one for one in plan(hub.config()).tables if one.table == "s"]
    assert table.keys == PlannedKeys(new=0, replaced=0, unchanged=0, older=1, of="rows")


def test_plan_counts_keys_of_a_table_without_history(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute("CREATE TABLE u (no uuid PRIMARY KEY, city text)")
    hub.execute("INSERT INTO u VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'Bern')")
    hub.execute("CREATE TABLE e (id int GENERATED ALWAYS AS IDENTITY)")
    hub.configure("u:\n  key: [no]\ne:\n  key: [no]\n  newest: at\n  columns: {at: {type: integer}}\n")
    hub.write("u/1.xlsx", ["no", "city"], [["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "Bern"]])
    hub.write("e/1.xlsx", ["no", "at"], [[1, 5], [2, 6]])
    planned = plan(hub.config())
    assert planned.warnings == ()
    assert {one.table: one.keys for one in planned.tables} == {
        "u": PlannedKeys(new=0, replaced=0, unchanged=1, older=0),
        "e": PlannedKeys(new=2, replaced=0, unchanged=0, older=0),
    }


def test_plan_of_a_replaced_file_sees_the_row_behind_it(hub: Hub) -> None:
    hub.configure("d:\n  key: [no]\n  newest: at\n  columns: {at: {type: integer}}\n")
    hub.write("d/1.xlsx", ["no", "at"], [[1, 5], [2, 5]])
    hub.write("d/2.xlsx", ["no", "at"], [[1, 9], [2, 9]])
    hub.load()
    hub.write("d/2.xlsx", ["no", "at"], [[1, 3], [2, 7]])
    (table,) = [one for one in plan(hub.config()).tables if one.table == "d"]
    assert table.keys == PlannedKeys(new=0, replaced=1, unchanged=0, older=1)


def test_plan_by_the_time_of_a_change_is_that_of_the_run(hub: Hub) -> None:
    hub.configure("d:\n  key: [no]\n  newest: modified\n")
    hub.write("d/1.xlsx", ["no", "city"], [[1, "Bern"]])
    (table,) = [one for one in plan(hub.config()).tables if one.table == "d"]
    assert [one.action for one in table.files] == ["load"]


def test_plan_names_the_table_whose_keys_it_cannot_count(hub: Hub) -> None:
    hub.write("c/2025-11.xlsx", ["no", "city"], [[3, "Uri"]])
    hub.execute(
        "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no tables today'; END$$;"
        "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse()"
    )
    planned = plan(hub.config())
    assert [table.keys for table in planned.tables] == [None]
    (warning,) = planned.warnings
    assert warning.startswith("c: the new and replaced keys are not counted: ")
    assert "no tables today" in warning


@pytest.mark.parametrize("newest", ["loaded", "modified"])
def test_adopt_refuses_an_order_that_only_the_history_had(hub: Hub, newest: str) -> None:
    hub.execute("DROP TABLE etl_imports, etl_schema_changes, etl_tables")
    hub.configure(f"{KEYED}  newest: {newest}\n")
    report = run(hub.config(), adopt=True)
    assert all(result.failure is not None for result in report.results)
    assert hub.imports() == []


def test_rows_of_a_snapshot_keep_the_users_own_columns(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.execute(
        "CREATE TABLE s (id int GENERATED ALWAYS AS IDENTITY, no int, twice int GENERATED ALWAYS AS (no * 2) STORED)"
    )
    hub.configure("s:\n  mode: snapshot\n")
    hub.write("s/2.xlsx", ["no"], [[1], [2]])
    hub.load()
    hub.execute("ALTER TABLE s ADD note varchar(9) NOT NULL DEFAULT 'none'; UPDATE s SET note = 'mine' WHERE no = 2")
    before = [(1, 1, 2, "none"), (2, 2, 4, "mine")]
    hub.write("s/1.xlsx", ["no"], [[5]])
    hub.write("s/3.xlsx", ["no"], [[7]])
    hub.load()
    rows = "SELECT id, no, twice, note FROM s ORDER BY no"
    assert hub.execute(rows) == [(3, 7, 14, "none")]
    hub.revert(source_file="3.xlsx")
    assert hub.execute(rows) == before
    hub.configure("s: {}\n")
    rekey(hub.config(), "s")
    assert hub.execute(rows) == [*before, (4, 5, 10, "none")]
    hub.configure("s:\n  mode: snapshot\n")
    rekey(hub.config(), "s")
    hub.revert(source_file="2.xlsx", force=True)
    assert hub.execute(rows) == [(4, 5, 10, "none")]


def test_rekey_keeps_the_users_own_columns_of_all_rows(database_url: str, tmp_path: Path) -> None:
    hub = Hub(database_url, tmp_path)
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.write("c/2.xlsx", ["no", "city"], [[1, "Genf"]])
    hub.load()
    hub.execute("ALTER TABLE c ADD note text; UPDATE c SET note = city || '!'")
    for options in (KEYED, "c: {}\n"):
        change(hub, options)
    assert hub.execute("SELECT city, note FROM c ORDER BY 1") == [("Bern", "Bern!"), ("Genf", "Genf!")]


def test_rekey_refuses_a_trigger_that_keeps_rows_out(hub: Hub) -> None:
    hub.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;"
        "CREATE TRIGGER keep BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    with pytest.raises(PgDataHubError, match="did not let 1 row be deleted or replaced"):
        change(hub, "c: {}\n")
    assert cities(hub, "c_replaced") == [(2, "Basel")]
