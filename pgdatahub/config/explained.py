"""Documentation of a setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """Documentation of a setting, attached to its field in :class:`Config`.

    Attributes:
        variable: The environment variable.
        help: One line about the setting.
        expects: The text after "must be" in a message.
        option: The command-line option for the setting, if any.
        example: A value for the template, instead of the default.
        advanced: Few users need the setting.
        masked: Returns the value as outputs show it, for a setting with secrets.
        common: Other programs use the variable too; a value of theirs in the environment is ignored with a notice.
    """

    variable: str
    help: str
    expects: str
    option: str | None = None
    example: str = ""
    advanced: bool = False
    common: bool = False
    masked: Callable[[str], str] | None = None
