"""Reference of the commands, made from the functions that Typer uses.

Typer's public registry is asked, not the parser below it, whose classes change from version to version.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from markdown_text import as_markdown, code, sentence, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """An argument or an option of a command.

    Attributes:
        names: Of an option, all of them; of an argument, what stands for it in the usage line.
        value: What an option takes; empty for a switch.
        help: What it does.
        panel: The heading it stands under in ``--help``.
        argument: It is an argument.
    """

    names: tuple[str, ...]
    value: str
    help: str
    panel: str
    argument: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, or a group of commands.

    Attributes:
        path: The words it is called by.
        help: What it does.
        epilog: Examples.
        parameters: Arguments and options.
        group: There are commands in it.
    """

    path: str
    help: str
    epilog: str = ""
    parameters: tuple[Parameter, ...] = field(default=())
    group: bool = False


def commands() -> Iterator[Command]:
    """Yield every command that ``--help`` lists, groups before what is in them."""
    from pgdatahub.cli.app import create_app

    yield from _group("pgdatahub", create_app())


def _group(path: str, app: Any) -> Iterator[Command]:
    callback = app.registered_callback.callback if app.registered_callback else None
    parameters = tuple(_parameters(callback)) if callback else ()
    own = app.registered_callback if parameters else None
    yield Command(
        path=path,
        help=app.info.help or (inspect.getdoc(callback) if own else "") or "",
        epilog=(own.epilog if own else "") or "",
        parameters=parameters,
        group=True,
    )
    for info in app.registered_commands:
        if not info.hidden:
            yield Command(
                path=f"{path} {info.name or info.callback.__name__.replace('_', '-')}",
                help=info.help or inspect.getdoc(info.callback) or "",
                epilog=info.epilog or "",
                parameters=tuple(_parameters(info.callback)),
            )
    for group in app.registered_groups:
        yield from _group(f"{path} {group.name or group.typer_instance.info.name}", group.typer_instance)


def _parameters(function: Callable[..., Any]) -> Iterator[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        # Python 3.10 puts the hint of a parameter whose default is None into Optional.
        hint = next((one for one in get_args(hint) if get_origin(one) is Annotated), hint)
        kind, *annotations = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        information = next((note for note in [*annotations, parameter.default] if hasattr(note, "param_decls")), None)
        if information is None or information.hidden:
            continue
        default = information.default if information is parameter.default else parameter.default
        yield _parameter(parameter.name, kind, information, default)


def _parameter(name: str, kind: Any, information: Any, default: Any) -> Parameter:
    argument = type(information).__name__ == "ArgumentInfo"
    kind, several = _plain(kind)
    written = information.help or ""
    if argument:
        metavar = (information.metavar or name.upper()).strip("[].")
        metavar += "…" if several else ""
        shown = metavar if default in (inspect.Parameter.empty, ...) else f"[{metavar}]"
        return Parameter(names=(shown,), value="", help=written, panel="", argument=True)
    # In Annotated[…, typer.Option("--name")] the first name is where an option's default used to be.
    declared = [text for text in (information.default, *(information.param_decls or ())) if _is_option_name(text)]
    names = tuple("/".join(declared or [f"--{name.replace('_', '-')}"]).split("/"))
    value = "" if kind is bool else information.metavar or _value(kind)
    if information.show_default and isinstance(default, Enum | str | int | float) and not isinstance(default, bool):
        written = f"{sentence(written)} Default: `{default.value if isinstance(default, Enum) else default}`."
    return Parameter(
        names=names, value=value, help=written, panel=information.rich_help_panel or "Options", argument=False
    )


def _is_option_name(text: object) -> bool:
    return isinstance(text, str) and text.startswith("-")


def _plain(kind: Any) -> tuple[Any, bool]:
    """Return what one value is, and whether there may be several."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(member for member in get_args(kind) if member is not NoneType)
    if get_origin(kind) in (list, tuple):
        return get_args(kind)[0], True
    return kind, False


def _value(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(member.value) for member in kind)
    name: str = kind.__name__
    return {"int": "NUMBER", "float": "NUMBER", "str": "TEXT"}.get(name, name.upper())


def commands_text() -> str:
    """Return every command with its arguments, options and examples, as Markdown."""
    return "\n\n".join(map(_text, commands()))


def _text(command: Command) -> str:
    arguments = [parameter for parameter in command.parameters if parameter.argument]
    options = [parameter for parameter in command.parameters if not parameter.argument]
    usage = [command.path, *(["[OPTION]…"] if options else []), *(argument.names[0] for argument in arguments)]
    if command.group:
        usage.append("[COMMAND]" if command.parameters else "COMMAND")
    parts = [f"## `{command.path}`", f"```text\n{' '.join(usage)}\n```", as_markdown(command.help)]
    if arguments:
        parts.append(table(["argument", ""], ([code(it.names[0]), sentence(it.help)] for it in arguments)))
    if options:
        parts.append(table(["option", ""], ([_names(option), sentence(option.help)] for option in options)))
    parts.append(examples(command.epilog))
    return "\n\n".join(part for part in parts if part)


def _names(option: Parameter) -> str:
    return ", ".join(code(f"{name} {option.value}".strip()) for name in option.names)


def examples(epilog: str) -> str:
    """Return an epilog as Markdown: the text first, then the commands in it as a block."""
    lines = [line.strip() for line in as_markdown(epilog).splitlines() if line.strip()]
    shown = [line for line in lines if line.startswith("pgdatahub ")]
    said = [line for line in lines if line not in shown and not re.fullmatch(r"Examples?:?", line)]
    block = ["```sh\n" + "\n".join(shown) + "\n```"] if shown else []
    return "\n\n".join([" ".join(said), *block]).strip()
