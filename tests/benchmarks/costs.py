"""The costs of a file and of a row, of 20 columns, for :mod:`tests.benchmarks.simulation`.

    python -m tests.benchmarks.costs [--rounds 3]

Each cost is the difference of two jobs of different sizes, so that what a process takes to start is not in it; both jobs run with two
workers, and each figure is a median. The network's round trips cannot be measured here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.executors import SCHEMA, write_files
from tests.benchmarks.server import Server, embedded_server

JOBS = {"few": (100, 10), "many": (600, 10), "short": (4, 20_000), "long": (24, 20_000)}
"""Name → files, and rows of each."""
TABLES = 4
_RUN = """
import atexit, resource, sys

def say():
    for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(of)
        print(used.ru_utime + used.ru_stime)

atexit.register(say)
sys.argv = ["pgdatahub", "run", "--quiet"]
from pgdatahub.cli.app import main
main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Seconds of processor time: of the run's own process, of its workers, and of the server."""

    own: float
    workers: float
    server: float


def run(server: Server, directory: Path, name: str) -> Used:
    """Load a job into new tables."""
    environment = {
        **os.environ,
        "DATABASE_URL": server.url,
        "ETL_SCHEMA": SCHEMA,
        "ETL_DATA_ROOT": str(directory / name),
        "ETL_STATE_DIR": str(directory),
        "ETL_WORKERS": "2",
    }
    server.ask(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    server.ask("CHECKPOINT")
    before = server.busy_seconds()
    ran = subprocess.run([sys.executable, "-c", _RUN], env=environment, capture_output=True, text=True, check=True)
    own, workers = map(float, ran.stdout.split()[-2:])
    return Used(own=own, workers=workers, server=server.busy_seconds() - before)


def flush(directory: Path) -> float:
    """Return the milliseconds of a flush of 8 KiB to the disk, a median."""
    took = []
    with (directory / "flushed").open("wb") as file:
        for _ in range(100):
            file.write(bytes(8192))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-costs-"))
    directory.chmod(0o755)  # the server's account may be another one
    used: dict[str, list[Used]] = {name: [] for name in JOBS}
    try:
        for name, (files, rows) in JOBS.items():
            write_files(directory / name, files, rows, TABLES)
        with embedded_server(directory / "home") as server:
            for _ in range(rounds):
                for name in JOBS:
                    used[name].append(run(server, directory, name))
        flushed = flush(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)

    def of_a_file(part: str, larger: str, smaller: str) -> float:
        """Return the milliseconds of a file of a kind."""
        difference = statistics.median(
            getattr(more, part) - getattr(less, part) for more, less in zip(used[larger], used[smaller], strict=True)
        )
        return float(difference) * 1000 / (JOBS[larger][0] - JOBS[smaller][0])

    print(f"dispatch    {of_a_file('own', 'many', 'few'):8.4f} ms a file")
    for part, name in (("workers", "read"), ("server", "server")):
        small, large = of_a_file(part, "many", "few"), of_a_file(part, "long", "short")
        row = (large - small) / (JOBS["long"][1] - JOBS["many"][1])
        print(f"{name + '_file':<11} {small - row * JOBS['many'][1]:8.4f} ms a file")
        print(f"{name + '_row':<11} {row:8.4f} ms a row")
    print(f"flush       {flushed:8.4f} ms")


if __name__ == "__main__":
    main()
