"""The whole job beside its peers: workbook → committed table, process start included.

All run against one embedded server, each as its own process, in turns; what counts are medians and ratios.

    python -m tests.benchmarks.whole_job [--runs 5] [--cases 100k,1m,…] [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks.cases import CASES
from tests.benchmarks.measuring import Measurement, measure, medians
from tests.benchmarks.peers import PEERS

OURS = "pgdatahub"
FLOOR = "psql \\copy (the floor)"
PACKAGES = (
    "pgdatahub",
    "pandas",
    "openpyxl",
    "python-calamine",
    "polars",
    "fastexcel",
    "adbc-driver-postgresql",
    "duckdb",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The database that all load into."""

    url: str
    psql: str


@contextmanager
def embedded_server(home: Path) -> Iterator[Server]:
    """Run an embedded server that everybody reaches over TCP."""
    environment = {**os.environ, "PGDATAHUB_HOME": str(home)}

    def pgdatahub(*arguments: str) -> str:
        command = [sys.executable, "-m", "pgdatahub", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    pgdatahub("db", "start", "--port", "54329")
    try:
        from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings

        server = EmbeddedServer(EmbeddedSettings(home=home))
        yield Server(url=server.url(password=True, tcp=True), psql=str(server.programs() / "psql"))
    finally:
        pgdatahub("db", "stop", "--force")


class Bench:
    """One case on one server: what is run, and what came of it."""

    def __init__(self, case: str, directory: Path, server: Server) -> None:
        self.case = case
        self.server = server
        self.data = directory / case / "data"
        (self.data / "bench").mkdir(parents=True)
        self.workbooks = CASES[case](self.data / "bench")
        self.rows = directory / case / "rows.csv"
        self.results: dict[str, list[Measurement]] = {}
        self.notes: dict[str, str] = {}
        self._runs = 0

    def ours(self, *options: str) -> Measurement:
        """Load into a schema of its own, so that every run makes its table anew."""
        self._runs += 1
        environment = {**os.environ, "DATABASE_URL": self.server.url, "ETL_STATE_DIR": str(self.data.parent)}
        schema = f"bench_{self.case}_{self._runs}"
        command = [
            sys.executable,
            "-m",
            "pgdatahub",
            "run",
            "--quiet",
            "--data-root",
            str(self.data),
            "--schema",
            schema,
        ]
        found = measure([*command, *options], environment)
        if self._runs == 1:
            self._export(schema)
        self._psql(f'DROP SCHEMA "{schema}" CASCADE')
        return found

    def peer(self, name: str) -> Measurement:
        """Run a peer over the first workbook."""
        target = self.rows if name == FLOOR else self.workbooks[0]
        environment = {**os.environ, "PATH": f"{Path(self.server.psql).parent}:{os.environ['PATH']}"}
        table = "bench_floor" if name == FLOOR else "bench_peer"
        command = [sys.executable, "-m", "tests.benchmarks.peers", name, str(target), self.server.url, table]
        return measure(command, environment)

    def _export(self, schema: str) -> None:
        """Keep the rows of our table as CSV, and an empty table like it, for the floor."""
        self._psql(f'DROP TABLE IF EXISTS bench_floor; CREATE TABLE bench_floor (LIKE "{schema}".bench)')
        self._psql(rf"""\copy "{schema}".bench TO '{self.rows}' WITH (FORMAT csv)""")

    def _psql(self, statement: str) -> None:
        subprocess.run([self.server.psql, self.server.url, "-q", "-c", statement], check=True)

    def run(self, runs: int, peers: list[str]) -> None:
        """Run all in turns, one warm-up first."""
        self.ours()
        for _ in range(runs):
            self.results.setdefault(OURS, []).append(self.ours())
            for name in peers:
                if name in self.notes:
                    continue
                found = self.peer(name)
                if found.failed:
                    self.notes[name] = found.failed.splitlines()[-1]
                else:
                    self.results.setdefault(name, []).append(found)

    def table(self) -> str:
        """Return the medians and their ratios as Markdown."""
        ours = medians(self.results[OURS])
        lines = [
            "| | wall | CPU | peak memory | wall, ours ÷ theirs | memory, ours ÷ theirs |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for name, found in self.results.items():
            middle = medians(found)
            ratios = "| | |" if name == OURS else f"| {ours.wall / middle.wall:.2f} | {ours.peak / middle.peak:.2f} |"
            lines.append(f"| {name} | {middle.wall:.2f} s | {middle.cpu:.2f} s | {middle.peak / 2**20:.0f} MB {ratios}")
        lines += [f"| {name} | — | — | — | did not run: {note[:120]} | |" for name, note in self.notes.items()]
        return "\n".join(lines)


def main() -> None:
    """Run the cases asked for and print, or write, the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-bench-"))
    directory.chmod(0o755)
    sections = []
    try:
        with embedded_server(directory / "home") as server:
            for case in arguments.cases.split(","):
                bench = Bench(case, directory, server)
                bench.run(arguments.runs, [name for name in arguments.peers.split(",") if name])
                sections.append(f"## {case}: {CASES[case].__doc__}\n\n{bench.table()}\n")
                print(sections[-1], flush=True)
                shutil.rmtree(directory / case)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if arguments.write:
        arguments.write.write_text("\n".join([_head(arguments.runs), *sections]), encoding="utf-8")


def _head(runs: int) -> str:
    installed = []
    for name in PACKAGES:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    machine = (
        f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    return (
        "# Benchmarks\n\n"
        "Written by `nox -s bench`: the whole job, from a workbook to a committed table, start of the process included. "
        f"Each figure is the median of {runs} runs in turns on one machine ({machine}, {date.today():%Y-%m-%d}). "  # noqa: DTZ011
        "Machines are noisy: read the ratios. Memory is the largest sum over a process and its children; the server's "
        "is in none of them.\n\n"
        f"{', '.join(installed)}.\n"
    )


if __name__ == "__main__":
    main()
