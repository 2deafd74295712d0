"""All that the console script writes without Rich; nothing reaches the terminal but by this module and ``console``.

Both escape what could control a terminal or hide text, wherever the text is from; see :mod:`pgdatahub.values.printable`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from pgdatahub.values.printable import printable, printable_json


def say(line: str, *, err: bool = False) -> None:
    """Write one line.

    Args:
        line: The line.
        err: To standard error.
    """
    typer.echo(printable(line), err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Write a text of several lines, such as a traceback."""
    typer.echo(printable(text, lines=True), err=err)


def say_json(value: Any, **options: Any) -> None:
    """Write a value as JSON to standard output."""
    typer.echo(printable_json(value, indent=2, **options))


def confirm(question: str) -> bool:
    """Ask a question on standard error that is answered with yes or no."""
    return typer.confirm(printable(question), err=True)


def prompt(question: str) -> str:
    """Ask for a text on standard error; empty if nothing is typed."""
    return str(typer.prompt(printable(question), default="", err=True))


@contextmanager
def printable_usage_errors() -> Iterator[None]:
    """Escape what an error of usage quotes of the arguments: a shell's ``*`` puts names of files among them."""
    try:
        yield
    except Exception as error:
        # Typer brings its own copy of Click's exceptions, so they are known by what they offer.
        message = getattr(error, "format_message", None)
        if callable(message):
            shown = printable(message(), lines=True)
            error.format_message = lambda: shown  # type: ignore[attr-defined]
        raise
