from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from pgdatahub.config import Config, load_config, settings
from pgdatahub.errors import ConfigError

VARIABLES = {
    "database_url": "DATABASE_URL",
    "data_root": "ETL_DATA_ROOT",
    "schema_name": "ETL_SCHEMA",
    "sectional_commit": "ETL_SECTIONAL_COMMIT",
    "pause_every": "ETL_PAUSE_EVERY",
    "pause_seconds": "ETL_PAUSE_SECONDS",
    "chunk_size": "ETL_CHUNK_SIZE",
    "workers": "ETL_WORKERS",
    "executor": "ETL_EXECUTOR",
    "executor_options": "ETL_EXECUTOR_OPTIONS",
    "insecure_executor": "ETL_INSECURE_EXECUTOR",
    "on_error": "ETL_ON_ERROR",
    "require_files": "ETL_REQUIRE_FILES",
    "notify": "ETL_NOTIFY",
    "notify_on": "ETL_NOTIFY_ON",
    "state_dir": "ETL_STATE_DIR",
    "reader": "PGDATAHUB_READER",
    "skip_db": "SKIP_DB",
    "debug": "DEBUG",
    "pgdatahub_home": "PGDATAHUB_HOME",
    "pg_bindir": "PGDATAHUB_PG_BINDIR",
    "pg_osuser": "PGDATAHUB_PG_OSUSER",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, and the working directory is empty."""
    for variable in (*VARIABLES.values(), "PGHOST", "PGHOSTADDR", "PGSERVICE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_with_nothing_set_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config()
    assert config.database_url is None
    assert (config.data_root, config.root_path, config.state_dir) == ("data", tmp_path / "data", tmp_path)
    assert (config.schema_name, config.on_error, config.workers) == ("public", "continue", None)
    assert (config.sectional_commit, config.pause_every, config.pause_seconds) == (False, 0, 30.0)
    assert (config.chunk_size, config.skip_db, config.debug) == (10_000, False, False)
    assert (config.config_file, config.notices, config.destination.kind) == (None, (), "embedded")
    assert {config.origin(name) for name in settings()} == {"default"}


def test_every_setting_has_its_variable_and_is_explained() -> None:
    assert {name: setting.explained.variable for name, setting in settings().items()} == VARIABLES
    assert all(setting.explained.help and setting.explained.expects for setting in settings().values())


@pytest.mark.parametrize(
    ("variable", "name", "written", "value"),
    [
        ("ETL_DATA_ROOT", "data_root", "/srv/in", "/srv/in"),
        ("ETL_SCHEMA", "schema_name", "raw", "raw"),
        ("ETL_SECTIONAL_COMMIT", "sectional_commit", "1", True),
        ("ETL_PAUSE_EVERY", "pause_every", "5", 5),
        ("ETL_PAUSE_SECONDS", "pause_seconds", "0.5", 0.5),
        ("ETL_CHUNK_SIZE", "chunk_size", "7", 7),
        ("ETL_WORKERS", "workers", "3", 3),
        ("ETL_ON_ERROR", "on_error", "stop", "stop"),
        ("ETL_STATE_DIR", "state_dir", "/var/state", Path("/var/state")),
        ("SKIP_DB", "skip_db", "1", True),
        ("DEBUG", "debug", "true", True),
        ("PGDATAHUB_HOME", "pgdatahub_home", "/srv/home", Path("/srv/home")),
        ("PGDATAHUB_PG_BINDIR", "pg_bindir", "/opt/pg/bin", Path("/opt/pg/bin")),
        ("PGDATAHUB_PG_OSUSER", "pg_osuser", "etl", "etl"),
    ],
)
def test_a_setting_is_read_from_environment_and_dot_env(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, name: str, written: str, value: object
) -> None:
    write(tmp_path / ".env", f"{variable}={written}\n")
    config = load_config()
    assert getattr(config, name) == value
    assert config.origin(name) == ".env:1"
    write(tmp_path / ".env", "")
    monkeypatch.setenv(variable, written)
    config = load_config()
    assert getattr(config, name) == value
    assert config.origin(name) == f"environment {variable}"


def test_sources_of_settings_have_their_precedence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path / "config/config.json", '{"ETL_SCHEMA": "file"}')
    assert (load_config().schema_name, load_config().origin("schema_name")) == ("file", "config/config.json:1")
    write(tmp_path / ".env", "ETL_SCHEMA=dotenv")
    assert (load_config().schema_name, load_config().origin("schema_name")) == ("dotenv", ".env:1")
    monkeypatch.setenv("ETL_SCHEMA", "environment")
    assert (load_config().schema_name, load_config().origin("schema_name")) == ("environment", "environment ETL_SCHEMA")
    config = load_config(overrides={"schema_name": "option", "workers": None})
    assert (config.schema_name, config.origin("schema_name")) == ("option", "option --schema")
    assert config.origin("workers") == "default"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path / ".env", "ETL_SCHEMA=raw\nETL_WORKERS=\n")
    monkeypatch.setenv("ETL_SCHEMA", "")
    monkeypatch.setenv("DATABASE_URL", "")
    config = load_config()
    assert (config.schema_name, config.workers, config.destination.kind) == ("raw", None, "embedded")


def test_lines_of_dot_env_may_be_quoted_exported_and_commented(tmp_path: Path) -> None:
    write(tmp_path / ".env", "\ufeff# settings\r\nexport ETL_SCHEMA='raw data' # mine\r\nETL_WORKERS=2\r\n")
    config = load_config()
    assert (config.schema_name, config.workers) == ("raw data", 2)


def test_a_broken_line_of_dot_env_is_named_and_not_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / ".env", "ETL_WORKERS=2\nETL_SCHEMA='open\n")
    with caplog.at_level(logging.WARNING), pytest.raises(ConfigError) as caught:
        load_config()
    assert caught.value.where == ".env:2"
    assert caplog.records == []


@pytest.mark.parametrize(
    ("name", "value", "expects"),
    [
        ("workers", "0", "a whole number, 1 to 1024, not '0'"),
        ("workers", "many", "not 'many'"),
        ("chunk_size", "0", "a whole number"),
        ("pause_every", "-1", "0 or more"),
        ("pause_seconds", "inf", "a number of seconds"),
        ("pause_seconds", "nan", "a number of seconds"),
        ("on_error", "ignore", "continue or stop, not 'ignore'"),
        ("sectional_commit", "maybe", "0 or 1"),
        ("schema_name", "x" * 64, "at most 63 bytes"),
        ("schema_name", "pg_mine", "not pg_"),
    ],
)
def test_an_invalid_value_is_named_with_its_place_and_valid_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, expects: str
) -> None:
    variable = VARIABLES[name]
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert expects in caught.value.message
    assert caught.value.where == f"environment variable {variable}"
    monkeypatch.delenv(variable)
    write(tmp_path / ".env", f"# first\n{variable}={value}\n")
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert caught.value.where == ".env:2"


def test_an_unknown_override_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean chunk_size"):
        load_config(overrides={"chunksize": 3})


def test_only_a_misspelt_variable_of_pgdatahub_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETL_SHEMA", "x")
    monkeypatch.setenv("ETL_WAREHOUSE_BUCKET", "x")
    write(tmp_path / ".env", "ETL_WORKER=2\nSOMETHING=else\nPGHOST=db\n")
    notices = load_config().notices
    assert len(notices) == 3
    assert "environment: ETL_SHEMA is not a setting; did you mean ETL_SCHEMA?" in notices
    assert ".env: ETL_WORKER is not a setting; did you mean ETL_WORKERS?" in notices
    assert any("PGHOST" in notice and "DATABASE_URL" in notice for notice in notices)


def test_the_settings_file_may_hold_the_database_url(tmp_path: Path) -> None:
    write(tmp_path / "config/config.json", '{"database_url": "postgresql://u:p@h/d", "workers": 2}')
    config = load_config()
    assert config.destination.conninfo == "postgresql://u:p@h/d"
    assert config.workers == 2


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('{"database_ulr": "x"}', "config/config.json", "'database_ulr' is not a setting (did you mean database_url?)"),
        ('{"workers": 1,\n "workers": 2}', "config/config.json", "duplicate key"),
        ('{\n"workers": }', "config/config.json:2", "invalid JSON"),
        ("[1]", "config/config.json", "must map"),
        (b"\xff\xfe", "config/config.json", "not valid JSON"),
        ("[" * 100_000, "config/config.json", "not valid JSON"),
        ('{"data_root": 5}', "config/config.json:1 › data_root", "data_root must be a folder"),
    ],
)
def test_a_mistake_in_the_settings_file_is_named(tmp_path: Path, text: str | bytes, where: str, message: str) -> None:
    write(tmp_path / "config/config.json", text)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert caught.value.where == where
    assert message in str(caught.value)


def test_the_folders_file_has_a_default_and_an_explicit_place(tmp_path: Path) -> None:
    write(tmp_path / "config/etl_config.yaml", "sales: {sheet: usual}")
    write(tmp_path / "other.yaml", "sales: {sheet: other}")
    assert load_config().folders.options_for(["sales"]).sheet == ("usual",)
    config = load_config(config_file=Path("other.yaml"))
    assert config.folders.options_for(["sales"]).sheet == ("other",)
    assert config.config_file == tmp_path / "other.yaml"


def test_a_folders_file_is_named_relative_to_the_directory(tmp_path: Path) -> None:
    write(tmp_path / "config/etl_config.yaml", "\nsales: {shet: x}")
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert caught.value.where == "config/etl_config.yaml:2"


def test_a_folders_file_that_was_asked_for_must_exist() -> None:
    with pytest.raises(ConfigError, match="file not found") as caught:
        load_config(config_file=Path("nothing.yaml"))
    assert caught.value.where == "nothing.yaml"


def test_everything_is_sought_below_the_directory(tmp_path: Path) -> None:
    write(tmp_path / "project/.env", "ETL_SCHEMA=there")
    write(tmp_path / "project/config/etl_config.yaml", "sales: {sheet: there}")
    config = load_config(directory=Path("project"))
    assert config.schema_name == "there"
    assert config.folders.options_for(["sales"]).sheet == ("there",)
    assert config.root_path == tmp_path / "project/data"
    assert config.state_dir == tmp_path / "project"


def test_paths_of_load_config_may_be_texts(tmp_path: Path) -> None:
    write(tmp_path / "project/.env", "ETL_SCHEMA=there")
    write(tmp_path / "project/other.yaml", "sales: {sheet: there}")
    config = load_config(directory="project", config_file="other.yaml")
    assert (config.schema_name, config.directory) == ("there", tmp_path / "project")
    assert config.folders.options_for(["sales"]).sheet == ("there",)


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, "embedded"),
        ({"PGHOST": "db"}, "environment"),
        ({"PGSERVICE": "reports"}, "environment"),
        ({"PGUSER": "me", "PGPASSWORD": "x"}, "embedded"),
        ({"PGHOST": "db", "DATABASE_URL": "postgresql://h/d"}, "url"),
        ({"DATABASE_URL": "host=h dbname=d"}, "url"),
    ],
)
def test_the_destination_is_url_then_libpq_then_embedded_server(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], kind: str
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert load_config().destination.kind == kind


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PGPORT": "6432"}, "PGPORT is ignored"),
        ({"PGUSER": "me", "PGDATABASE": "d"}, "PGDATABASE, PGUSER are ignored"),
        ({"PGSERVICEFILE": "f"}, "PGSERVICEFILE is ignored"),
        ({"PGPORT": "6432", "PGHOST": "db"}, ""),
        ({"PGPORT": "6432", "DATABASE_URL": "postgresql://h/d"}, ""),
        ({"PGCLIENTENCODING": "UTF8"}, ""),
    ],
)
def test_variables_of_libpq_without_a_server_are_named(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], named: str
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    notices = load_config().notices
    assert len(notices) == bool(named)
    assert all(named in notice and "the embedded server is used" in notice for notice in notices)


@pytest.mark.parametrize("where", ["environment", ".env", "json", "option"])
@pytest.mark.parametrize("url", ["mysql://u:hidden@h/d", "u:hidden@h/d"])
def test_a_wrong_database_url_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str, url: str
) -> None:
    overrides = {}
    if where == "environment":
        monkeypatch.setenv("DATABASE_URL", url)
    elif where == ".env":
        write(tmp_path / ".env", f"DATABASE_URL={url}")
    elif where == "json":
        write(tmp_path / "config/config.json", f'{{"database_url": "{url}"}}')
    else:
        overrides["database_url"] = url
    with pytest.raises(ConfigError, match="postgresql://") as caught:
        load_config(overrides=overrides)
    assert "hidden" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__dict__}"


def test_a_password_is_in_no_text_that_is_made_of_a_config() -> None:
    config = load_config(overrides={"database_url": "postgresql://u:hidden@h/d?password=hidden"})
    assert (
        "hidden"
        not in f"{config!r} {config} {config.destination!r} {config.origins} {config.model_dump_json(exclude={'folders'})}"
    )
    assert "hidden" in config.destination.conninfo


def test_a_config_is_frozen_and_can_be_pickled(tmp_path: Path) -> None:
    write(tmp_path / "config/etl_config.yaml", "sales: {sheet: x}")
    config = load_config(overrides={"database_url": "postgresql://u:p@h/d"})
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - bytes of our own
    with pytest.raises(ValidationError):
        config.schema_name = "other"


def test_a_config_made_in_code_reads_no_environment_or_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ETL_SCHEMA", "x")
    write(tmp_path / ".env", "ETL_WORKERS=9")
    config = Config(data_root="in")
    assert (config.schema_name, config.workers, config.root_path) == ("public", None, tmp_path / "in")


def test_a_data_root_may_be_a_url_and_then_is_no_path() -> None:
    config = load_config(overrides={"data_root": "s3://bucket/in"})
    assert config.data_root == "s3://bucket/in"
    with pytest.raises(ConfigError, match="is a URL"):
        _ = config.root_path


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    config = load_config(overrides={"data_root": "~/in", "state_dir": Path("~/state")})
    assert config.root_path == Path("/home/someone/in")
    assert config.state_dir == Path("/home/someone/state")


def test_a_relative_path_lies_below_the_directory(tmp_path: Path) -> None:
    config = Config(config_file=Path("folders.yaml"), pgdatahub_home=Path("/home/of/server"), directory=tmp_path)
    assert config.config_file == tmp_path / "folders.yaml"
    assert config.state_dir == tmp_path
    assert config.pgdatahub_home == Path("/home/of/server")
    assert config.pg_bindir is None
