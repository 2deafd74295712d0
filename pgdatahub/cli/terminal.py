"""Output of the console script without Rich; all output goes through this module or ``console``.

Both escape characters that could control a terminal or hide text, in texts from every source; see :mod:`pgdatahub.values.printable`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer

from pgdatahub.values.printable import printable, printable_json


def say(line: str, *, err: bool = False) -> None:
    """Write one line.

    Args:
        line: The line.
        err: Write to standard error.
    """
    typer.echo(printable(line), err=err)


def say_sentence(line: str, *, err: bool = False) -> None:
    """Write one line; on a terminal, a long line breaks between words and goes on indented.

    Args:
        line: The line.
        err: Write to standard error.
    """
    if (sys.stderr if err else sys.stdout).isatty():
        # A late import: Rich takes longer than most lines.
        from pgdatahub.cli.console import Line, TerminalConsole

        TerminalConsole(stderr=err).print(Line(line), soft_wrap=True)
    else:
        say(line, err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Write a text of several lines, such as a traceback."""
    typer.echo(printable(text, lines=True), err=err)


def say_document(text: str) -> None:
    """Write a document to standard output, as UTF-8 whatever the terminal's encoding is: the document names its own."""
    typer.echo(printable(text, lines=True).encode(), nl=False)


def say_json(value: Any, **options: Any) -> None:
    """Write a value as JSON to standard output."""
    typer.echo(printable_json(value, indent=2, **options))


def confirm(question: str) -> bool:
    """Ask a yes-or-no question on standard error, and return the answer."""
    with _interruptible():
        return typer.confirm(printable(question), err=True)


def prompt(question: str) -> str:
    """Ask for a text on standard error; return an empty text if the user types nothing."""
    with _interruptible():
        return str(typer.prompt(printable(question), default="", show_default=False, err=True))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C at a question end the command as Ctrl-C elsewhere does; Typer would end it as a refused one."""
    try:
        yield
    except typer.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            say("", err=True)
            raise KeyboardInterrupt from None
        raise


@contextmanager
def printable_usage_errors() -> Iterator[None]:
    """Reword usage errors, and escape the arguments that they quote: a shell's ``*`` adds names of files to them."""
    try:
        yield
    except Exception as error:
        # Typer has its own copy of Click's exceptions, so the method identifies them, not the class.
        message = getattr(error, "format_message", None)
        if callable(message):
            if (problem := _problem_of_value(error.__cause__)) is not None:
                error.message = problem  # type: ignore[attr-defined]
            shown = printable(message(), lines=True)
            error.format_message = lambda: shown  # type: ignore[attr-defined]
        raise


_NOUNS: Final = {"int_parsing": "a whole number", "int_from_float": "a whole number", "float_parsing": "a number"}
_DATE: Final = "a date, such as 2024-03-01 or 2024-03-01T14:30"


def _problem_of_value(cause: BaseException | None) -> str | None:
    """Return the problem with an option's value in plain words, if pydantic found it for Typer."""
    problems = getattr(cause, "errors", None)
    if not callable(problems):
        return None
    first = problems(include_url=False)[0]
    text = str(first["msg"])
    noun = _DATE if "does not match the formats" in text else _NOUNS.get(first["type"])
    return f"{first['input']!r} is not {noun}" if noun else text.removeprefix("Value error, ").rstrip(".")
