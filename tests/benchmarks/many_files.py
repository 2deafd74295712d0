"""A thousand small workbooks: loading them with one and two workers, and skipping them all beside ``sha256sum``.

    python tests/benchmarks/many_files.py DIRECTORY [FILES] [ROWS]

The directory, which must not exist, gets the workbooks and the private servers. Every figure is of whole processes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import xlsxwriter

TABLES = 10


def write(root: Path, files: int, rows: int) -> None:
    """Write the workbooks: five columns of four types."""
    for number in range(files):
        folder = root / f"table{number % TABLES}"
        folder.mkdir(parents=True, exist_ok=True)
        workbook = xlsxwriter.Workbook(folder / f"{number:05}.xlsx", {"in_memory": True})
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["Id", "Customer", "Price", "Quantity", "Note"])
        for row in range(rows):
            value = number * rows + row
            sheet.write_row(row + 1, 0, [value, f"customer {value % 97}", value / 7, value % 13, f"note {value}"])
        workbook.close()


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def measure(*command: str, environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Return the seconds that a command takes, and those of computing (without the server's) that it and its children do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def shown(name: str, measured: tuple[float, float], files: int) -> str:
    """Return a line."""
    wall, cpu = measured
    return f"{name:<32}{wall:8.2f} s {files / wall:9.1f} files/s   computing {cpu:7.2f} s, {cpu * 1000 / files:7.3f} ms a file"


def main() -> None:
    """Measure and print."""
    directory = Path(sys.argv[1])
    files, rows = (int(argument) for argument in [*sys.argv[2:], *("1000", "100")[len(sys.argv) - 2 :]])
    directory.mkdir()
    directory.chmod(0o711)
    root = directory / "data"
    write(root, files, rows)
    paths = sorted(map(str, root.rglob("*.xlsx")))
    size = sum(Path(path).stat().st_size for path in paths)
    say(f"{files} workbooks of {rows} rows into {TABLES} tables, {size / 1e6:.1f} MB")
    say(shown("sha256sum of all", measure("sha256sum", *paths), files))
    program = (sys.executable, "-m", "pgdatahub")
    for workers in (1, 2):
        environment = os.environ | {
            "PGDATAHUB_HOME": str(directory / f"home{workers}"),
            "ETL_DATA_ROOT": str(root),
            "ETL_STATE_DIR": str(directory),
            "ETL_WORKERS": str(workers),
        }
        for name in ("DATABASE_URL", "PGHOST", "PGSERVICE"):
            environment.pop(name, None)
        measure(*program, "db", "start", environment=environment)
        empty = directory / "empty"
        empty.mkdir(exist_ok=True)
        nothing = measure(*program, "run", "--data-root", str(empty), environment=environment)
        loading = measure(*program, "run", "--quiet", environment=environment)
        skipping = measure(*program, "run", "--quiet", environment=environment)
        measure(*program, "db", "stop", environment=environment)
        say(shown(f"{workers} worker(s): over nothing", nothing, files))
        say(shown("             loading all", loading, files))
        say(shown("             skipping all", skipping, files))


if __name__ == "__main__":
    main()
