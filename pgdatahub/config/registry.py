"""Settings as data: their names, defaults and documentation, and construction of a :class:`Config` from texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pgdatahub.config.explained import Explained
from pgdatahub.config.settings import Config
from pgdatahub.config.url_masking import masked_url
from pgdatahub.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        name: The field of :class:`Config`.
        default: The default as text for the environment; empty for none.
        explained: The setting's documentation.
    """

    name: str
    default: str
    explained: Explained

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variable and its alias: each ``ETL_*`` is also ``PGDATAHUB_*``."""
        variable = self.explained.variable
        name = variable.removeprefix("ETL_")
        return (variable,) if name == variable else (variable, f"PGDATAHUB_{name}")


def settings() -> Mapping[str, Setting]:
    """Return field → setting, for every setting that users can set."""
    found = {}
    for name, field in Config.model_fields.items():
        explained = next((item for item in field.metadata if isinstance(item, Explained)), None)
        if explained is not None:
            default = field.get_default(call_default_factory=True)
            found[name] = Setting(name=name, default=environment_text(default), explained=explained)
    return found


def environment_text(value: object) -> str:
    """Return a setting's value as text for an environment variable."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Mapping):
        return ",".join(f"{key}={given}" for key, given in value.items())
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(value: str) -> str:
    """Return a value, without possible secrets if it is a URL."""
    return masked_url(value).partition("?")[0] if "://" in value else value


def make_config(values: Mapping[str, Any], places: Mapping[str, str], **rest: Any) -> Config:
    """Construct a :class:`Config` from values of any origin.

    Args:
        values: Field → value.
        places: Field → place of the value, for messages.
        **rest: Other fields.

    Raises:
        ConfigError: A value is invalid; the message names the setting and the expected value.
    """
    try:
        return Config(**values, places=places, **rest)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False)[0]
        name = str(mistake["loc"][0])
        explained = settings()[name].explained
        value = values.get(name)
        secret = explained.masked is not None
        shown = "" if secret else f", not {_shown(str(value))!r}"
        told = secret or (name == "data_root" and mistake["type"] == "value_error")
        hint = str(mistake["msg"]).removeprefix("Value error, ") if told else None
        # "from None": pydantic's error can contain a password.
        raise ConfigError(f"{name} must be {explained.expects}{shown}", where=places.get(name), hint=hint) from None
