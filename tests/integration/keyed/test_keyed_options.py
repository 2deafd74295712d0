"""Keys and snapshots together with the other options of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.model.events import Event, Notice
from pgdatahub.model.results import Outcome
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import run
from pgdatahub.undo.rekey import rekey
from tests.integration.undo.conftest import Hub


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root and an empty database."""
    return Hub(database_url, tmp_path)


def failures(hub: Hub) -> dict[str, str]:
    """Plan and run; return file → its failure, the same in both."""
    planned = {one.file: one.failure.message for one in plan(hub.config()).files if one.failure is not None}
    told = {one.source.identity: one.failure.message for one in hub.run().results if one.failure is not None}
    assert planned == told
    return told


@pytest.mark.parametrize("sectional", [False, True])
def test_missing_files_leave_keyed_tables_and_snapshots(hub: Hub, sectional: bool) -> None:
    options = "on_missing: revert"
    hub.configure(f"c:\n  {options}\n  key: [no]\n  missing_keys: flag gone\ns:\n  {options}\n  mode: snapshot\n")
    for folder in "cs":
        hub.write(f"{folder}/1.xlsx", ["no", "city"], [[1, "Bern"], [2, "Genf"]])
        hub.write(f"{folder}/2.xlsx", ["no", "city"], [[1, "Chur"], [3, "Uri"]])
    hub.load(sectional_commit=sectional)
    for folder in "cs":
        (hub.root / folder / "2.xlsx").unlink()
    planned = plan(hub.config())
    hub.load(sectional_commit=sectional)
    assert hub.execute("SELECT no, city, gone FROM c ORDER BY 1") == [(1, "Bern", False), (2, "Genf", False)]
    assert hub.execute("SELECT no, city FROM s ORDER BY 1") == [(1, "Bern"), (2, "Genf")]
    assert hub.execute("SELECT (SELECT count(*) FROM c_replaced), (SELECT count(*) FROM s_replaced)") == [(0, 0)]
    assert planned.files == () or all(one.action != "fail" for one in planned.files)
    assert [one.differences for one in hub.verify().tables] == [(), ()]


def test_a_changed_file_is_replaced_kept_or_fails(hub: Hub) -> None:
    options = {"c": "key: [no]\n  on_changed: fail", "d": "key: [no]\n  on_changed: append", "s": "mode: snapshot"}
    hub.configure("".join(f"{folder}:\n  {text}\n" for folder, text in options.items()))
    told = []
    for city in ("Bern", "Chur"):
        for folder in options:
            hub.write(f"{folder}/1.xlsx", ["no", "city"], [[1, city]])
        told.append(list(failures(hub)))
    assert told == [[], ["c/1.xlsx"]]
    assert hub.execute("SELECT (SELECT city FROM c), (SELECT city FROM d), (SELECT city FROM d_replaced)") == [
        ("Bern", "Chur", "Bern")
    ]
    assert hub.execute("SELECT city, (SELECT count(*) FROM s_replaced) FROM s") == [("Chur", 0)]


def test_a_bad_file_of_a_section_leaves_the_other_keys(hub: Hub) -> None:
    hub.configure("c:\n  key: [no]\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.write("c/2.xlsx", ["no", "city"], [[1, "Chur"], [1, "Uri"]])
    hub.write("c/3.xlsx", ["no", "city"], [["x", "Genf"], [1, "Zug"]])
    report = hub.run(sectional_commit=True)
    assert [one.source.identity for one in report.results if one.failure is not None] == ["c/2.xlsx"]
    assert hub.execute("SELECT no, city FROM c ORDER BY 1") == [("1", "Zug"), ("x", "Genf")]
    assert hub.execute("SELECT no, city FROM c_replaced") == [("1", "Bern")]


def test_frozen_columns_and_types_hold_for_both_tables(hub: Hub) -> None:
    hub.configure("c:\n  key: [no]\n  new_columns: freeze\n  types: freeze\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    hub.write("c/2.xlsx", ["no", "size"], [[1, 5]])
    hub.write("c/3.xlsx", ["no", "city"], [["x", "Uri"]])
    hub.write("c/4.xlsx", ["no", "city"], [[1, "Zug"]])
    assert sorted(failures(hub)) == ["c/2.xlsx", "c/3.xlsx"]
    assert hub.types("c_replaced") == {**hub.types("c"), "_beaten": "boolean"}
    assert hub.execute("SELECT no, city FROM c") == [(1, "Zug")]


def test_two_folders_of_one_table_need_one_key(hub: Hub) -> None:
    hub.configure("a:\n  table: t\n  key: [no]\nb:\n  table: t\n  key: [no]\n  newest: modified\n")
    hub.write("a/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    hub.write("b/1.xlsx", ["no", "city"], [[1, "Chur"]])
    hub.write("t_replaced/1.xlsx", ["no", "city"], [[1, "Uri"]])
    told = failures(hub)
    assert "the table has newest: path, and the settings of the folder say newest: modified" in told["b/1.xlsx"]
    assert "has the rows of t that other rows replace, and takes no file" in told["t_replaced/1.xlsx"]


def test_a_routed_file_takes_a_key_for_each_table(hub: Hub) -> None:
    sheets = "{Sheet1: {table: t, key: [no], duplicates: last}}"
    hub.configure(f"b:\n  sheets: {sheets}\n")
    hub.write("b/1.xlsx", ["no", "city"], [[1, "Bern"], [1, "Chur"]])
    hub.load()
    hub.write("b/1.xlsx", ["no", "city"], [[1, "Uri"], [2, "Zug"]])
    hub.load()
    assert hub.execute("SELECT no, city FROM t ORDER BY 1") == [(1, "Uri"), (2, "Zug")]
    assert hub.execute("SELECT count(*) FROM t_replaced") == [(0,)]
    hub.revert(source_file="b/1.xlsx")
    assert hub.execute("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("loaded", [False, True])
def test_the_flag_is_no_column_of_a_file(hub: Hub, loaded: bool) -> None:
    hub.configure("c:\n  key: [no]\n  missing_keys: flag gone\n")
    if loaded:
        hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
        hub.load()
    hub.write("c/2.xlsx", ["no", "Gone"], [[1, True]])
    assert failures(hub) == {"c/2.xlsx": "the file has the column gone, which missing_keys: flag sets"}


def test_a_flag_of_the_user_must_be_boolean(hub: Hub) -> None:
    hub.execute("CREATE TABLE c (no int PRIMARY KEY, gone text)")
    hub.configure("c:\n  key: [no]\n  missing_keys: flag gone\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    (message,) = failures(hub).values()
    assert message == "the column gone is TEXT, and missing_keys: flag gone needs a BOOLEAN"


@pytest.mark.parametrize("options", ["key: [no]", "sheets: {Sheet1: {table: c, key: [no]}}"])
def test_a_key_that_a_loaded_table_lacks_is_told(hub: Hub, options: str) -> None:
    def warnings() -> list[str]:
        told: list[Event] = []
        run(hub.config(), reporter=told.append)
        found = [event.text for event in told if isinstance(event, Notice) and event.warning]
        assert list(plan(hub.config()).warnings) == found
        return found

    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    routed = options.startswith("sheets")
    hub.configure("c:\n  sheets: {Sheet1: {table: c}}\n" if routed else "c: {}\n")
    hub.load()
    assert warnings() == []
    hub.configure(f"c:\n  {options}\n")
    (told,) = warnings()
    assert told.startswith("the table c has mode: append, and the settings of its folder say mode: merge, key: [no]")
    rekey(hub.config(), "c")
    assert warnings() == []
    hub.configure("c:\n  sheets: {Sheet1: {table: c}}\n" if routed else "c: {}\n")
    assert len(warnings()) == 1


@pytest.mark.parametrize("other", ["key: [no]", "mode: snapshot"])
def test_a_part_of_a_file_saved_again_can_come_back(hub: Hub, other: str) -> None:
    hub.configure(f"c:\n  sheets:\n    Sheet1: [{{table: a, key: [no]}}, {{table: b, {other}}}]\n")
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]])
    hub.load()
    hub.write("c/1.xlsx", ["no", "city"], [[1, "Bern"]], note="saved again")
    assert [outcome for outcome, _ in hub.load().values()] == [Outcome.SKIPPED]
    hub.revert(source_file="c/1.xlsx", table="a")
    assert {(one.file, one.action) for one in plan(hub.config()).files} == {("c/1.xlsx", "load"), ("c/1.xlsx", "skip")}
    assert [outcome for outcome, _ in hub.load().values()] == [Outcome.LOADED]
    assert hub.execute("SELECT a.city, b.city FROM a, b") == [("Bern", "Bern")]
