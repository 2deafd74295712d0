"""``pgdatahub db``: commands for the embedded server."""

from __future__ import annotations

import enum
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.help import Command, Group, epilog
from pgdatahub.cli.options import within
from pgdatahub.cli.terminal import say, say_json

if TYPE_CHECKING:
    from pgdatahub.config import Config
    from pgdatahub.postgres.embedded import EmbeddedServer, Project, ServerStatus
    from pgdatahub.postgres.embedded.projects import ProjectDatabases

db_app = typer.Typer(
    name="db",
    cls=Group,
    help="The embedded PostgreSQL server, used if no server is configured.",
    no_args_is_help=True,
)


class StatusFormat(str, enum.Enum):
    """Output formats of ``db status``."""

    TEXT = "text"
    JSON = "json"


@db_app.command(cls=Command, epilog=epilog("db start"))
def start(
    port: Annotated[
        int | None,
        typer.Option(
            callback=within(1, 65535),
            metavar="PORT",
            show_default=False,
            help="Also listen on this port of 127.0.0.1, with the password.",
        ),
    ] = None,
) -> None:
    """Start the server; it runs until `db stop`."""
    config = db_config()
    server = db_server(config)
    server.start_detached(port=port)
    status = server.status()
    _say(f"PostgreSQL {status.version} runs until `pgdatahub db stop`; its data is in {status.data_directory}")
    with server:
        project = _projects(server, config).ensure()
    say(server.url(database=project.database, tcp=status.tcp))


@db_app.command(cls=Command, epilog=epilog("db stop"))
def stop(
    force: Annotated[
        bool, typer.Option("--force", help="Stop the server even if it is in use: ends all sessions.")
    ] = False,
) -> None:
    """Stop the server; its data stays."""
    _say("stopped" if db_server(db_config()).stop(force=force) else "the embedded server was not running")


@db_app.command(cls=Command, epilog=epilog("db status"))
def status(
    output: Annotated[StatusFormat, typer.Option("--format", help="Output format.")] = StatusFormat.TEXT,
) -> None:
    """Show the server's state, the directory of its data, and this project's database and URL."""
    config = db_config()
    server = db_server(config)
    found = server.status()
    project = _recorded(server, config)
    url = server.url(database=project.database) if found.running and project is not None else None
    if output is StatusFormat.JSON:
        database = None if project is None else project.database
        say_json({**asdict(found), "url": url, "database": database}, default=str)
        return
    for name, value in _described(found, project, url):
        say(f"{name + ':':<12}{value}")


@db_app.command(cls=Command, epilog=epilog("db url"))
def url(
    show_password: Annotated[
        bool, typer.Option("--show-password", help="Print the password, instead of the name of its file.")
    ] = False,
    socket: Annotated[
        bool, typer.Option("--socket", help="Print the URL of the Unix socket, even if the server has a port.")
    ] = False,
) -> None:
    """Print the URL of this project's database for other tools, also if the server is stopped.

    The URL names the port if the server has one (`db start --port`), else the socket.
    """
    from pgdatahub.errors import DatabaseError

    config = db_config()
    server = db_server(config)
    found = server.status()
    if found.version is None:
        raise DatabaseError("there is no embedded server yet", hint="pgdatahub run or db start makes it")
    project = _recorded(server, config)
    if project is None:
        # A directory that moved, or that uses the shared database, is recognized by its files.
        with server:
            project = _projects(server, config).find()
    if project is None:
        raise DatabaseError(
            "this project has no database yet", where=str(config.directory), hint="pgdatahub run makes it"
        )
    # The port of the last start is that of the next start only if `db start` keeps it.
    tcp = found.tcp and (found.running or found.kept) and not socket
    say(server.url(database=project.database, password=show_password, tcp=tcp))
    if not found.running:
        _say("the server is stopped; pgdatahub db start starts it")


@db_app.command(
    cls=Command,
    epilog=epilog("db psql"),
    # psql gets all arguments, and --help too if it comes after "--".
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def psql(context: typer.Context) -> None:
    """Connect to this project's database with psql; psql gets all further arguments."""
    config = db_config()
    with db_server(config) as server:
        project = _projects(server, config).ensure()
        status = _run_psql(server, project.database, context.args)
    raise typer.Exit(status)


@db_app.command(cls=Command, epilog=epilog("db backup"))
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The file to write (default: a name with the time, in ETL_STATE_DIR).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the loaded tables and the history of the configured server to a file, with pg_dump."""
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.config import load_config
    from pgdatahub.undo.backup import backup as write_backup

    written = write_backup(load_config(), file, reporter=tell_notices)
    tables = ", ".join(map(str, written.tables)) or "no table"
    say(f"wrote {tables} and the history of {written.destination} to {written.file}")


@db_app.command(cls=Command, epilog=epilog("db restore"))
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file of `db backup` or `reset --backup`.", show_default=False)
    ],
) -> None:
    """Restore the tables of a backup on the configured server, in place of tables of the same names."""
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.undo.backup import restore as restore_backup

    restored = restore_backup(db_config(), file, reporter=tell_notices)
    say(f"restored {', '.join(map(str, restored.tables))} in {restored.destination}")


def db_config() -> Config:
    """Return the settings."""
    from pgdatahub.config import load_config

    return load_config()


def db_server(config: Config) -> EmbeddedServer:
    """Return the embedded server of the settings."""
    from pgdatahub.postgres.database import embedded_server

    return embedded_server(config, _say)


def _projects(server: EmbeddedServer, config: Config) -> ProjectDatabases:
    from pgdatahub.postgres.embedded.projects import ProjectDatabases

    return ProjectDatabases(server=server, config=config, announce=_say)


def _recorded(server: EmbeddedServer, config: Config) -> Project | None:
    """Return the project, if its database is known without asking the server."""
    from pgdatahub.postgres.embedded.projects import directory_of

    return server.registry.find(directory_of(config))


def _run_psql(server: EmbeddedServer, database: str, arguments: list[str]) -> int:
    import os
    import signal
    import subprocess

    # In the environment, which neither the process list nor the shell's history shows; the password stays in its file.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    for name, value in server.libpq_parameters(database).items():
        variable = _VARIABLES.get(name)
        if variable is not None:
            environment[variable] = value
    # Ctrl-C cancels psql's query; it must not end this process, which stops the server afterwards.
    # Programs do not inherit a handler, unlike SIG_IGN.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(  # noqa: S603 (no shell; the server's own psql, with the person's own arguments)
            [_psql_program(server), *arguments],
            env=environment,
            check=False,
        ).returncode
    finally:
        signal.signal(signal.SIGINT, previous)


_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
}


def _psql_program(server: EmbeddedServer) -> Path:
    import shutil

    from pgdatahub.errors import DatabaseError

    program = server.programs() / "psql"
    if program.exists():
        return program
    found = shutil.which("psql")
    if found is None:
        raise DatabaseError("psql is not found", where=str(server.programs()), hint="use another client with `db url`")
    return Path(found)


def _described(found: ServerStatus, project: Project | None, url: str | None) -> list[tuple[str, object]]:
    if found.running:
        state = "running until `db stop`" if found.kept else "running until its last client leaves"
    else:
        state = "not running"
    described: list[tuple[str, object]] = [("server", state)]
    if found.version is not None:
        described.append(("PostgreSQL", found.version))
    described.append(("data", found.data_directory if found.version else f"{found.data_directory} (none yet)"))
    if found.running:
        described.append(("clients", found.clients))
        described.append(("port", f"{found.port} of 127.0.0.1" if found.tcp else "none, Unix socket only"))
    if found.version is not None:
        described.append(("database", _database_line(project)))
    if url is not None:
        described.append(("url", url))
    if found.version is not None:
        described.append(("log", found.log_file))
    return described


def _database_line(project: Project | None) -> str:
    if project is None:
        return "none of this project yet; db list names all"
    return f"{project.database}, shared (db move gives this project its own)" if project.shared else project.database


def _say(line: str) -> None:
    say(line, err=True)
