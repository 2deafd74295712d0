"""The console script: commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pgdatahub import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


def main() -> None:
    """Run the console script."""
    if sys.argv[1:] == ["--version"]:
        # Typer alone takes longer to import than everything else that --version needs.
        print(f"pgdatahub {__version__}")  # noqa: T201 - this is the console script
        return
    sys.exit(_run())


def _run() -> int:
    from pgdatahub.errors import ExitCode, PgDataHubError

    try:
        create_app()(prog_name="pgdatahub")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.FAILED
    except PgDataHubError as error:
        _complain(str(error), error)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone (| head); Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the boundary: a bug is told in one line, and whole with DEBUG=1
        _complain(f"this is a bug in pgdatahub: {type(error).__name__}: {error} (DEBUG=1 shows where)", error)
        return ExitCode.FAILED
    return ExitCode.OK


def _complain(message: str, error: BaseException | None = None) -> None:
    if error is not None and os.environ.get("DEBUG", "0") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(f"error: {message}\n")


def create_app() -> typer.Typer:
    """Return the application with its commands."""
    import typer

    from pgdatahub.cli.config import config_command
    from pgdatahub.cli.db import db_app
    from pgdatahub.cli.help import Command, Group, epilog
    from pgdatahub.cli.history import history_command
    from pgdatahub.cli.init import init_command
    from pgdatahub.cli.inspect import inspect_command
    from pgdatahub.cli.plan import plan_command
    from pgdatahub.cli.plugins import plugins_command
    from pgdatahub.cli.reset import reset_command
    from pgdatahub.cli.resume import resume_command
    from pgdatahub.cli.revert import revert_command
    from pgdatahub.cli.revert_schema import revert_schema_command
    from pgdatahub.cli.run import run_command
    from pgdatahub.cli.status import status_command
    from pgdatahub.cli.watch import watch_command

    app = typer.Typer(
        name="pgdatahub",
        cls=Group,
        help="Excel workbooks in folders to PostgreSQL tables that can be trusted.",
        no_args_is_help=True,
        # Pretty tracebacks print local variables, and those hold passwords.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="First steps: pgdatahub init, put folders of workbooks into data/, pgdatahub run.",
    )

    @app.callback()
    def options(
        version: bool = typer.Option(False, "--version", is_eager=True, help="Show the version and exit."),
        debug: bool = typer.Option(False, "--debug", help="Show tracebacks.", envvar="DEBUG"),
    ) -> None:
        if version:
            typer.echo(f"pgdatahub {__version__}")
            raise typer.Exit
        if debug:
            os.environ["DEBUG"] = "1"

    panels: dict[str, dict[str, Callable[..., None]]] = {
        "Load": {"run": run_command, "plan": plan_command, "resume": resume_command, "watch": watch_command},
        "Look": {
            "status": status_command,
            "history": history_command,
            "inspect": inspect_command,
            "plugins": plugins_command,
        },
        "Undo": {"revert": revert_command, "revert-schema": revert_schema_command, "reset": reset_command},
        "Set up": {"config": config_command, "init": init_command},
    }
    for panel, commands in panels.items():
        for name, function in commands.items():
            app.command(name, cls=Command, rich_help_panel=panel, epilog=epilog(name))(function)
    app.command("etl", cls=Command, hidden=True)(run_command)
    app.add_typer(db_app, name="db", rich_help_panel="Set up")
    return app
