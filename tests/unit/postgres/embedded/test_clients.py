"""Shares of several users of the server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.clients import ClientShare
from pgdatahub.postgres.embedded.locks import FileLock


def test_last_share_is_the_only_one(tmp_path: Path) -> None:
    first, second = ClientShare(tmp_path / "lock"), ClientShare(tmp_path / "lock")
    assert first.is_only_one()
    first.take()
    second.take()
    assert not first.is_only_one()
    second.leave()
    assert first.is_only_one()
    assert not second.is_only_one()
    first.leave()


def test_forked_child_shares_but_does_not_hold_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = ClientShare(tmp_path / "lock")
    share.take()
    assert (share.open, share.held) == (True, True)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert (share.open, share.held) == (True, False)
    share.leave()
    assert (share.open, share.held) == (False, False)


def test_share_of_a_locked_server_is_refused(tmp_path: Path) -> None:
    share = ClientShare(tmp_path / "lock")
    with FileLock(tmp_path / "lock") as other:
        assert other.try_exclusive()
        with pytest.raises(DatabaseError, match="the embedded server is locked"):
            share.take()
    assert not share.open
