"""A thousand small workbooks: loading them with one and two workers, and skipping them all beside ``sha256sum``.

    python tests/benchmarks/many_files.py DIRECTORY [FILES] [ROWS]

The directory, which must not exist, gets the workbooks and the private servers. Every figure is of whole processes.
"""

from __future__ import annotations

import os
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


def measure(*command: str, environment: dict[str, str] | None = None) -> float:
    """Return the seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


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
    say(f"sha256sum of all:          {measure('sha256sum', *paths):6.2f} s")
    say(f"pgdatahub --version:       {measure(sys.executable, '-m', 'pgdatahub', '--version'):6.2f} s")
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
        start = measure(*program, "run", "--data-root", str(empty), environment=environment)
        loading = measure(*program, "run", "--quiet", environment=environment)
        skipping = measure(*program, "run", "--quiet", environment=environment)
        measure(*program, "db", "stop", environment=environment)
        say(f"{workers} worker(s): a run over nothing {start:.2f} s")
        say(f"             loading     {loading:6.2f} s, {files / loading:6.1f} files/s")
        say(f"             skipping    {skipping:6.2f} s, {(skipping - start) * 1000 / files:.3f} ms a file")


if __name__ == "__main__":
    main()
