"""Reading alone: time and peak memory of this reader beside python-calamine, fastexcel and openpyxl, as ratios.

Every reading has a process of its own, the clock starts after its imports. Readers take turns, so that a noisy machine is
unfair to all of them alike; the best of the rounds counts. What each does: pgdatahub yields typed, COPY-ready columns,
with the compiled core where it is installed and with the Python reader; python-calamine yields rows of Python objects; fastexcel an
Arrow table; openpyxl rows of cells, read-only. Processor time and memory are those of all its processes. Readers that are
not installed are left out.

    python tests/benchmarks/reading.py [--rounds 3] [--rows 100000] [--all-kinds] [--slow] [WORKBOOK ...]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgdatahub.readers.xlsx.reader_choice import Reader

SHEET = "Sheet1"


def read_pgdatahub(path: Path, reader: Reader | None = None) -> int:
    from pgdatahub.readers.xlsx.reader_choice import choose_reader
    from pgdatahub.readers.xlsx.workbook import XlsxWorkbook

    workbook = XlsxWorkbook(path, name=path.name, reader=reader or choose_reader(None))
    rows = sum(len(batch.rows) for batch in workbook.open(0).batches(10_000))
    workbook.close()
    return rows


def read_with_python(path: Path) -> int:
    return read_pgdatahub(path, "python")


def read_with_parser(path: Path) -> int:
    return read_pgdatahub(path, "parser")


def read_calamine(path: Path) -> int:
    import python_calamine

    sheet = python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_name(SHEET)
    return sum(1 for _ in sheet.iter_rows())


def read_fastexcel(path: Path) -> int:
    import fastexcel  # type: ignore[import-not-found,unused-ignore]  # not among the test dependencies

    return int(fastexcel.read_excel(str(path)).load_sheet(SHEET).to_arrow().num_rows)


def read_openpyxl(path: Path) -> int:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    return sum(1 for _ in book[SHEET].iter_rows(values_only=True))


READERS: dict[str, tuple[str, Callable[[Path], int]]] = {
    "pgdatahub": ("pgdatahub.readers.xlsx.workbook", read_pgdatahub),
    "pgdatahub, Python reader": ("pgdatahub.readers.xlsx.workbook", read_with_python),
    "python-calamine": ("python_calamine", read_calamine),
    "fastexcel": ("fastexcel", read_fastexcel),
    "pgdatahub, parser alone": ("pgdatahub.readers.xlsx.workbook", read_with_parser),
    "openpyxl": ("openpyxl", read_openpyxl),
}
SLOW = ("pgdatahub, parser alone", "openpyxl")


def peak_memory() -> int:
    """Return the largest resident set of this process so far and that of its largest child, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return 0


def cpu_time() -> float:
    """Return the processor time of this process and of the children that it has waited for, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(reader: str, path: Path) -> dict[str, float]:
    """Read once in a process of its own."""
    command = [sys.executable, __file__, "--child", reader, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(output)
    return found


def child(reader: str, path: Path) -> None:
    importlib.import_module(READERS[reader][0])
    begun, cpu = time.perf_counter(), cpu_time()
    rows = READERS[reader][1](path)
    found = {"seconds": time.perf_counter() - begun, "cpu": cpu_time() - cpu, "rows": rows}
    print(json.dumps({**found, "peak": peak_memory()}))


def compare(path: Path, readers: list[str], rounds: int) -> None:
    """Print a table of the readers for one workbook."""
    measured: dict[str, list[dict[str, float]]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader in readers:
            measured[reader].append(measure(reader, path))
    best = {
        reader: {key: min(found[key] for found in all_found) for key in ("seconds", "cpu", "peak", "rows")}
        for reader, all_found in measured.items()
    }
    yardstick = best.get("python-calamine") or best[readers[0]]
    print(f"\n{path.name}: {path.stat().st_size / 1e6:.1f} MB, best of {rounds}")
    print(f"{'':22}{'rows':>10}{'seconds':>9}{'ratio':>7}{'cpu':>7}{'ratio':>7}{'peak MB':>9}{'ratio':>7}")
    for reader, found in best.items():
        ratios = {key: found[key] / yardstick[key] for key in ("seconds", "cpu", "peak")}
        print(
            f"{reader:22}{found['rows']:10,.0f}{found['seconds']:9.2f}{ratios['seconds']:7.2f}{found['cpu']:7.2f}"
            f"{ratios['cpu']:7.2f}{found['peak'] / 1024:9.0f}{ratios['peak']:7.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workbooks", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, action="append", help="generate workbooks of so many rows")
    parser.add_argument("--all-kinds", action="store_true", help="inline strings and sparse rows too")
    parser.add_argument("--slow", action="store_true", help="openpyxl and the parser alone too")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], Path(arguments.child[1]))
        return
    readers = [
        name
        for name, (module, _) in READERS.items()
        if importlib.util.find_spec(module) and (arguments.slow or name not in SLOW)
    ]
    with tempfile.TemporaryDirectory() as directory:
        workbooks = list(arguments.workbooks)
        if not workbooks:
            workbooks = generate(Path(directory), arguments.rows or [100_000], all_kinds=arguments.all_kinds)
        for path in workbooks:
            compare(path, readers, arguments.rounds)


def generate(directory: Path, sizes: list[int], *, all_kinds: bool) -> list[Path]:
    """Write the workbooks to measure with."""
    sys.path.insert(0, str(Path(__file__).parent))
    from workbooks import write_workbook  # type: ignore[import-not-found,unused-ignore]  # a script's neighbour

    kinds = [(True, True), (False, True), (True, False), (False, False)] if all_kinds else [(True, True)]
    paths = []
    for rows in sizes:
        for shared, dense in kinds:
            name = f"{rows}_{'shared' if shared else 'inline'}_{'dense' if dense else 'sparse'}.xlsx"
            paths.append(write_workbook(directory / name, rows, shared=shared, dense=dense))
    return paths


if __name__ == "__main__":
    main()
