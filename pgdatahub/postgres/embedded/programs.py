"""Execution of PostgreSQL's programs, as the server's account and in a minimal environment."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.account import Account, is_root

# Variables that a program needs to start and to load its libraries. Left out: PGPORT, PGDATA, LC_ALL or LANG of a locale that
# is not installed, and DATABASE_URL with its password.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")
_COMPLAINTS = ("FATAL:", "PANIC:", "ERROR:", "HINT:", "DETAIL:")
# Time, zone and process id, which add nothing to a one-line message.
_LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] ")


def run_program(
    program: Path,
    arguments: Sequence[str | Path] = (),
    *,
    account: Account,
    environment: Mapping[str, str] | None = None,
    output: int | None = None,
    inherited: Sequence[int] = (),
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        program: The program.
        arguments: Its arguments.
        account: The account to run it as; only root can choose another account.
        environment: Variables to add to its minimal environment.
        output: Descriptor of a file for the output, which is then not returned. Not a pipe: a server that inherits a pipe
            keeps it open.
        inherited: Descriptors that the program inherits.

    Raises:
        DatabaseError: The program could not run, or failed; the hint is the end of its output.
    """
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    variables.setdefault("PATH", os.defpath)
    variables |= {"LC_ALL": "C", **(environment or {})}
    other = is_root() and account.uid != 0
    with tempfile.TemporaryFile() as captured:
        printed = captured.fileno() if output is None else output
        try:
            done = subprocess.run(  # noqa: S603 (no shell; a program of PostgreSQL, found by binaries.py)
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                env=variables,
                cwd="/",
                check=False,
                umask=0o077,
                pass_fds=tuple(inherited),
                user=account.uid if other else None,
                group=account.gid if other else None,
                extra_groups=[] if other else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise DatabaseError(f"cannot run {program.name}: {error}", where=str(program)) from error
        captured.seek(0)
        text = captured.read().decode(errors="replace")
    if done.returncode != 0:
        raise DatabaseError(
            f"{program.name} failed with status {done.returncode}", where=str(program), hint=last_lines(text) or None
        )
    return text


def server_complaint(log: str) -> str:
    """Return the cause of a server's end from its log, in one line: the last lines up to the last error and its hints."""
    # Lines of pg_ctl only refer to the log.
    lines = [_LOG_PREFIX.sub("", line) for line in log.splitlines()]
    lines = [line for line in lines if not line.startswith(("pg_ctl:", "Examine the log"))]
    complaints = [number for number, line in enumerate(lines) if line.startswith(_COMPLAINTS)]
    return last_lines("\n".join(lines[: complaints[-1] + 1] if complaints else lines), count=3)


def last_lines(text: str, *, count: int = 4) -> str:
    """Return the last lines of ``text`` that are not blank, joined into one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-count:])
