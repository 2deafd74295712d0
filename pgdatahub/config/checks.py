"""Checks of single settings, which pydantic calls."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr, ValidationInfo

from pgdatahub.config.url_masking import masked_url
from pgdatahub.config.urls import conninfo
from pgdatahub.values.identifiers import CUT_BYTES, SERVERS_PREFIX


def checked_url(value: SecretStr | None) -> SecretStr | None:
    """Return a database URL that libpq reads as its writer meant it.

    Raises:
        ValueError: The URL is invalid.
    """
    if value is None:
        return None
    conninfo(value.get_secret_value())
    return value


def checked_schema(value: str) -> str:
    """Return a name that PostgreSQL takes uncut.

    Raises:
        ValueError: The name is invalid.
    """
    if not value.strip() or "\0" in value or len(value.encode("utf-8", "replace")) > CUT_BYTES:
        raise ValueError
    if value.startswith(SERVERS_PREFIX):
        raise ValueError
    return value


def expanded(value: object) -> object:
    """Return a path with the home directory in place of ``~``."""
    return Path(value).expanduser() if isinstance(value, str | Path) and str(value) else value


def pairs(value: object) -> object:
    """Parse ``key=value,key=value``.

    Raises:
        ValueError: A pair has no key or no ``=``.
    """
    if not isinstance(value, str):
        return value
    parts = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if not all(key.strip() and equals for key, equals, _ in parts):
        raise ValueError
    return {key.strip(): given.strip() for key, _, given in parts}


def checked_root(value: str) -> str:
    """Return a data root without credentials.

    Raises:
        ValueError: The URL has credentials or parameters.
    """
    if "://" in value and (masked_url(value) != value or "?" in value):
        raise ValueError(
            "the column source_file shows the URL; keep credentials in the driver's own files, or in variables such as"
            " AWS_PROFILE and FSSPEC_SFTP_PASSWORD"
        )
    return value


def in_directory(path: Path, info: ValidationInfo) -> Path:
    """Return a relative path below the directory, which is validated first; unchanged if the directory is invalid."""
    directory: Path | None = info.data.get("directory")
    return path if directory is None else directory / path
