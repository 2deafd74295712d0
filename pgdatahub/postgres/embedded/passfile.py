"""Password file of the server (libpq's ``passfile=``), readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from pgdatahub.errors import DatabaseError
from pgdatahub.system.atomic_write import write_file

USER = "pgdatahub"
_PREFIX = f"*:*:*:{USER}:"


def ensure_password(path: Path) -> None:
    """Create the password file with a new password, unless it exists."""
    if not path.exists():
        # 32 random bytes in the URL-safe alphabet, which needs no escapes in password files and URLs.
        write_file(path, f"{_PREFIX}{secrets.token_urlsafe(32)}\n".encode(), mode=0o600)


def read_password(path: Path) -> str:
    """Return the password.

    Raises:
        DatabaseError: The file is missing, has another owner, or is readable by others (libpq ignores such a file).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            facts = os.fstat(descriptor)
            text = file.read()
    except OSError as error:
        raise DatabaseError(
            f"cannot read the embedded server's password file: {error.strerror}",
            where=str(path),
            hint="restore the file; the data cannot be used without it",
        ) from error
    if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise DatabaseError(
            "the embedded server's password file is open to other users", where=str(path), hint="chmod 600 it"
        )
    line = text.splitlines()[0] if text else ""
    if not line.startswith(_PREFIX) or len(line) == len(_PREFIX):
        raise DatabaseError("the embedded server's password file has no valid entry", where=str(path))
    return line.removeprefix(_PREFIX)
