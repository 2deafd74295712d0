"""``status --check`` tells a health check by its exit code whether anything did not load."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Place

pytestmark = pytest.mark.integration


def test_status_check_exits_1_while_a_failure_stands(place: Place) -> None:
    place.write("sales/a.xlsx", [["Item"], ["tea"]])
    (place.directory / "data/sales/b.xlsx").write_text("id;item\n1;tea\n")
    assert place.run("run", "-q").code == 1
    shown = place.run("status")
    assert shown.code == 0
    assert "1 file did not load at the last attempt:" in shown.out
    assert "sales/b.xlsx: " in shown.out
    checked = place.run("status", "--check", "--format", "json")
    assert checked.code == 1
    (failure,) = checked.json["failures"]
    assert (failure["file"], failure["table"], failure["error"]) == ("sales/b.xlsx", "sales", "NotAWorkbookError")
    assert "sales/b.xlsx: not loaded: " in place.run("history").out
    place.write("sales/b.xlsx", [["Item"], ["rye"]])
    assert place.run("run", "-q").code == 0
    assert place.run("status", "--check").code == 0
    assert "cleared " in place.run("history").out


def test_foreign_values_of_debug_and_skip_db_are_ignored(place: Place) -> None:
    place.write("sales/a.xlsx", [["Item"], ["tea"]])
    done = place.run("run", DEBUG="*", SKIP_DB="release")
    assert done.code == 0
    assert "warning: environment: DEBUG='*' is another program's" in done.err
    assert place.query("SELECT count(*) FROM sales") == [(1,)]
    assert "Traceback" not in place.run("run", "nothing-there", DEBUG="*").err
    assert "Traceback" in place.run("run", "nothing-there", DEBUG="1").err


def test_a_secret_of_docker_names_the_database(place: Place) -> None:
    (place.directory / "secrets").mkdir()
    assert place.url is not None
    (place.directory / "secrets/database_url").write_text(place.url)
    place.write("sales/a.xlsx", [["Item"], ["tea"]])
    secrets = str(place.directory / "secrets")
    assert place.run("run", "-q", DATABASE_URL=None, PGDATAHUB_SECRETS_DIR=secrets).code == 0
    assert place.query("SELECT count(*) FROM sales") == [(1,)]
    shown = place.run("config", "--format", "json", DATABASE_URL=None, PGDATAHUB_SECRETS_DIR=secrets).json
    assert shown["settings"]["database_url"]["origin"] == f"secret {secrets}/database_url"


def test_status_check_exits_3_without_a_database(unserved: Place) -> None:
    assert unserved.run("status").code == 0
    assert unserved.run("status", "--check").code == 3
    assert unserved.run("status", "--check", DATABASE_URL="postgresql://localhost:1/none").code == 3


def test_status_names_a_data_root_that_is_missing(place: Place) -> None:
    place.write("sales/a.xlsx", [["Item"], ["tea"]])
    assert place.run("run").code == 0
    (place.directory / "data").rename(place.directory / "elsewhere")
    line = f"missing files are not counted: {place.directory / 'data'} cannot be listed; --data-root or ETL_DATA_ROOT names another folder"
    assert line in place.run("status").out.splitlines()
    assert "not counted" not in place.run("status", ETL_DATA_ROOT="elsewhere").out
    assert "not counted" not in place.run("status", "--data-root", "elsewhere").out
