"""The operating-system account that the server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pgdatahub.errors import DatabaseError

DEFAULT_NAME = "pgdatahub"
_ELSEWHERE = "set DATABASE_URL to use another server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the operating system."""

    name: str
    uid: int
    gid: int


def is_root() -> bool:
    """Whether this process is root, so that the server needs an account of its own."""
    return os.geteuid() == 0


def own_account() -> Account:
    """Return the account of this process.

    Raises:
        DatabaseError: It has no entry in the account database, without which initdb does not work.
    """
    import pwd  # absent on Windows, where this package must still be importable

    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DatabaseError(
            f"the embedded server needs an account, and user id {os.geteuid()} has none in /etc/passwd",
            hint=f"add one, or {_ELSEWHERE}",
        ) from None
    return Account(name=entry.pw_name, uid=os.geteuid(), gid=os.getegid())


def server_account(requested: str | None, *, owner: int | None, home: Path, announce: Callable[[str], None]) -> Account:
    """Return the account that the server is to run as; made, when root and absent, with one line that says so.

    Args:
        requested: A name that the settings give; only root can choose.
        owner: User id that the data belongs to, if there is data: a new account gets the same, so that data on a volume
            outlives the container that made it.
        home: Home directory of a new account.
        announce: Gets the line.

    Raises:
        DatabaseError: No such account, or it cannot be made or used.
    """
    if not is_root():
        return own_account()
    account = _look_up(requested or DEFAULT_NAME)
    if account is None:
        if requested is not None:
            raise DatabaseError(
                f"there is no account {requested!r} for the embedded server to run as",
                where="PGDATAHUB_PG_OSUSER",
                hint="name an existing account, or unset it",
            )
        account = _make(DEFAULT_NAME, uid=owner, home=home)
        announce(f"PostgreSQL does not run as root: made the system account {account.name!r} for the embedded server")
    if account.uid == 0:
        raise DatabaseError(
            "the embedded server cannot run as root", where="PGDATAHUB_PG_OSUSER", hint="name an unprivileged account"
        )
    if owner is not None and owner != account.uid:
        raise DatabaseError(
            f"the embedded server's data belongs to {_describe(owner)}, not to the account {account.name!r}",
            where=str(home),
            hint="set PGDATAHUB_PG_OSUSER to its owner, or PGDATAHUB_HOME to another directory",
        )
    return account


def _look_up(name: str) -> Account | None:
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def _describe(uid: int) -> str:
    import pwd

    try:
        return f"the account {pwd.getpwuid(uid).pw_name!r}"
    except KeyError:
        return f"user id {uid}"


def _make(name: str, *, uid: int | None, home: Path) -> Account:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    by_hand = f"make an unprivileged account and name it in PGDATAHUB_PG_OSUSER, or {_ELSEWHERE}"
    if program is None:
        raise DatabaseError("PostgreSQL does not run as root, and there is no useradd to make an account", hint=by_hand)
    command = [program, "--system", "--user-group", "--shell", "/usr/sbin/nologin"]
    command += ["--home-dir", str(home), "--no-create-home"]
    if uid is not None:
        command += ["--uid", str(uid)]
    made = subprocess.run(  # noqa: S603 (no shell; the name is ours)
        [*command, name], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    # Another process may have been first: what counts is that the account is there.
    account = _look_up(name)
    if account is None:
        why = made.stderr.strip().splitlines()
        raise DatabaseError(
            f"cannot make the account {name!r} for the embedded server: {why[-1] if why else made.returncode}",
            hint=by_hand,
        )
    return account
