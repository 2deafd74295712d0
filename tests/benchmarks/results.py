"""Measurements, kept in a file between runs: a long benchmark can be done in parts."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.measuring import Measurement

PACKAGES = (
    *("pgdatahub", "pandas", "openpyxl", "python-calamine", "polars", "fastexcel", "adbc-driver-postgresql", "duckdb"),
    *("sqlalchemy", "psycopg"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """Measurements of one case.

    Attributes:
        runs: Contestant → its measurements.
        notes: Contestant → why it has none.
        place: Machine, server and versions.
        day: When, UTC.
        scale: 1, or less for a trial whose figures mean nothing.
    """

    runs: Mapping[str, Sequence[Measurement]]
    notes: Mapping[str, str]
    place: str
    day: str
    scale: float = 1.0


def place(server: str) -> str:
    """Return this machine and the versions of all that takes part."""
    installed = []
    for name in PACKAGES:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{_processor()}, {os.cpu_count()} processors, {memory:.0f} GB, {platform.system()} {platform.release()}"
    return f"{machine}; Python {platform.python_version()}, PostgreSQL {server}, {', '.join(installed)}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def today() -> str:
    """Return the day, UTC."""
    return f"{datetime.now(timezone.utc):%Y-%m-%d}"


def read_results(path: Path) -> dict[str, CaseResult]:
    """Return what is kept in a file; nothing if there is none."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    return {name: _case(found) for name, found in content.items()}


def _case(found: Mapping[str, object]) -> CaseResult:
    case = CaseResult(**found)  # type: ignore[arg-type]  # what write_results wrote
    runs = {
        name: [Measurement(**run) for run in runs]  # type: ignore[arg-type]  # likewise
        for name, runs in case.runs.items()
    }
    return replace(case, runs=runs)


def write_results(path: Path, results: Mapping[str, CaseResult]) -> None:
    """Keep results in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: asdict(case) for name, case in results.items()}
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
