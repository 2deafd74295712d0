"""The pause file is written whole or not at all, says what it was given, and nothing that is secret."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pgdatahub.config import Config, load_config
from pgdatahub.errors import ConfigError, PauseFileError
from pgdatahub.runs.pause_file import (
    PausedFile,
    PauseState,
    options_of,
    pause_file,
    read_pause,
    remove_pause,
    write_pause,
)

STATE = PauseState(
    run_id="20260101T000000Z-abcdef",
    paused_at="2026-01-01 00:00:00 UTC",
    reason="interrupted",
    destination="somewhere",
    options={"workers": None, "on_error": "stop"},
    config_file=None,
    loaded=("a/1.xlsx",),
    skipped=2,
    failed=(PausedFile(file="a/2.xlsx", location="/data/a/2.xlsx", table="a", problem='it\'s "odd" › Größe\n😀'),),
    remaining=(PausedFile(file="a/3.xlsx", location="/data/a/3.xlsx", table="a"),),
)


@pytest.fixture(name="config")
def fixture_config(tmp_path: Path) -> Config:
    return Config(state_dir=tmp_path / "made" / "when needed")


def test_what_is_written_is_read_again(config: Config) -> None:
    write_pause(config, STATE)
    assert read_pause(config) == STATE
    remove_pause(config)
    assert read_pause(config) is None


def test_what_failed_comes_before_what_is_left_and_each_once() -> None:
    both = PauseState(**{name: getattr(STATE, name) for name in STATE.__slots__} | {"remaining": STATE.failed * 2})
    assert STATE.left == ("/data/a/2.xlsx", "/data/a/3.xlsx")
    assert both.left == ("/data/a/2.xlsx",)


def test_only_the_owner_may_read_it_whatever_the_umask(config: Config) -> None:
    previous = os.umask(0)
    try:
        write_pause(config, STATE)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(pause_file(config).stat().st_mode) == 0o600


def test_failed_write_leaves_the_earlier_pause_file(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_pause(config, STATE)
    before = pause_file(config).read_bytes()
    monkeypatch.setenv("PGDATAHUB_FAULT", f"written .etl_pause.json:full:1:{tmp_path}")
    with pytest.raises(OSError, match="No space left"):
        write_pause(config, PauseState(**{name: getattr(STATE, name) for name in STATE.__slots__} | {"skipped": 3}))
    assert pause_file(config).read_bytes() == before
    assert [path.name for path in pause_file(config).parent.iterdir()] == [".etl_pause.json"]


def test_only_old_temporary_files_are_removed(config: Config) -> None:
    write_pause(config, STATE)
    directory = pause_file(config).parent
    old, new = directory / "..etl_pause.json.0123", directory / "..etl_pause.json.4567"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    write_pause(config, STATE)
    assert not old.exists()
    assert new.exists()


def test_settings_that_may_hold_a_password_are_left_out() -> None:
    config = Config.model_validate(
        {"database_url": "postgresql://me:secret@host/db", "executor_options": {"token": "secret"}}
    )
    assert "secret" not in str(options_of(config))


@pytest.mark.parametrize("root", ["s3://me:secret@bucket/data", "https://host/data?token=secret"])
def test_data_root_with_password_is_refused_and_not_shown(root: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(overrides={"data_root": root})
    assert "secret" not in str(caught.value)
    assert "without a password" in str(caught.value)


def test_a_field_that_is_missing_or_wrong_is_named(config: Config) -> None:
    write_pause(config, STATE)
    path = pause_file(config)
    path.write_text(path.read_text().replace('"skipped": 2', '"skipped": "two"'))
    with pytest.raises(PauseFileError, match="skipped"):
        read_pause(config)
