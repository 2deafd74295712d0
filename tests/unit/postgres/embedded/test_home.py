from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import home as home_module
from pgdatahub.postgres.embedded.account import own_account
from pgdatahub.postgres.embedded.home import Home
from tests.systems import is_root

_PRIVATE = 0o711 if is_root() else 0o700


def test_directories_are_made_private_whatever_the_umask(tmp_path: Path) -> None:
    home = Home(tmp_path / "a/b")
    before = os.umask(0)
    try:
        home.prepare()
    finally:
        os.umask(before)
    assert home.server.stat().st_mode & 0o777 == _PRIVATE
    assert home.root.stat().st_mode & 0o777 == _PRIVATE
    home.prepare()


def test_directories_that_are_there_keep_their_modes(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    root.mkdir()
    root.chmod(0o755)
    Home(root).prepare()
    assert root.stat().st_mode & 0o777 == 0o755
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o777])
def test_a_server_directory_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    home = Home(tmp_path)
    home.prepare()
    home.server.chmod(mode)
    with pytest.raises(DatabaseError, match="open to other users"):
        home.prepare()
    assert home.server.stat().st_mode & 0o777 == mode, "it is not for us to change"


def test_a_link_in_place_of_the_server_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "server").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="belongs to another user"):
        Home(tmp_path).prepare()


@pytest.mark.parametrize("file_system", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, file_system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_module, "_file_system", lambda path: file_system)  # noqa: ARG005 (the signature)
    with pytest.raises(DatabaseError, match=f"network file system \\({file_system}\\)") as refused:
        Home(tmp_path).prepare()
    assert refused.value.hint is not None
    assert "local disk" in refused.value.hint


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no table of mounts")
def test_the_file_system_is_looked_up() -> None:
    assert home_module._file_system(Path("/proc")) == "proc"


def test_a_name_that_is_not_text_is_refused(tmp_path: Path) -> None:
    for name in (os.fsdecode(b"\xff"), "a\nb"):
        with pytest.raises(DatabaseError, match="control characters or is not UTF-8"):
            Home(tmp_path / name).prepare()


def test_data_of_an_unfinished_copy_is_called_damaged(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    assert home.data_major() is None
    home.data.mkdir()
    with pytest.raises(DatabaseError, match="damaged"):
        home.data_major()
    (home.data / "PG_VERSION").write_text("18\n", encoding="ascii")
    assert home.data_major() == 18


def test_a_socket_path_always_fits_the_systems_limit(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 150))
    home.prepare()
    sockets = home.socket_directory(own_account(), None)
    try:
        assert len(os.fsencode(sockets / ".s.PGSQL.65535")) <= 103
        assert home.socket_directory(own_account(), sockets) == sockets
    finally:
        sockets.rmdir()


def test_the_default_is_below_the_users_own_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(home_module, "is_root", lambda: False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in Home(None).root.parents
    monkeypatch.setattr(home_module, "is_root", lambda: True)
    assert Home(None).root == Path("/var/lib/pgdatahub")
