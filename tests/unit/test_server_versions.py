"""The versions of PostgreSQL: documents, CI and the check of a server agree, and missing binaries are reported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pgdatahub.postgres.server.dialects import OLDEST, SelfDescription, refusal
from tests.server_versions import VERSIONS, UnavailableError, binaries_of

ROOT = Path(__file__).parents[2]


def test_documents_and_ci_name_the_tested_versions() -> None:
    oldest, newest = min(VERSIONS), max(VERSIONS)
    assert list(VERSIONS) == list(range(oldest, newest + 1))
    assert oldest * 10000 == OLDEST
    assert f"PostgreSQL {oldest} to {newest}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"PostgreSQL {oldest} or newer" in (ROOT / "docs/explanation/scaling.md").read_text(encoding="utf-8")
    assert f"the tests run on {oldest} to {newest}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    (matrix,) = re.findall(r"postgres: \[(.*)\]", workflow)
    assert re.findall(r"\d+", matrix) == [str(major) for major in VERSIONS]


def test_older_server_is_refused_with_the_oldest_version() -> None:
    refused = refusal(SelfDescription(version="PostgreSQL 11.22", number=110022))
    assert f"PostgreSQL {min(VERSIONS)} or newer" in str(refused)


def test_binaries_without_npm_are_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGDATAHUB_TEST_SERVERS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(UnavailableError, match="npm is not installed"):
        binaries_of(12)


def test_session_reports_versions_that_are_not_available(tmp_path: Path) -> None:
    environment = {**os.environ, "PGDATAHUB_TEST_SERVERS": str(tmp_path), "PATH": str(tmp_path)}
    command = [sys.executable, "-m", "tests.on_servers", "12", "13"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    for major in (12, 13):
        assert re.search(rf"^PostgreSQL {major}: not available: .+$", ended.stdout, re.MULTILINE)
