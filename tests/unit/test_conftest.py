"""The environment that the tests run in."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import KEPT

TESTS = Path(__file__).parents[1]


def test_variables_that_tests_read_reach_them() -> None:
    reading = re.compile(r"environ(?:\.get\(|\[)\"(PGDATAHUB_[A-Z_]+)\"")
    read = {name for path in TESTS.rglob("*.py") for name in reading.findall(path.read_text(encoding="utf-8"))}
    assert {"PGDATAHUB_JUDGE_SEED", "PGDATAHUB_FUZZ"} <= read
    assert {name for name in read if not name.startswith(KEPT)} == set()
