from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError, ExitCode
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings


def test_settings_come_from_the_environment_and_empty_is_unset() -> None:
    given = {"PGDATAHUB_HOME": "/a", "PGDATAHUB_PG_BINDIR": "/b", "PGDATAHUB_PG_OSUSER": "c"}
    assert EmbeddedSettings.from_environment(given) == EmbeddedSettings(home=Path("/a"), bindir=Path("/b"), os_user="c")
    assert EmbeddedSettings.from_environment(dict.fromkeys(given, "")) == EmbeddedSettings()


def test_where_it_cannot_run_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(DatabaseError) as refused:
        EmbeddedServer(EmbeddedSettings())
    assert refused.value.hint == "set DATABASE_URL"
    assert refused.value.exit_code is ExitCode.NO_DATABASE


def test_asking_about_a_server_that_never_was_makes_nothing(tmp_path: Path) -> None:
    server = EmbeddedServer(EmbeddedSettings(home=tmp_path / "home"))
    status = server.status()
    assert (status.running, status.kept, status.version, status.url) == (False, False, None, None)
    assert server.stop() is False
    server.release()
    with pytest.raises(DatabaseError, match="not been started yet"):
        server.url()
    assert not (tmp_path / "home").exists()
