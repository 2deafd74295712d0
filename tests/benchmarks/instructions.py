"""Processor instructions of fixed reading jobs, counted by valgrind: a guard against slower code that no clock can be.

    python -m tests.benchmarks.instructions [--accept]

Two figures are compared with committed ones (``instructions.json``), and a difference of more than 5 % fails:

- ``core``: what the compiled core executes to read 4,000 rows × 20 columns and to encode them as text and as binary rows. It
  depends on the compiler and the kind of processor, not on Python.
- ``python``: what the Python reader executes for 200 rows: the difference between a job of 250 rows and one of 50, so that
  start and imports do not count. It depends on the version of Python as well.

A figure is compared with the one of the same compiler, Python and processor. Without one, the command reports that and
succeeds; ``--accept`` writes it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.workbooks import write_workbook

FIGURES: Final = Path(__file__).with_name("instructions.json")
TOLERANCE: Final = 0.05
CORE_ROWS: Final = 4000
PYTHON_ROWS: Final = (50, 250)

_JOB = """
import sys
from pathlib import Path
from pgdatahub.config import FolderOptions
from pgdatahub.model.schema import TableName
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.values.cells import TextColumn
book = XlsxWorkbook(Path(sys.argv[1]), name="book.xlsx", reader=sys.argv[2])
for batch in book.open(0).batches(10_000):
    columns = [column.texts for column in batch.columns.values() if isinstance(column, TextColumn)]
    if sys.argv[2] == "native" and len(batch.rows) > 1:
        from pgdatahub.readers.xlsx.native.rows import encode_binary, encode_text
        from pgdatahub.values.sql_types import SqlType
        encode_text(columns, len(batch.rows), b"\\tfile")
        encode_binary(columns, [SqlType.TEXT] * len(columns), len(batch.rows))
book.close()
"""


def count(workbook: Path, reader: str) -> tuple[int, int]:
    """Return the instructions of reading a workbook: all, and those in the core's library.

    Args:
        workbook: The workbook.
        reader: ``native`` or ``python``.
    """
    with tempfile.TemporaryDirectory() as directory:
        counts = f"{directory}/counts"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", sys.executable, "-c", _JOB]
        # The order of sets and dictionaries must not differ between two runs.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(
            [*command, str(workbook), reader], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"valgrind failed: {done.stderr[-1000:]}")
        report = subprocess.run(
            ["callgrind_annotate", "--threshold=100", counts], capture_output=True, text=True, check=True
        ).stdout
    return added_up(report)


def added_up(report: str) -> tuple[int, int]:
    """Return the sums of a report of ``callgrind_annotate``: of the program, and of the functions of the core."""
    total = re.search(r"^([\d,]+) .*PROGRAM TOTALS", report, re.MULTILINE)
    if total is None:
        raise ValueError("this is not a report of callgrind_annotate")
    core = re.findall(r"^ *([\d,]+) .*/_core\.\w+\]$", report, re.MULTILINE)
    return _number(total[1]), sum(map(_number, core))


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def compiler() -> str:
    """Return the version of the compiler that builds the core."""
    done = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:2]) or "no rustc"


def measure() -> dict[str, int]:
    """Return each figure under its key: the job, and all that it depends on."""
    machine = platform.machine()
    with tempfile.TemporaryDirectory() as directory:
        small, large, core = (
            write_workbook(Path(directory) / f"{rows}.xlsx", rows) for rows in (*PYTHON_ROWS, CORE_ROWS)
        )
        python = count(large, "python")[0] - count(small, "python")[0]
        return {
            f"core, {compiler()}, {machine}": count(core, "native")[1],
            f"python, {platform.python_version()}, {machine}": python,
        }


def judge(measured: dict[str, int], committed: dict[str, int]) -> tuple[list[str], bool]:
    """Return a line for each figure, and whether all are within the tolerance."""
    lines, good = [], True
    for key, figure in measured.items():
        expected = committed.get(key)
        if expected is None:
            lines.append(f"{key}: {figure:,} instructions, none committed to compare with (--accept writes it)")
            continue
        change = figure / expected - 1
        within = abs(figure - expected) <= TOLERANCE * expected
        good = good and within
        verdict = "" if within else "; explain it, and --accept the new figure"
        lines.append(f"{key}: {figure:,} instructions, {change:+.1%} of {expected:,}{verdict}")
    return lines, good


def main() -> None:
    """Count, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true", help="write the figures instead of comparing them")
    arguments = parser.parse_args()
    committed = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    measured = measure()
    lines, good = judge(measured, committed)
    print("\n".join(lines))
    if arguments.accept:
        FIGURES.write_text(json.dumps({**committed, **measured}, indent=2) + "\n", encoding="utf-8")
    elif not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
