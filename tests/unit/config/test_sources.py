"""Sources of settings: environment with aliases, ``.env`` with lines, files of secrets; each value keeps its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pgdatahub.config import load_config, settings
from pgdatahub.config.loading import is_debug_on, known_secrets
from pgdatahub.errors import ConfigError

ALIASES = {
    setting.name: setting.variables for setting in settings().values() if setting.explained.variable.startswith("ETL_")
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing is set; the directory of secrets is empty."""
    for setting in settings().values():
        for variable in setting.variables:
            monkeypatch.delenv(variable, raising=False)
    for variable in ("PGHOST", "PGHOSTADDR", "PGSERVICE"):
        monkeypatch.delenv(variable, raising=False)
    directory = tmp_path / "secrets"
    directory.mkdir()
    monkeypatch.setenv("PGDATAHUB_SECRETS_DIR", str(directory))
    monkeypatch.chdir(tmp_path)
    return directory


def test_every_etl_variable_has_an_alias() -> None:
    assert ALIASES["data_root"] == ("ETL_DATA_ROOT", "PGDATAHUB_DATA_ROOT")
    assert len(ALIASES) == 15
    assert all(alias == variable.replace("ETL_", "PGDATAHUB_") for variable, alias in ALIASES.values())
    names = [variable for setting in settings().values() for variable in setting.variables]
    assert len(set(names)) == len(names)


def test_an_alias_is_read_from_environment_and_dot_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\nPGDATAHUB_SCHEMA=loads\nPGDATAHUB_WORKERS=3\n")
    monkeypatch.setenv("PGDATAHUB_WORKERS", "2")
    config = load_config()
    assert (config.schema_name, config.workers) == ("loads", 2)
    assert config.origin("schema_name") == ".env:2"
    assert config.places["schema_name"] == ".env:2"
    assert config.origin("workers") == "environment PGDATAHUB_WORKERS"


def test_a_variable_counts_before_its_alias(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_SCHEMA", "one")
    monkeypatch.setenv("PGDATAHUB_SCHEMA", "two")
    config = load_config()
    assert config.schema_name == "one"
    assert config.notices == ("environment: PGDATAHUB_SCHEMA is ignored, because ETL_SCHEMA is set too",)
    monkeypatch.setenv("PGDATAHUB_SCHEMA", "one")
    assert load_config().notices == ()


def test_a_misspelt_alias_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATAHUB_SHEMA", "x")
    assert load_config().notices == ("environment: PGDATAHUB_SHEMA is not a setting; did you mean PGDATAHUB_SCHEMA?",)


def test_an_invalid_alias_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATAHUB_WORKERS", "many")
    with pytest.raises(ConfigError) as refused:
        load_config()
    assert refused.value.where == "environment variable PGDATAHUB_WORKERS"


@pytest.mark.parametrize("name", ["database_url", "DATABASE_URL"])
def test_a_secret_is_read_from_its_file(secrets: Path, name: str) -> None:
    (secrets / name).write_text("postgresql://me:s3cret@h/d\n")
    config = load_config()
    assert config.database_url is not None
    assert config.database_url.get_secret_value() == "postgresql://me:s3cret@h/d"
    assert config.origin("database_url") == f"secret {secrets / name}"
    assert "s3cret" not in repr(config) + str(config.places)
    assert known_secrets().mask("no s3cret here") == "no *** here"


def test_secrets_have_their_precedence(secrets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.json").write_text('{"schema_name": "json", "workers": 1, "chunk_size": 5}')
    (secrets / "etl_schema").write_text("secret")
    (secrets / "pgdatahub_workers").write_text("2")
    assert load_config().schema_name == "secret"
    assert (load_config().workers, load_config().chunk_size) == (2, 5)
    (tmp_path / ".env").write_text("ETL_SCHEMA=dotenv\n")
    assert load_config().schema_name == "dotenv"
    monkeypatch.setenv("PGDATAHUB_SCHEMA", "environment")
    assert load_config().schema_name == "environment"
    assert load_config(overrides={"schema_name": "option"}).schema_name == "option"


def test_a_kubernetes_secret_is_read_through_its_links(secrets: Path) -> None:
    (secrets / "..2026").mkdir()
    (secrets / "..2026/DATABASE_URL").write_text("postgresql://h/d")
    (secrets / "..data").symlink_to("..2026")
    (secrets / "DATABASE_URL").symlink_to("..data/DATABASE_URL")
    assert load_config().origin("database_url") == f"secret {secrets / 'DATABASE_URL'}"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_secret_that_cannot_be_read_is_an_error(secrets: Path, content: bytes | None) -> None:
    if content is None:
        (secrets / "database_url").mkdir()
    else:
        (secrets / "database_url").write_bytes(content)
    with pytest.raises(ConfigError, match="a secret cannot be read"):
        load_config()


def test_an_invalid_secret_is_named_without_its_value(secrets: Path) -> None:
    (secrets / "database_url").write_text("mysql://me:s3cret@h/d")
    with pytest.raises(ConfigError) as refused:
        load_config()
    assert refused.value.where == str(secrets / "database_url")
    assert "s3cret" not in str(refused.value)


def test_other_secrets_are_left_alone(secrets: Path) -> None:
    (secrets / "api_key").write_bytes(b"\xff")
    (secrets / "database_url").write_text("")
    assert load_config().database_url is None


@pytest.mark.parametrize("value", ["*", "release", "app:*", "verbose", "2"])
@pytest.mark.parametrize("variable", ["DEBUG", "SKIP_DB"])
def test_a_foreign_switch_is_ignored_with_a_notice(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    config = load_config()
    assert (config.debug, config.skip_db) == (False, False)
    assert config.notices == (
        f"environment: {variable}={value!r} is another program's, so it is ignored; here it is 0 or 1",
    )
    assert not is_debug_on()


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("true", True), ("OFF", False)])
def test_a_switch_of_ours_counts(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("DEBUG", value)
    monkeypatch.setenv("SKIP_DB", value)
    config = load_config()
    assert (config.debug, config.skip_db, config.notices) == (expected, expected, ())
    assert is_debug_on() is expected


@pytest.mark.parametrize("value", ["yess", "ture", "fasle", "onn"])
def test_a_misspelt_switch_in_dot_env_is_an_error(tmp_path: Path, value: str) -> None:
    (tmp_path / ".env").write_text(f"SKIP_DB={value}\n")
    with pytest.raises(ConfigError) as refused:
        load_config()
    assert refused.value.where == ".env:1"


@pytest.mark.parametrize("value", ["*", "release", "app:*", "verbose", "none", "2"])
def test_a_foreign_switch_in_dot_env_gives_a_notice(tmp_path: Path, value: str) -> None:
    (tmp_path / ".env").write_text(f"PORT=80\nDEBUG={value}\n")
    config = load_config()
    assert not config.debug
    assert config.notices == (f".env:2: DEBUG={value!r} is another program's, so it is ignored; here it is 0 or 1",)


def test_a_foreign_switch_does_not_hide_that_of_dot_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SKIP_DB=1\n")
    monkeypatch.setenv("SKIP_DB", "release")
    assert load_config().skip_db


def test_pydantic_settings_is_imported_only_if_needed(secrets: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pgdatahub.config import load_config; load_config(); print('pydantic_settings' in sys.modules)"
    )

    def imported(**more: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PGDATAHUB_HOME"}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env={**environment, **more}, cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().strip()

    secrets.rmdir()
    assert imported() == "False"
    assert imported(ETL_SCHEMA="x") == "True"
