"""Dump of tables to a file and restore from it, by PostgreSQL's own ``pg_dump`` and ``pg_restore``.

A password is never in an argument, where the process list would show it; it is in the child's environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from psycopg import conninfo

from pgdatahub.config.secrets import SECRET_KEYWORDS, Secrets
from pgdatahub.config.url_masking import secrets_of
from pgdatahub.errors import ConfigError, DatabaseError, UndoError
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.embedded.binaries import program_directories
from pgdatahub.postgres.tables.ddl import quoted_name

_LAST_WITHOUT_SETTING: Final = 16
"""The last server without ``transaction_timeout``, which programs from 17 on set."""
_SETTING: Final = b"SET transaction_timeout = 0;\n"
_MOST_SETTINGS: Final = 40
"""Lines of a dump among which the setting is; the first statements come later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpPrograms:
    """A directory with ``pg_dump`` and ``pg_restore``, and their major version."""

    directory: Path
    major: int


def find_dump_programs(server_version: int, bindir: Path | None) -> DumpPrograms:
    """Return the programs that can read a server: of its own major version, else of the next newer one.

    Args:
        server_version: As ``server_version_num``.
        bindir: The directory from the settings, if any.

    Raises:
        DatabaseError: No such programs were found.
    """
    major = server_version // 10_000
    found: list[DumpPrograms] = []
    for directory in dict.fromkeys(program_directories(bindir)):
        if all(os.access(directory / name, os.X_OK) for name in ("pg_dump", "pg_restore")):
            version = _major(directory / "pg_dump")
            if version is not None:
                found.append(DumpPrograms(directory=directory, major=version))
    able = sorted((programs for programs in found if programs.major >= major), key=lambda programs: programs.major)
    if able:
        return able[0]
    there = ", ".join(f"{programs.major} in {programs.directory}" for programs in found) or "none"
    raise DatabaseError(
        f"no pg_dump here can read a server of version {major} (found: {there})",
        hint=f"install the PostgreSQL {major} client programs, or name their directory in PGDATAHUB_PG_BINDIR",
    )


def _major(program: Path) -> int | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None


def dump(database: Database, tables: Sequence[TableName], file: Path, programs: DumpPrograms) -> None:
    """Write tables to a file for :func:`restore`, and check that the file has all of them.

    Raises:
        DatabaseError: The file cannot be written, or is incomplete; it is deleted then.
    """
    # Quoted, so that a name is not a pattern.
    named = [f"--table={quoted_name(table.schema)}.{quoted_name(table.name)}" for table in tables]
    try:
        _run(database, programs.directory / "pg_dump", ["--format=custom", "--strict-names", f"--file={file}", *named])
        missing = set(tables) - tables_of(file, programs)
        if missing:
            raise DatabaseError(f"the backup lacks {', '.join(sorted(map(str, missing)))}", where=str(file))
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def tables_of(file: Path, programs: DumpPrograms) -> frozenset[TableName]:
    """Return the tables whose rows a dump has.

    Raises:
        ConfigError: The file does not exist.
        UndoError: The file is not a dump, or is damaged.
    """
    if not file.is_file():
        raise ConfigError("file not found", where=str(file), hint="pgdatahub db backup and reset --backup write one")
    try:
        listed = _run(None, programs.directory / "pg_restore", ["--list", str(file)])
    except DatabaseError as error:
        raise UndoError(f"not a backup, or damaged: {error.message}", where=str(file), hint=error.hint) from error
    # 4012; 0 16531 TABLE DATA public sales postgres
    entries = re.findall(r"^\d+; \d+ \d+ TABLE DATA (.+)$", listed, flags=re.MULTILINE)
    owners_cut = (entry.rsplit(" ", 1)[0] for entry in entries)
    return frozenset(
        TableName(schema=schema, name=name) for schema, _, name in (entry.partition(" ") for entry in owners_cut)
    )


def restore(database: Database, file: Path, programs: DumpPrograms) -> None:
    """Restore the tables of a dump in place of the present tables; all of them, or none.

    Raises:
        UndoError: The server refused a statement; nothing changed.
        DatabaseError: The file is not a dump.
    """
    try:
        if programs.major > _LAST_WITHOUT_SETTING >= database.server_version // 10_000:
            _restore_by_text(database, file, programs)
        else:
            options = ["--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
            _run(database, programs.directory / "pg_restore", [*options, str(file)])
    except DatabaseError as error:
        raise UndoError(f"nothing was restored: {error.message}", where=str(file), hint=error.hint) from error


def _restore_by_text(database: Database, file: Path, programs: DumpPrograms) -> None:
    """Restore a dump on a server that does not know a setting which the programs set, without this setting."""
    with TemporaryDirectory(prefix="pgdatahub-") as directory:
        text, fitting = Path(directory, "dump.sql"), Path(directory, "fitting.sql")
        _run(None, programs.directory / "pg_restore", ["--clean", "--if-exists", f"--file={text}", str(file)])
        with text.open("rb") as source, fitting.open("wb") as target:
            # The settings come first; a line of a table's rows may look like one.
            target.writelines(islice(iter(source.readline, _SETTING), _MOST_SETTINGS))
            shutil.copyfileobj(source, target)
        text.unlink()
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={fitting}"]
        _run(database, programs.directory / "psql", options)


def _run(database: Database | None, program: Path, arguments: Sequence[str]) -> str:
    environment = dict(os.environ)
    command = [str(program), *arguments]
    if database is not None:
        parameters = conninfo.conninfo_to_dict(database.conninfo)
        password = parameters.pop("password", None)
        if password:
            environment["PGPASSWORD"] = str(password)
        # libpq has no variable for its other secrets; a server that needs them requires a manual pg_dump.
        for secret in SECRET_KEYWORDS:
            parameters.pop(secret, None)
        command.append("--no-password")
        command.append(f"--dbname={conninfo.make_conninfo('', **parameters)}")
    environment |= {"LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a program of PostgreSQL's
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            check=False,
            umask=0o077,
        )
    except OSError as error:
        raise DatabaseError(f"cannot run {program.name}: {error}", where=str(program)) from error
    if done.returncode:
        secrets = secrets_of(database.conninfo) if database is not None else Secrets()
        lines = [secrets.mask(line.strip()) for line in done.stderr.splitlines() if line.strip()]
        raise DatabaseError(f"{program.name} failed", hint=" | ".join(lines[:3]) or None)
    return done.stdout
