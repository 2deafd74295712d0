"""Loading of settings from options, the environment, ``.env``, secrets and files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias

from pgdatahub.config.folders import FolderTree
from pgdatahub.config.found import LIBPQ, FoundSetting, ignored_server, misspelt, nearest, variables
from pgdatahub.config.notify_urls import joined, token_secrets
from pgdatahub.config.registry import make_config, settings
from pgdatahub.config.report_folders import check_report_folders
from pgdatahub.config.secrets import Secrets
from pgdatahub.config.settings import Config
from pgdatahub.config.settings_file import SETTINGS_FILE, from_settings_file
from pgdatahub.config.url_masking import secrets_of
from pgdatahub.errors import ConfigError, PgDataHubError

ENVIRONMENT_FILE: Final = ".env"
FOLDERS_FILE: Final = "config/etl_config.yaml"
SECRETS_VARIABLE: Final = "PGDATAHUB_SECRETS_DIR"
SECRETS_DIRECTORY: Final = "/run/secrets"
"""Directory of secrets of Docker and Podman, unless ``PGDATAHUB_SECRETS_DIR`` names another."""
_SWITCH_VALUES: Final = frozenset({"0", "1", "f", "t", "n", "y", "no", "yes", "off", "on", "false", "true"})
_MISSPELT: Final = 0.75
"""Similarity from which a value in ``.env`` is a misspelt switch: ``ture`` and ``yess`` are, ``release`` (0.67) is not."""

_Source: TypeAlias = Callable[[list[str]], Iterator[FoundSetting]]


def load_config(
    *,
    overrides: Mapping[str, object] | None = None,
    config_file: Path | str | None = None,
    directory: Path | str | None = None,
) -> Config:
    """Load all settings.

    Args:
        overrides: Values by field of :class:`~pgdatahub.config.settings.Config`, which override all others; None is ignored.
        config_file: The file of folder options, which must exist; by default ``config/etl_config.yaml`` if it exists.
        directory: The directory of ``.env`` and ``config/``, and the base of relative paths; by default the working directory.

    Raises:
        ConfigError: A value, key or file is invalid, or ``config_file`` is not found.
    """
    directory = Path(directory or "").expanduser().absolute()
    notices: list[str] = []
    found: dict[str, FoundSetting] = {}
    for source in _sources(directory):
        found |= {setting.name: setting for setting in source(notices) if not _is_foreign(setting, notices)}
    found |= {setting.name: setting for setting in _from_options(overrides or {})}
    libpq_environment = any(os.environ.get(variable) for variable in LIBPQ)
    ignored = None if "database_url" in found or libpq_environment else ignored_server(os.environ)
    notices += [ignored] if ignored else []
    path = _folders_file(Path(config_file) if config_file is not None else None, directory)
    config = make_config(
        {name: setting.value for name, setting in found.items()},
        {name: setting.place for name, setting in found.items()},
        directory=directory,
        config_file=path,
        folders=_folders(path, directory),
        libpq_environment=libpq_environment,
        origins={name: setting.origin for name, setting in found.items()},
        notices=tuple(notices),
        ignored_server=ignored,
    )
    check_report_folders(config)
    return config


def config_of(config: Config | None, settings: Mapping[str, object]) -> Config:
    """Return the settings of a call of the API: a :class:`Config`, or single settings over those of the environment.

    Args:
        config: The settings; None to load them.
        settings: Values by field, which override the loaded ones; empty if ``config`` is given.

    Raises:
        ConfigError: Both are given, or a value, key or file is invalid.
    """
    if config is None:
        return load_config(overrides={name: _plain(value) for name, value in settings.items()})
    if not isinstance(config, Config):
        raise ConfigError(
            f"a Config is expected, not {config!r}", hint="name single settings: data_root=…, database_url=…"
        )
    if settings:
        raise ConfigError(
            f"a Config is given, and {', '.join(settings)} too",
            hint="give one of them; load_config(overrides={…}) makes a Config of single settings",
        )
    return config


def _plain(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _sources(directory: Path) -> tuple[_Source, ...]:
    """Return the sources of settings, the weakest first."""
    secrets = Path(os.environ.get(SECRETS_VARIABLE) or SECRETS_DIRECTORY)

    def settings_file(notices: list[str]) -> Iterator[FoundSetting]:
        return from_settings_file(directory, notices)

    given = any(map(os.environ.get, variables()))
    if not (given or secrets.is_dir() or (directory / ENVIRONMENT_FILE).exists()):
        # Without an import of pydantic-settings, which takes a tenth of a second.
        return settings_file, _from_unset_environment
    from pgdatahub.config import sources

    return (
        settings_file,
        lambda notices: sources.from_secrets(secrets, notices),
        lambda notices: sources.from_environment_file(directory, notices),
        lambda notices: sources.from_environment(directory, notices),
    )


def _from_unset_environment(notices: list[str]) -> Iterator[FoundSetting]:
    notices += misspelt(os.environ, "environment")
    return iter(())


def _from_options(overrides: Mapping[str, object]) -> Iterator[FoundSetting]:
    known = settings()
    for name, value in overrides.items():
        if name not in known:
            raise ConfigError(f"unknown setting {name!r}", hint=nearest(name, tuple(known)))
        if value is not None:
            origin = f"option {known[name].explained.option or name}"
            yield FoundSetting(name=name, value=value, origin=origin, place=origin)


def _is_foreign(setting: FoundSetting, notices: list[str]) -> bool:
    """Return whether a variable that other programs use too has a value of theirs; add a notice.

    The environment, ``.env`` and the secrets are shared with other programs; ``config/config.json`` is not. A person writes
    ``.env``: ``SKIP_DB=yess`` there stays an error, since a run that ignores it would write to the database.
    """
    known = settings()[setting.name]
    value = str(setting.value).strip().lower()
    if not known.explained.common or value in _SWITCH_VALUES or setting.origin.startswith(SETTINGS_FILE):
        return False
    in_environment = setting.origin.startswith("environment ")
    if not in_environment and get_close_matches(value, _SWITCH_VALUES, cutoff=_MISSPELT):
        return False
    place = "environment" if in_environment else setting.place
    shown = f"{known.explained.variable}={str(setting.value)[:20]!r}"
    notices.append(f"{place}: {shown} is another program's, so it is ignored; here it is 0 or 1")
    return True


def is_debug_on() -> bool:
    """Return whether the environment asks for tracebacks; other programs' values of DEBUG do not."""
    value = os.environ.get("DEBUG", "").strip().lower()
    return value in _SWITCH_VALUES and value not in ("0", "f", "n", "no", "off", "false")


def known_secrets(directory: Path | None = None) -> Secrets:
    """Return the passwords in the settings and in libpq's environment, also if the settings are invalid."""
    directory = (directory or Path()).absolute()
    found = Secrets.of(filter(None, (os.environ.get("PGPASSWORD"),)), public=_public_values())
    for source in _sources(directory):
        with suppress(PgDataHubError, OSError):
            for setting in source([]):
                if setting.name == "database_url" and isinstance(setting.value, str):
                    found |= secrets_of(setting.value)
                if setting.name == "notify":
                    found |= token_secrets(str(joined(setting.value)))
    return found


def _public_values() -> Iterator[str]:
    return (os.environ[name] for name in ("PGHOST", "PGUSER", "PGDATABASE") if name in os.environ)


def _folders_file(given: Path | None, directory: Path) -> Path | None:
    if given is not None:
        path = directory / given.expanduser()
        if not path.is_file():
            raise ConfigError("file not found", where=str(given), hint="pgdatahub init writes a commented one")
        return path
    usual = directory / FOLDERS_FILE
    return next((path for path in (usual, usual.with_suffix(".yml")) if path.exists()), None)


def _folders(path: Path | None, directory: Path) -> FolderTree:
    if path is None:
        return FolderTree()
    # A late import: --help and workers, which receive the tree, do not need the YAML library.
    from pgdatahub.config.folder_file import read_folders

    shown = path.relative_to(directory).as_posix() if path.is_relative_to(directory) else str(path)
    return read_folders(path, shown)
