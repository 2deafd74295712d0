"""Operating-system account of the server: PostgreSQL refuses to run as root."""

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
    """Return whether this process is root, so that the server needs its own account."""
    return os.geteuid() == 0


def own_account() -> Account:
    """Return the account of this process.

    Raises:
        DatabaseError: The account has no entry in the account database, which initdb needs.
    """
    import pwd  # not on Windows, where this package must still be importable

    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DatabaseError(
            f"user id {os.geteuid()} has no account in /etc/passwd, which the embedded server needs",
            hint=f"add one, or {_ELSEWHERE}",
        ) from None
    return Account(name=entry.pw_name, uid=os.geteuid(), gid=os.getegid())


def server_account(requested: str | None, *, owner: int | None, home: Path, announce: Callable[[str], None]) -> Account:
    """Return the account to run the server as; as root, create the account if it is missing, and announce that.

    Args:
        requested: The account's name in the settings; only root can choose.
        owner: User id of the data's owner, if there is data: a new account gets this id, so that data on a volume outlives its
            container.
        home: Home directory of a new account.
        announce: Receives the line about a new account.

    Raises:
        DatabaseError: The account is not found, or cannot be created or used.
    """
    if not is_root():
        return own_account()
    account = _look_up(requested or DEFAULT_NAME)
    if account is None:
        if requested is not None:
            raise DatabaseError(
                f"account {requested!r} not found, which the embedded server should run as",
                where="PGDATAHUB_PG_OSUSER",
                hint="name an existing account, or unset it",
            )
        account = _make(DEFAULT_NAME, uid=owner, home=home)
        announce(
            f"PostgreSQL does not run as root: created the system account {account.name!r} for the embedded server"
        )
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
    by_hand = f"create an unprivileged account and set PGDATAHUB_PG_OSUSER to its name, or {_ELSEWHERE}"
    if program is None:
        raise DatabaseError(
            "PostgreSQL does not run as root, and useradd, which creates an account, is not installed", hint=by_hand
        )
    command = [program, "--system", "--user-group", "--shell", "/usr/sbin/nologin"]
    command += ["--home-dir", str(home), "--no-create-home"]
    if uid is not None:
        command += ["--uid", str(uid)]
    made = subprocess.run(  # noqa: S603 (no shell; a fixed name)
        [*command, name], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    # Another process may have created the account at the same time, so look it up in any case.
    account = _look_up(name)
    if account is None:
        why = made.stderr.strip().splitlines()
        raise DatabaseError(
            f"cannot create the account {name!r} for the embedded server: {why[-1] if why else made.returncode}",
            hint=by_hand,
        )
    return account
