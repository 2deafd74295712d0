"""``pgdatahub plan`` as a person or a pipeline runs it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

pytestmark = pytest.mark.integration


def test_check_exits_with_5_until_the_schema_is_there(place: Place) -> None:
    place.write("sales/a.xlsx", [["id", "amount"], [1, 2.5]])
    first = place.run("plan", "--check")
    assert first.code == 5, first.err
    assert "sales (new table): 1 file to load, 1 row" in first.out
    assert 'CREATE TABLE "public"."sales"' in first.out
    assert place.run("run").code == 0
    place.write("sales/b.xlsx", [["id", "amount"], [2, 3.5]])
    second = place.run("plan", "--check")
    assert second.code == 0, second.out
    assert "no table changes" in second.out


def test_json_is_all_that_stands_on_standard_output(place: Place) -> None:
    place.write("sales/a.xlsx", [["id"], [1]])
    done = place.run("plan", "--format", "json")
    assert done.code == 0
    assert done.json["changes_schema"] is True
    (table,) = done.json["tables"]
    assert table["files"][0]["action"] == "load"
    assert table["files"][0]["changes"][0]["new"] == "INTEGER"


def test_a_file_that_would_fail_makes_it_1(place: Place) -> None:
    path = place.write("sales/a.xlsx", [["id"], [1]])
    path.write_bytes(b"no workbook")
    done = place.run("plan")
    assert done.code == 1
    assert "fail  sales/a.xlsx" in done.out
    assert "Traceback" not in done.out + done.err


def test_an_embedded_server_that_was_never_used_is_not_made(unserved: Place) -> None:
    unserved.write("sales/a.xlsx", [["id"], [1]])
    done = unserved.run("plan")
    assert done.code == 0, done.err
    assert "the embedded server, on which the first run makes a database" in done.out
    assert not (unserved.directory / "home" / "server").exists()


def test_processes_that_widen_one_table_meet_at_the_join(place: Place) -> None:
    place.write("sales/a.xlsx", [["a", "b"], [1, 1]])
    assert place.run("run").code == 0
    first = place.write("sales/b.xlsx", [["a", "b"], *(["x", number] for number in range(500))])
    second = place.write("sales/c.xlsx", [["a", "b", "c"], *([number, number + 0.5, True] for number in range(500))])
    running = [
        subprocess.Popen(
            place.command("run", path),
            cwd=place.directory,
            env=place.variables({"ETL_STATE_DIR": str(place.directory / path.stem)}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for path in (first, second)
    ]
    said = [one.communicate(timeout=60)[1] for one in running]
    assert [one.returncode for one in running] == [0, 0], said
    types = place.query(
        "SELECT column_name::text, data_type::text FROM information_schema.columns WHERE table_name = 'sales'"
        " AND column_name IN ('a', 'b', 'c') ORDER BY 1"
    )
    assert types == [("a", "text"), ("b", "double precision"), ("c", "boolean")]
    assert place.query("SELECT count(*), count(c) FROM sales") == [(1001, 500)]
