"""Fields of dataclasses that are options: with their check, help text and choices."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgdatahub.config.coerce import Check, Written, one_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a folder or a column.

    Attributes:
        name: The key in the file.
        expects: The text after "must be" in a message.
        help: One line about the option.
        default: The value if the file does not set the option.
        parse: Converts a raw value; raises ValueError, with or without a reason.
        choices: The valid words, if the option is a choice.
        shapes_rows: Another value gives other rows or other names for the same file.
        secret: Messages do not show an invalid value, which may be a password.
        judges: It is part of a contract: it tells right cells from wrong ones, and shapes rows only where wrong cells do not
            fail the file.
    """

    name: str
    expects: str
    help: str
    default: Any
    parse: Callable[[Written], Any]
    choices: tuple[str, ...] = ()
    shapes_rows: bool = True
    secret: bool = False
    judges: bool = False


def option_field(
    default: object,
    parser: Check,
    description: str,
    *,
    choices: tuple[str, ...] = (),
    shapes_rows: bool = True,
    secret: bool = False,
    judges: bool = False,
) -> Any:
    """Return the field of an option."""
    expects, parse = parser
    metadata = {
        "expects": expects,
        "parse": parse,
        "help": description,
        "choices": choices,
        "shapes_rows": shapes_rows and not judges,
        "secret": secret,
        "judges": judges,
    }
    return dataclasses.field(default=default, metadata=metadata)


def choice_field(
    default: str, choices: tuple[str, ...], description: str, *, shapes_rows: bool = True, judges: bool = False
) -> Any:
    """Return the field of an option whose value is one of ``choices``."""
    check = one_of(*choices)
    return option_field(default, check, description, choices=choices, shapes_rows=shapes_rows, judges=judges)


def options(kind: type[DataclassInstance]) -> Mapping[str, Option]:
    """Return name → option of a folder or of a column, in the order of the documentation."""
    return {
        field.name: Option(name=field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(kind)
        if field.metadata
    }


def changed_options(
    value: DataclassInstance, same: Mapping[str, tuple[object, ...]], *, judging: bool = False
) -> dict[str, object]:
    """Return the options that shape rows and have another value than the default or one of ``same``.

    Args:
        value: The options.
        same: Values that give the rows of the default.
        judging: The options of a contract shape rows too.
    """
    return {
        option.name: getattr(value, option.name)
        for option in options(type(value)).values()
        if (option.shapes_rows or (judging and option.judges))
        and getattr(value, option.name) not in (option.default, *same.get(option.name, ()))
    }
