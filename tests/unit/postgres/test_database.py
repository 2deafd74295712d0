"""The database that settings name, before a connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.config import load_config
from pgdatahub.postgres.database import is_unmade


@pytest.mark.parametrize("warned", [False, True])
def test_variables_that_name_no_server_are_told_once(
    warned: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGPORT", "6432")
    monkeypatch.setenv("PGDATAHUB_HOME", str(tmp_path / "home"))
    config = load_config(directory=tmp_path)
    told: list[str] = []
    assert is_unmade(config, told.append, warned=warned)
    assert ["PGPORT is ignored, and the embedded server is used" in line for line in told] == [True] * (not warned)
