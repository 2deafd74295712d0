"""``pgdatahub db list`` and ``db move``: the databases of projects on the embedded server."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.db import StatusFormat, db_app, db_config, db_server
from pgdatahub.cli.help import Command, epilog
from pgdatahub.cli.terminal import say, say_json

if TYPE_CHECKING:
    from pgdatahub.postgres.embedded.project_list import ListedDatabase

__all__ = ["db_app"]


@db_app.command("list", cls=Command, epilog=epilog("db list"))
def list_command(
    output: Annotated[StatusFormat, typer.Option("--format", help="Output format.")] = StatusFormat.TEXT,
) -> None:
    """List the databases of all projects on the server, with their directories."""
    from pgdatahub.postgres.embedded.project_list import list_databases
    from pgdatahub.postgres.embedded.projects import directory_of

    config = db_config()
    server = db_server(config)
    listed: tuple[ListedDatabase, ...] = ()
    if server.status().version is not None:
        with server:
            listed = list_databases(server)
    if output is StatusFormat.JSON:
        say_json([asdict(one) for one in listed])
        return
    _print_databases(listed, directory_of(config))


@db_app.command(cls=Command, epilog=epilog("db move"))
def move(
    former: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DIR",
            show_default=False,
            help="Take over the database of this directory, which is gone: this project was there.",
        ),
    ] = None,
) -> None:
    """Move this project out of the database that all projects shared in earlier versions, into its own."""
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.undo.move import move as move_project
    from pgdatahub.undo.move import take_over
    from pgdatahub.values.counting import count

    config = db_config()
    if former is not None:
        moved = take_over(config, former, reporter=tell_notices)
        say(f"this project has the database {moved.database} of {former}")
        return
    moved = move_project(config, reporter=tell_notices)
    rest = f"; {moved.former} keeps the other projects" if moved.copied else ""
    say(f"moved {count(len(moved.tables), 'table')} from {moved.former} to {moved.database}{rest}")


def _print_databases(listed: tuple[ListedDatabase, ...], here: str) -> None:
    from rich import box
    from rich.filesize import decimal
    from rich.table import Table

    from pgdatahub.cli.console import Line, TerminalConsole

    console = TerminalConsole()
    if not listed:
        console.print(Line("no database yet; pgdatahub run makes one for its directory", style="dim"))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("database", overflow="fold")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("directory", overflow="fold")
    for one in listed:
        table.add_row(
            Line(one.database, style="bold" if one.directory == here else ""),
            "missing" if one.bytes is None else decimal(one.bytes),
            Line(_directory_line(one, here)),
        )
    console.print(table)


def _directory_line(one: ListedDatabase, here: str) -> str:
    if one.directory is None:
        return "shared by the projects of earlier versions" if one.kind == "shared" else "no project"
    remarks = [
        *(["this project"] if one.directory == here else []),
        *(["shared, see db move"] if one.kind == "shared" else []),
        *([] if one.is_there else ["the directory is gone"]),
    ]
    return one.directory + (f" ({', '.join(remarks)})" if remarks else "")
