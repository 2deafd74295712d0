"""Settings in ``config/config.json``, with their lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pgdatahub.config.found import FoundSetting, nearest, variables
from pgdatahub.config.ownership import require_trusted
from pgdatahub.config.registry import settings
from pgdatahub.errors import ConfigError

SETTINGS_FILE: Final = "config/config.json"


def from_settings_file(directory: Path, _notices: list[str]) -> Iterator[FoundSetting]:
    """Yield the settings of ``config/config.json``.

    Raises:
        ConfigError: The file cannot be read, is not JSON, or has an unknown key.
    """
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
    fields = {variable.lower(): name for variable, name in variables().items()} | {name: name for name in known}
    for key, value in content.items():
        name = fields.get(key.lower())
        if name is None:
            raise ConfigError(f"{key!r} is not a setting", where=SETTINGS_FILE, hint=nearest(key.lower(), tuple(known)))
        if value is not None:
            require_trusted(path, SETTINGS_FILE, name, key)
            origin = f"{SETTINGS_FILE}:{_line_of(text, key)}"
            yield FoundSetting(name=name, value=value, origin=origin, place=f"{origin} › {key}")


def _line_of(text: str, key: str) -> int:
    """Return the line of a key in a JSON text; line 1 for a key with escapes."""
    found = re.search(rf'"{re.escape(key)}"\s*:', text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ConfigError(f"{twice!r} is a duplicate key", where=SETTINGS_FILE)
    return content
