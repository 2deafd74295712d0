"""Atomic, durable replacement of files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pgdatahub.system.atomic_write import write_file


def test_a_file_and_its_directory_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    synced = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append(("directory" if is_directory else "file", path.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_file(path, b"content", mode=0o600)
    # The directory is synced after the rename, which is when the file has its name.
    assert synced == [("file", False), ("directory", True)]
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")

    def fail(_descriptor: int) -> None:
        raise OSError("disk error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk error"):
        write_file(path, b"new", mode=0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]
    assert path.read_bytes() == b"old"
