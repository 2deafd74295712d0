from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.record import KeepMarker, ServerRecord

_RECORD = ServerRecord(
    socket_directory=Path("/tmp/pgdatahub-é x"), port=5544, tcp=True, binaries=Path("/usr/lib/pg/bin"), version="18.6"
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    assert ServerRecord.read(path) is None
    _RECORD.write(path)
    assert ServerRecord.read(path) == _RECORD
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path], "no temporary file stays"


def test_a_copied_record_does_not_name_the_originals_socket(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    _RECORD.write(tmp_path / "a/server.json")
    (tmp_path / "a").rename(tmp_path / "b")
    moved = ServerRecord.read(tmp_path / "b/server.json")
    assert moved is not None
    assert moved.socket_directory == tmp_path / "b/s"
    assert moved.binaries == _RECORD.binaries


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"port": "x"}', "\xff"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "server.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(DatabaseError, match="damaged") as damaged:
        ServerRecord.read(path)
    assert damaged.value.where == str(path)


@pytest.mark.parametrize("port", [None, 5544])
def test_the_marker_remembers_the_port(tmp_path: Path, port: int | None) -> None:
    path = tmp_path / "keep.json"
    assert KeepMarker.read(path) is None
    KeepMarker(port=port).write(path)
    assert KeepMarker.read(path) == KeepMarker(port=port)


def test_a_marker_with_a_wrong_port_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "keep.json"
    path.write_text('{"port": "5544"}', encoding="utf-8")
    with pytest.raises(DatabaseError, match="damaged"):
        KeepMarker.read(path)
