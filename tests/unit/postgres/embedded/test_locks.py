from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.locks import FileLock


def test_one_holder_or_many_sharers(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as one, FileLock(tmp_path / "lock") as two, FileLock(tmp_path / "lock") as three:
        assert one.try_shared()
        assert two.try_shared()
        assert not three.try_exclusive()
        one.close()
        two.close()
        assert three.try_exclusive()


def test_the_last_sharer_can_take_it_alone(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock") as one, FileLock(tmp_path / "lock") as two:
        assert one.try_shared()
        assert one.try_exclusive()
        assert not two.try_shared()


def test_a_child_that_inherits_the_lock_holds_it_on(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with FileLock(path) as lock:
        assert lock.try_exclusive()
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock.descriptor])
    with child, FileLock(path) as other:
        assert not other.try_shared()
        child.kill()
        child.wait()
        assert other.try_exclusive()


def test_waiting_ends_and_is_announced(tmp_path: Path) -> None:
    waited: list[str] = []
    with FileLock(tmp_path / "lock") as one, FileLock(tmp_path / "lock") as two:
        assert one.try_exclusive()
        assert not two.exclusive(timeout=2.2, waiting=lambda: waited.append("waiting"))
    assert waited == ["waiting"]


def test_a_link_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="cannot open the lock file"):
        FileLock(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()
