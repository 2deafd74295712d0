"""One job in one process, with local workers, and on a Dask cluster of this machine: time, and processor time of all processes.

    python -m tests.benchmarks.executors [--files 200] [--rows 3000] [--tables 10] [--rounds 5]

Needs the dependency group executors. The contestants take turns in each round, so that a busy machine disturbs all of them; each
figure is a median, and each ratio the median of the ratios to one process in the same round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measuring import Measurement, measure, medians
from tests.benchmarks.server import Server, embedded_server
from tests.benchmarks.workbooks import write_workbook

SCHEMA = "executors_benchmark"
DASK = ("--executor", "dask")
CONTESTANTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "one process": (1, ()),
    "2 local workers": (2, ()),
    "Dask, 1 worker": (1, DASK),
    "Dask, 2 workers": (2, DASK),
}
"""Name → workers, and options of ``run``."""


def write_files(root: Path, files: int, rows: int, tables: int) -> None:
    """Write workbooks of 20 columns; no two of a table have the same rows."""
    for begin in range(0, files, tables):
        paths = [
            root / f"table_{number % tables}" / f"{number:05}.xlsx"
            for number in range(begin, min(begin + tables, files))
        ]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        write_workbook(paths[0], rows, seed=begin)
        for path in paths[1:]:
            shutil.copyfile(paths[0], path)


def load(server: Server, directory: Path, workers: int, options: tuple[str, ...]) -> Measurement:
    """Load all files into new tables."""
    environment = {
        **os.environ,
        "DATABASE_URL": server.url,
        "ETL_SCHEMA": SCHEMA,
        "ETL_DATA_ROOT": str(directory / "data"),
        "ETL_STATE_DIR": str(directory),
        "ETL_WORKERS": str(workers),
    }
    server.ask(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    server.ask("CHECKPOINT")
    before = server.busy_seconds()
    found = measure([sys.executable, "-m", "pgdatahub", "run", "--quiet", *options], environment)
    if found.failed:
        raise SystemExit(found.failed)
    return Measurement(wall=found.wall, cpu=found.cpu, peak=found.peak, server=server.busy_seconds() - before)


def ratio(measured: list[Measurement], base: list[Measurement], of: Callable[[Measurement], float]) -> float:
    """Return the median of the ratios in each round."""
    return statistics.median(of(one) / of(other) for one, other in zip(measured, base, strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("files", 200), ("rows", 3000), ("tables", 10), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-executors-"))
    directory.chmod(0o755)  # the server's account may be another one
    found: dict[str, list[Measurement]] = {name: [] for name in CONTESTANTS}
    try:
        write_files(directory / "data", arguments.files, arguments.rows, arguments.tables)
        with embedded_server(directory / "home") as server:
            for _ in range(arguments.rounds):
                for name, (workers, options) in CONTESTANTS.items():
                    found[name].append(load(server, directory, workers, options))
                    print(name, found[name][-1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    base = found["one process"]
    print(f"{arguments.files} files of {arguments.rows:,} rows and 20 columns into {arguments.tables} tables")
    for name, measured in found.items():
        middle = medians(measured)
        print(
            f"{name:<16} {middle.wall:7.2f} s (×{ratio(measured, base, lambda one: one.wall):5.2f}),"
            f" processor: program {middle.cpu:7.2f} s (×{ratio(measured, base, lambda one: one.cpu):5.2f}),"
            f" server {middle.server:6.2f} s (×{ratio(measured, base, lambda one: one.server):5.2f});"
            f" {middle.peak / 1e6:5.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
