"""Loading of settings from options, the environment, ``.env`` and files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any, Final

from pgdatahub.config.folders import FolderTree
from pgdatahub.config.ownership import require_trusted
from pgdatahub.config.registry import make_config, settings
from pgdatahub.config.secrets import Secrets
from pgdatahub.config.settings import Config
from pgdatahub.config.urls import secrets_of
from pgdatahub.errors import ConfigError, PgDataHubError

ENVIRONMENT_FILE: Final = ".env"
SETTINGS_FILE: Final = "config/config.json"
FOLDERS_FILE: Final = "config/etl_config.yaml"
_LIBPQ: Final = ("PGHOST", "PGHOSTADDR", "PGSERVICE")
_OURS: Final = ("ETL_", "PGDATAHUB_")


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
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    places: dict[str, str] = {}
    for name, value, origin, place in (
        *_from_settings_file(directory),
        *_from_environment_file(directory, notices),
        *_from_environment(directory, notices),
        *_from_options(overrides or {}),
    ):
        values[name], origins[name], places[name] = value, origin, place
    path = _folders_file(Path(config_file) if config_file is not None else None, directory)
    return make_config(
        values,
        places,
        directory=directory,
        config_file=path,
        folders=_folders(path, directory),
        libpq_environment=any(os.environ.get(variable) for variable in _LIBPQ),
        origins=origins,
        notices=tuple(notices),
    )


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
    if settings:
        raise ConfigError(
            f"a Config is given, and {', '.join(settings)} too",
            hint="give one of them; load_config(overrides={…}) makes a Config of single settings",
        )
    return config


def _plain(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


_Found = tuple[str, Any, str, str]


def _from_options(overrides: Mapping[str, object]) -> Iterator[_Found]:
    known = settings()
    for name, value in overrides.items():
        if name not in known:
            raise ConfigError(f"unknown setting {name!r}", hint=_nearest(name, tuple(known)))
        if value is not None:
            origin = f"option {known[name].explained.option or name}"
            yield name, value, origin, origin


def _from_environment(_directory: Path, notices: list[str] | None = None) -> Iterator[_Found]:
    notices = [] if notices is None else notices
    fields = _fields()
    for variable, name in fields.items():
        if value := os.environ.get(variable):
            yield name, value, f"environment {variable}", f"environment variable {variable}"
    notices += _misspelt(os.environ, fields, "environment")


def _from_environment_file(directory: Path, notices: list[str] | None = None) -> Iterator[_Found]:
    notices = [] if notices is None else notices
    path = directory / ENVIRONMENT_FILE
    if not path.exists():
        return
    # A late import, since most directories have no such file.
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror or error}", where=ENVIRONMENT_FILE) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the file is not UTF-8 text", where=ENVIRONMENT_FILE, hint="save it as UTF-8") from error
    lines = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise ConfigError(
                "this line is not NAME=value",
                where=f"{ENVIRONMENT_FILE}:{binding.original.line}",
                hint="check for an unclosed quote",
            )
        written = binding.original.string
        # A binding starts at the blank lines before it.
        blank = written[: len(written) - len(written.lstrip())].count("\n")
        lines[binding.key or ""] = binding.original.line + blank
    values = {key: value for key, value in dotenv_values(stream=StringIO(text)).items() if value}
    fields = _fields()
    for variable, value in values.items():
        if variable in fields:
            require_trusted(path, ENVIRONMENT_FILE, fields[variable], variable)
            yield fields[variable], value, ENVIRONMENT_FILE, f"{ENVIRONMENT_FILE}:{lines[variable]}"
        elif variable in _LIBPQ:
            notices.append(f"{ENVIRONMENT_FILE}: libpq reads {variable} from the environment only; use DATABASE_URL")
    notices += _misspelt(values, fields, ENVIRONMENT_FILE)


def _from_settings_file(directory: Path) -> Iterator[_Found]:
    path = directory / SETTINGS_FILE
    if not path.exists():
        return
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content = json.loads(text, object_pairs_hook=_unique)
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror or error}", where=SETTINGS_FILE) from error
    except json.JSONDecodeError as error:
        # "from None": the decoder's error holds the whole text, which may have a password.
        where = f"{SETTINGS_FILE}:{error.lineno}"
        raise ConfigError(f"invalid JSON: {error.msg}", where=where) from None
    except (UnicodeDecodeError, RecursionError):
        raise ConfigError("the file is not valid JSON", where=SETTINGS_FILE) from None
    if not isinstance(content, dict):
        raise ConfigError("the file must map settings to values", where=SETTINGS_FILE, hint='{"database_url": "…"}')
    known = settings()
    fields = {variable.lower(): name for variable, name in _fields().items()} | {name: name for name in known}
    for key, value in content.items():
        name = fields.get(key.lower())
        if name is None:
            raise ConfigError(
                f"{key!r} is not a setting", where=SETTINGS_FILE, hint=_nearest(key.lower(), tuple(known))
            )
        if value is not None:
            require_trusted(path, SETTINGS_FILE, name, key)
            yield name, value, SETTINGS_FILE, f"{SETTINGS_FILE}:{_line_of(text, key)} › {key}"


def _line_of(text: str, key: str) -> int:
    """Return the line of a key in a JSON text; line 1 for a key with escapes."""
    found = re.search(rf'"{re.escape(key)}"\s*:', text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def known_secrets(directory: Path | None = None) -> Secrets:
    """Return the passwords in the settings and in libpq's environment, also if the settings are invalid."""
    directory = (directory or Path()).absolute()
    found = Secrets.of(filter(None, (os.environ.get("PGPASSWORD"),)), public=_public_values())
    for read in (_from_settings_file, _from_environment_file, _from_environment):
        with suppress(PgDataHubError, OSError):
            for name, value, _, _ in read(directory):
                if name == "database_url" and isinstance(value, str):
                    found |= secrets_of(value)
    return found


def _public_values() -> Iterator[str]:
    return (os.environ[name] for name in ("PGHOST", "PGUSER", "PGDATABASE") if name in os.environ)


def _fields() -> dict[str, str]:
    """Return environment variable → field."""
    return {setting.explained.variable: setting.name for setting in settings().values()}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ConfigError(f"{twice!r} is a duplicate key", where=SETTINGS_FILE)
    return content


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


def _misspelt(variables: Mapping[str, object], fields: Mapping[str, str], origin: str) -> Iterator[str]:
    """Yield a notice for each variable that resembles a setting; other programs may use the same prefixes."""
    for variable in variables:
        if variable.startswith(_OURS) and variable not in fields:
            close = get_close_matches(variable, fields, n=1, cutoff=0.85)
            if close:
                yield f"{origin}: {variable} is not a setting; did you mean {close[0]}?"


def _nearest(name: str, valid: tuple[str, ...]) -> str:
    close = get_close_matches(name, valid, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"valid: {', '.join(valid)}"
