from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.passfile import ensure_password, read_password


def test_a_password_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "password"
    ensure_password(path)
    password = read_password(path)
    assert len(password) >= 43, "32 random bytes"
    assert path.stat().st_mode & 0o777 == 0o600
    ensure_password(path)
    assert read_password(path) == password


def test_two_servers_have_two_passwords(tmp_path: Path) -> None:
    ensure_password(tmp_path / "a")
    ensure_password(tmp_path / "b")
    assert read_password(tmp_path / "a") != read_password(tmp_path / "b")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "password"
    ensure_password(path)
    path.chmod(mode)
    with pytest.raises(DatabaseError, match="open to other users"):
        read_password(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    ensure_password(tmp_path / "password")
    (tmp_path / "link").symlink_to(tmp_path / "password")
    with pytest.raises(DatabaseError, match="cannot read"):
        read_password(tmp_path / "link")


@pytest.mark.parametrize("content", ["", "\n", "*:*:*:pgdatahub:\n", "secret\n"])
def test_a_file_without_a_password_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "password"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(DatabaseError, match="password file has no valid entry") as refused:
        read_password(path)
    assert "secret" not in str(refused.value)
