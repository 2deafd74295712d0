"""Faults happen where and when a test asks for them, and never otherwise."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

import pgdatahub
from pgdatahub.errors import TransientDatabaseError
from pgdatahub.system import failpoints


def test_nothing_happens_unless_the_environment_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(failpoints.VARIABLE, raising=False)
    for point in failpoints.POINTS:
        failpoints.reach(point)


@pytest.mark.parametrize(
    ("action", "error"), [("full", OSError), ("lose", TransientDatabaseError), ("raise", RuntimeError)]
)
def test_a_fault_happens_at_its_turn_and_once(
    action: str, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, f"staged:{action}:2:{tmp_path}")
    failpoints.reach("staged")
    failpoints.reach("copying")
    with pytest.raises(error) as raised:
        failpoints.reach("staged")
    if isinstance(raised.value, OSError):
        assert raised.value.errno == errno.ENOSPC
    failpoints.reach("staged")


def test_the_list_of_failpoints_matches_the_code() -> None:
    package = Path(pgdatahub.__file__).parent
    text = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    reached = set(re.findall(r'failpoints\.reach\("([^"]+)"\)', text))
    assert reached == {
        point
        for point in (*failpoints.POINTS, *failpoints.KEYED_POINTS, *failpoints.REPLAY_POINTS)
        if "pause" not in point
    }
