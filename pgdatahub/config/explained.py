"""Documentation of a setting."""

from __future__ import annotations

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
        common: Other programs use the variable too; a value of theirs in the environment is ignored with a notice.
    """

    variable: str
    help: str
    expects: str
    option: str | None = None
    example: str = ""
    advanced: bool = False
    common: bool = False
