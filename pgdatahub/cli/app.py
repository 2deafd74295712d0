"""The console script: commands, and the conversion of errors to one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pgdatahub.system import gc_tuning
from pgdatahub.system.version import __version__

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the console script."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        # Typer alone takes longer to import than everything else that --version needs.
        print(f"pgdatahub {__version__}")  # noqa: T201 - this is the console script
        return
    gc_tuning.look_seldom()
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    from pgdatahub.cli.streams import prepare_streams
    from pgdatahub.errors import ExitCode, PgDataHubError

    prepare_streams()
    arguments = _without_debug(arguments)
    try:
        create_app(only=arguments[0] if arguments else None)(arguments, prog_name="pgdatahub")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except PgDataHubError as error:
        _complain(str(error), error)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return ExitCode.INTERRUPTED
    except MemoryError as error:
        _complain("there is not enough memory", error)
        return ExitCode.FAILED
    except ImportError as error:
        # The Python of the environment was replaced, or a library has no build for this system.
        reason = "; ".join(line.strip(" .:-") for line in str(error).splitlines())
        hint = f"install pgdatahub again with {sys.executable}; DEBUG=1 shows where"
        _complain(
            f"this installation lacks a library, or has one that does not fit this Python: {reason} ({hint})", error
        )
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the boundary: one line for a bug, a traceback with DEBUG=1
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _complain(f"the output cannot be written: {error.strerror}", error)
        else:
            _complain(f"this is a bug in pgdatahub: {type(error).__name__}: {error} (DEBUG=1 shows where)", error)
        return ExitCode.FAILED
    return ExitCode.OK


def _without_debug(arguments: list[str]) -> list[str]:
    """Return the arguments without ``--debug``, which may stand anywhere before ``--``, and switch tracebacks on."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    if len(kept) < end:
        os.environ["DEBUG"] = "1"
    return [*kept, *arguments[end:]]


def _complain(message: str, error: BaseException | None = None) -> None:
    from pgdatahub.cli.terminal import say, say_lines, say_sentence
    from pgdatahub.config.loading import is_debug_on, known_secrets

    secrets = known_secrets()
    if error is not None and is_debug_on():
        import traceback

        say_lines(secrets.mask("".join(traceback.format_exception(error)).rstrip("\n")), err=True)
    # To break a line between words takes Rich, which may be the library that is missing, and memory.
    tell = say if isinstance(error, (ImportError, MemoryError)) else say_sentence
    tell(f"error: {secrets.mask(message)}", err=True)


def create_app(*, only: str | None = None) -> typer.Typer:
    """Return the application.

    Args:
        only: The command to create; creating the others would take longer than most commands run. None, or a name that is
            not a command, creates all.
    """
    import typer

    from pgdatahub.cli.help import Command, Group, epilog

    app = typer.Typer(
        name="pgdatahub",
        cls=Group,
        help="Excel workbooks in folders to PostgreSQL tables that can be trusted.",
        no_args_is_help=True,
        # Pretty tracebacks print local variables, which may hold passwords.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="First steps: pgdatahub init, put folders of workbooks into data/, pgdatahub run.",
    )

    @app.callback()
    def options(
        version: bool = typer.Option(False, "--version", "-V", is_eager=True, help="Show the version and exit."),
        debug: bool = typer.Option(False, "--debug", help="Show tracebacks (DEBUG=1)."),
    ) -> None:
        if version:
            typer.echo(f"pgdatahub {__version__}")
            raise typer.Exit
        if debug:
            os.environ["DEBUG"] = "1"

    for panel, names in _PANELS.items():
        for name in names:
            if only not in (None, name) and only in _COMMANDS:
                continue
            if name in _GROUPS:
                app.add_typer(_group(name), name=name, rich_help_panel=panel)
            else:
                app.command(name, cls=Command, rich_help_panel=panel, epilog=epilog(name))(_command(name))
    if only == "etl" or only not in _COMMANDS:
        app.command("etl", cls=Command, hidden=True)(_command("run"))
    if only not in _COMMANDS:
        from pgdatahub.cli.db_projects import db_app

        app.add_typer(db_app, name="db", rich_help_panel="Set up")
    return app


_PANELS: Final[Mapping[str, tuple[str, ...]]] = {
    "Load": ("run", "plan", "resume", "watch"),
    "Look": ("status", "history", "verify", "inspect", "check", "quarantine", "report", "plugins"),
    "Undo": ("revert", "revert-schema", "rekey", "reset"),
    "Set up": ("config", "init", "export"),
}
"""Panel of ``--help`` → its commands; each command is a function in the module of its name."""

_COMMANDS: Final = frozenset({"etl", *(name for names in _PANELS.values() for name in names)})


_GROUPS: Final[Mapping[str, str]] = {"quarantine": "quarantine_replay"}
"""Command that has commands below it → the module that defines the last of them."""


def _group(name: str) -> typer.Typer:
    group: typer.Typer = getattr(import_module(f"pgdatahub.cli.{_GROUPS[name]}"), f"{name}_app")
    return group


def _command(name: str) -> Callable[..., None]:
    word = name.replace("-", "_")
    function: Callable[..., None] = getattr(import_module(f"pgdatahub.cli.{word}"), f"{word}_command")
    return function
