from __future__ import annotations

import os
from pathlib import Path

import pytest

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.account import own_account
from pgdatahub.postgres.embedded.programs import run_program, server_complaint


def _program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_program_gets_a_minimal_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPORT", "PGDATA", "LANG", "LANGUAGE", "LC_MESSAGES", "DATABASE_URL", "HOME"):
        monkeypatch.setenv(name, "misleading")
    printed = run_program(_program(tmp_path / "p", "env"), account=own_account(), environment={"PGDATA": "/given"})
    assert "misleading" not in printed
    assert {"LC_ALL=C", "PGDATA=/given"} <= set(printed.splitlines())


def test_what_a_failing_program_printed_last_is_the_hint(tmp_path: Path) -> None:
    program = _program(tmp_path / "p", "for i in 1 2 3 4 5 6; do echo line $i; done; echo oops >&2; exit 3")
    with pytest.raises(DatabaseError, match="p failed with status 3") as failed:
        run_program(program, account=own_account())
    assert failed.value.hint == "line 4 | line 5 | line 6 | oops"


def test_files_that_a_program_makes_are_closed_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run_program(_program(tmp_path / "p", f"touch '{tmp_path}/made'"), account=own_account())
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot run initdb"):
        run_program(tmp_path / "initdb", account=own_account())


def test_of_a_log_the_errors_are_told_without_time_and_process() -> None:
    log = (
        "2026-01-02 03:04:05.678 UTC [42] LOG:  starting PostgreSQL\n"
        "2026-01-02 03:04:05.679 UTC [42] FATAL:  could not map anonymous shared memory: Cannot allocate memory\n"
        "2026-01-02 03:04:05.679 UTC [42] HINT:  reduce shared_buffers\n"
        "2026-01-02 03:04:05.680 UTC [42] LOG:  database system is shut down\n"
        "pg_ctl: could not start server\nExamine the log output.\n"
    )
    assert server_complaint(log) == (
        "LOG:  starting PostgreSQL | FATAL:  could not map anonymous shared memory: Cannot allocate memory"
        " | HINT:  reduce shared_buffers"
    )
    assert server_complaint("2026-01-02 03:04:05.678 UTC [42] LOG:  redo starts\npg_ctl: x\n") == "LOG:  redo starts"
    assert server_complaint("") == ""
