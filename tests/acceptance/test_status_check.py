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


def test_status_check_exits_3_without_a_database(unserved: Place) -> None:
    assert unserved.run("status").code == 0
    assert unserved.run("status", "--check").code == 3
    assert unserved.run("status", "--check", DATABASE_URL="postgresql://localhost:1/none").code == 3
