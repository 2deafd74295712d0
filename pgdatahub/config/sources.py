"""Settings in the environment, in ``.env`` and in a directory of secrets, read by pydantic-settings with their places.

The import of pydantic-settings takes longer than that of pydantic, so :mod:`pgdatahub.config.loading` imports this module only
if there is something to read.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, Final

from pydantic import AliasChoices, Field, create_model
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsError,
)

from pgdatahub.config.found import FoundSetting, ignored_aliases, misspelt, of_libpq
from pgdatahub.config.ownership import require_trusted
from pgdatahub.config.registry import settings
from pgdatahub.errors import ConfigError

ENVIRONMENT_FILE: Final = ".env"
_ENCODING: Final = "utf-8-sig"


@lru_cache(maxsize=1)
def _model() -> type[BaseSettings]:
    """Return a model with the names of all settings and no types: :class:`~pgdatahub.config.settings.Config` checks the values."""
    fields: dict[str, Any] = {
        name: (str | None, Field(None, validation_alias=AliasChoices(*setting.variables)))
        for name, setting in settings().items()
    }
    return create_model("Variables", __base__=BaseSettings, **fields)


def _values(source: PydanticBaseSettingsSource) -> Iterator[tuple[str, str, str]]:
    """Yield field, variable and value of each setting that a source has; empty values count as not set."""
    for name, field in _model().model_fields.items():
        value, variable, _ = source.get_field_value(field, name)
        if value:
            yield name, variable, value


def from_environment(_directory: Path, notices: list[str]) -> Iterator[FoundSetting]:
    """Yield the settings of the environment."""
    for name, variable, value in _values(EnvSettingsSource(_model(), case_sensitive=True, env_ignore_empty=True)):
        yield FoundSetting(
            name=name, value=value, origin=f"environment {variable}", place=f"environment variable {variable}"
        )
    notices += ignored_aliases(os.environ, "environment")
    notices += misspelt(os.environ, "environment")


def from_environment_file(directory: Path, notices: list[str]) -> Iterator[FoundSetting]:
    """Yield the settings of ``.env`` with their lines.

    Raises:
        ConfigError: The file cannot be read, or a line is not NAME=value.
    """
    path = directory / ENVIRONMENT_FILE
    if not path.exists():
        return
    lines = _lines(path)
    source = DotEnvSettingsSource(
        _model(), env_file=path, env_file_encoding=_ENCODING, case_sensitive=True, env_ignore_empty=True
    )
    for name, variable, value in _values(source):
        require_trusted(path, ENVIRONMENT_FILE, name, variable)
        place = f"{ENVIRONMENT_FILE}:{lines[variable]}"
        yield FoundSetting(name=name, value=value, origin=place, place=place)
    notices += [
        f"{ENVIRONMENT_FILE}: libpq reads {variable} from the environment only; use DATABASE_URL"
        for variable in of_libpq(source.env_vars)
    ]
    notices += ignored_aliases(source.env_vars, ENVIRONMENT_FILE)
    notices += misspelt(source.env_vars, ENVIRONMENT_FILE)


def from_secrets(directory: Path, _notices: list[str]) -> Iterator[FoundSetting]:
    """Yield the settings in files of a directory, such as ``/run/secrets/database_url``; case does not matter.

    Raises:
        ConfigError: A file cannot be read.
    """
    if not directory.is_dir():
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a secret that is left out is not a warning of Python
            source = SecretsSettingsSource(_model(), secrets_dir=directory, case_sensitive=False)
            source()
            found = list(_values(source))
            paths = {path.name.lower(): path for path in directory.iterdir()}
    except (OSError, UnicodeDecodeError, UserWarning, SettingsError) as error:
        raise ConfigError(f"a secret cannot be read: {_reason(error)}", where=str(directory)) from error
    for name, variable, value in found:
        path = paths[variable.lower()]
        require_trusted(path, str(path), name, variable)
        yield FoundSetting(name=name, value=value, origin=f"secret {path}", place=str(path))


def _reason(error: Exception) -> str:
    """Return the reason of a failure, without the content of a file."""
    if isinstance(error, UnicodeDecodeError):
        return "a file is not UTF-8 text"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})"
    return str(error)


def _lines(path: Path) -> dict[str, int]:
    """Return variable → line of ``.env``."""
    from dotenv.parser import parse_stream

    try:
        text = path.read_bytes().decode(_ENCODING)
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
    return lines
