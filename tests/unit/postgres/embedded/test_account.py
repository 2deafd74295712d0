from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import account as account_module
from pgdatahub.postgres.embedded.account import Account, own_account, server_account

_OURS = Account(name="pgdatahub", uid=54321, gid=54321)


class _Accounts:
    """An account database for root, in which useradd makes accounts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *accounts: Account) -> None:
        self.known = {account.name: account for account in accounts}
        self.commands: list[list[str]] = []
        self.said: list[str] = []
        monkeypatch.setattr(account_module, "is_root", lambda: True)
        monkeypatch.setattr(account_module, "_look_up", self.known.get)
        monkeypatch.setattr("shutil.which", lambda name, path: f"/usr/sbin/{name}")  # noqa: ARG005 (the signature)
        monkeypatch.setattr("subprocess.run", self._run)

    def choose(self, requested: str | None = None, *, owner: int | None = None) -> Account:
        return server_account(requested, owner=owner, home=Path("/var/lib/pgdatahub"), announce=self.said.append)

    def _run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        uid = int(command[command.index("--uid") + 1]) if "--uid" in command else _OURS.uid
        self.known[command[-1]] = Account(name=command[-1], uid=uid, gid=uid)
        return subprocess.CompletedProcess(command, 0, "", "")


def test_root_gets_a_system_account_and_one_line_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = _Accounts(monkeypatch)
    assert accounts.choose() == _OURS
    assert accounts.choose() == _OURS
    (command,) = accounts.commands
    assert {"--system", "--no-create-home"} <= set(command)
    assert command[command.index("--shell") + 1].endswith("nologin")
    (line,) = accounts.said
    assert "'pgdatahub'" in line


def test_the_account_named_postgres_is_not_taken_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = _Accounts(monkeypatch, Account(name="postgres", uid=101, gid=104))
    assert accounts.choose().name == "pgdatahub"
    assert accounts.choose("postgres").uid == 101, "who names it means it"


def test_a_new_account_gets_the_user_id_that_the_data_has(monkeypatch: pytest.MonkeyPatch) -> None:
    # A volume outlives the container whose image had made the account.
    accounts = _Accounts(monkeypatch)
    assert accounts.choose(owner=4711).uid == 4711


def test_data_of_another_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = _Accounts(monkeypatch, _OURS)
    with pytest.raises(DatabaseError, match="belongs to user id 987654, not to the account 'pgdatahub'"):
        accounts.choose(owner=987654)


def test_an_account_that_is_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = _Accounts(monkeypatch, Account(name="toor", uid=0, gid=0))
    with pytest.raises(DatabaseError, match="cannot run as root"):
        accounts.choose("toor")


def test_without_useradd_the_way_by_hand_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = _Accounts(monkeypatch)
    monkeypatch.setattr("shutil.which", lambda name, path: None)  # noqa: ARG005 (the signature)
    with pytest.raises(DatabaseError, match="useradd, which creates an account, is not installed") as refused:
        accounts.choose()
    assert refused.value.hint is not None
    assert "PGDATAHUB_PG_OSUSER" in refused.value.hint
    assert "DATABASE_URL" in refused.value.hint


def test_what_useradd_complains_of_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = _Accounts(monkeypatch)
    failed = SimpleNamespace(returncode=1, stderr="useradd: cannot lock /etc/passwd; try again later.\n")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: failed)
    with pytest.raises(DatabaseError, match="cannot lock /etc/passwd"):
        accounts.choose()


def test_an_ordinary_user_always_runs_the_server_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "is_root", lambda: False)
    said: list[str] = []
    account = server_account("someone", owner=None, home=Path("/nonexistent"), announce=said.append)
    assert account == own_account()
    assert account.uid == os.geteuid()
    assert said == []


def test_a_user_id_without_an_account_is_told_the_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 987654)
    with pytest.raises(DatabaseError, match="user id 987654 has no account") as refused:
        own_account()
    assert refused.value.hint is not None
    assert "DATABASE_URL" in refused.value.hint
