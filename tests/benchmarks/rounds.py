"""One case on one server: all peers in turns, each into the same state."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.benchmarks.cases import CASES, EARLIER, scaled
from tests.benchmarks.measuring import Measurement, measure
from tests.benchmarks.peers import FLOOR
from tests.benchmarks.results import CaseResult, place, today
from tests.benchmarks.server import Server
from tests.benchmarks.workbooks import write_workbook

_SEED_ROWS = 100
"""A table that is to be large begins with so many rows of its contestant's own making."""


def environment(server: Server, state: Path) -> dict[str, str]:
    """Return the environment of every contestant.

    Without ``PYTHONDONTWRITEBYTECODE``: where it is set, a package that runs from a checkout would be compiled again each
    time, and those that were installed would not.
    """
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PGHOST", "PGSERVICE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.startswith("ETL_")}
    path = f"{server.psql.parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "PATH": path, "DATABASE_URL": server.url, "ETL_STATE_DIR": str(state)}


class Case:
    """One case.

    Args:
        name: Which.
        directory: Where its files go; it must not have anything of that name.
        server: Where its rows go.
        scale: 1, or less for a trial.
        earlier: A checkout of the version before the core, for cases with several workers; None for none.
    """

    def __init__(
        self, name: str, directory: Path, server: Server, scale: float = 1.0, earlier: Path | None = None
    ) -> None:
        case = CASES[name]
        self._earlier = earlier
        if earlier is not None and len(case.ours) > 1:
            # One worker, and one process that reads.
            variables = {"PYTHONPATH": str(earlier), "ETL_READ_PROCESSES": "1"}
            case = replace(
                case, ours={**case.ours, EARLIER: ("--workers", "1")}, settings={**case.settings, EARLIER: variables}
            )
        self.case = case
        self.server = server
        self.scale = scale
        self._root = directory / name / "data"
        self._folder = self._root / "bench"
        self._folder.mkdir(parents=True)
        self._seed = directory / name / "seed.xlsx"
        self._rows = directory / name / "rows.csv"
        self._environment = environment(server, self._root.parent)
        self._workbooks = self.case.write(self._folder, scale)

    def run(self, rounds: int, peers: Sequence[str]) -> CaseResult:
        """Run all peers in turns, ``rounds`` times, after a warm-up; return the measurements.

        Args:
            rounds: How often.
            peers: Those that may take part.

        Raises:
            RuntimeError: We failed. A peer that fails is noted, and left out from then on.
        """
        contestants = [*self.case.ours, *(peer for peer in self.case.peers if peer in peers)]
        runs: dict[str, list[Measurement]] = {name: [] for name in contestants}
        notes: dict[str, str] = {}
        self._export()
        if self.case.rows_before:
            for name in contestants:
                self._fill(name, notes)
        for _ in range(rounds):
            for name in contestants:
                if name in notes:
                    continue
                found = self._measured(name)
                if not found.failed:
                    runs[name].append(found)
                elif name in self.case.ours:
                    raise RuntimeError(f"{name}: {found.failed}")
                else:
                    notes[name] = _reason(found.failed)
        for name in contestants:
            self._drop(name)
        return CaseResult(
            runs={name: measured for name, measured in runs.items() if measured and name not in notes},
            notes=notes,
            place=place(self.server.ask("SHOW server_version")),
            day=today(),
            scale=self.scale,
        )

    # ── one run ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _measured(self, name: str) -> Measurement:
        """Run one contestant once, into a table that is as it was before the last time."""
        large = bool(self.case.rows_before)
        if not large:
            self._drop(name)
        moment = self.server.number("SELECT pg_current_xact_id()")
        self.server.ask("CHECKPOINT")  # or the next would pay for what this one wrote
        busy = self.server.busy_seconds()
        settings = self.case.settings.get(name, {})
        found = measure(self._command(name, append=large), {**self._environment, **settings})
        # The last of its connections may have a moment yet to live.
        time.sleep(0.1)
        found = replace(found, server=self.server.busy_seconds() - busy)
        if found.failed:
            return found
        rows = self.server.number(f"SELECT count(*) FROM {self._table(name)}")
        expected = scaled(self.case.rows_before, self.scale) if large else 0
        new = rows - expected
        if new < 1:
            return replace(found, failed=f"there are {rows:,} rows in its table")
        if large:
            self._take_back(name, moment, new)
        return found

    def _command(self, name: str, *, append: bool = False, files: Sequence[Path] = ()) -> list[str]:
        if name in self.case.ours:
            program = [sys.executable, "-m", "pgdatahub"]
            if name == EARLIER:
                # With -m, the working directory would come before the other checkout.
                program = [sys.executable, "-c", _MODULE_OF, str(self._earlier)]
            command = [*program, "run", "--quiet", "--data-root", str(self._root)]
            options = [option.format(directory=self._root.parent) for option in self.case.ours[name]]
            return [*command, "--schema", self._schema(name), *options]
        files = files or ([self._rows] if name == FLOOR else self._workbooks)
        mode = "append" if append else "new"
        program = [sys.executable, "-m", "tests.benchmarks.peers", name]
        return [*program, self.server.url, self._table(name), mode, *map(str, files)]

    # ── the tables ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _schema(self, name: str) -> str:
        return re.sub(r"\W+", "_", f"bench_{name}").lower()

    def _table(self, name: str) -> str:
        # Peers take no schema; the folder's name is our table's.
        return f"{self._schema(name)}.bench" if name in self.case.ours else self._schema(name)

    def _drop(self, name: str) -> None:
        if name in self.case.ours:
            self.server.ask(f"DROP SCHEMA IF EXISTS {self._schema(name)} CASCADE")
        elif name == FLOOR:
            self.server.ask(f"TRUNCATE {self._table(name)}")
        else:
            self.server.ask(f"DROP TABLE IF EXISTS {self._table(name)}")

    def _do(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> str:
        """Run what is not measured; return why it failed, if it did."""
        return measure(command, {**self._environment, **(more or {})}).failed

    def _export(self) -> None:
        """Load once, to warm up; keep the rows as CSV, and an empty table like ours, for the floor."""
        name = next(iter(self.case.ours))
        self._drop(name)
        failed = self._do(self._command(name))
        if failed:
            raise RuntimeError(f"{name}: {failed}")
        table, floor = self._table(name), self._table(FLOOR)
        self.server.ask(f"DROP TABLE IF EXISTS {floor}")
        self.server.ask(f"CREATE TABLE {floor} (LIKE {table})")
        self.server.ask(rf"\copy {table} TO '{self._rows}' WITH (FORMAT csv)")

    def _fill(self, name: str, notes: dict[str, str]) -> None:
        """Give a contestant a table of its own making with as many rows as the case wants there before."""
        write_workbook(self._seed, _SEED_ROWS, seed=99)
        table = self._table(name)
        self._drop(name)
        if name == FLOOR:
            self.server.ask(
                f"INSERT INTO {table} SELECT * FROM {self._table(next(iter(self.case.ours)))} LIMIT {_SEED_ROWS}"
            )
        elif name in self.case.ours:
            folder = self._seed.parent / "seed" / "bench"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / self._seed.name).write_bytes(self._seed.read_bytes())
            if failed := self._do([*self._command(name), "--data-root", str(folder.parent)]):
                raise RuntimeError(f"{name}: {failed}")
        elif failed := self._do(self._command(name, files=[self._seed])):
            notes[name] = _reason(failed)
            return
        # Whatever its columns are, these are rows that it could have loaded.
        more = scaled(self.case.rows_before, self.scale) // _SEED_ROWS - 1
        self.server.ask(f"INSERT INTO {table} SELECT b.* FROM {table} b, generate_series(1, {more})")
        self.server.ask(f"VACUUM (FREEZE, ANALYZE) {table}")

    def _take_back(self, name: str, moment: int, rows: int) -> None:
        """Delete the rows of a run: those of transactions since ``moment``; nothing is measured meanwhile."""
        table = self._table(name)
        if name in self.case.ours:
            # Undone by our own means, so that the history records it and the next run loads the file again.
            command = [sys.executable, "-m", "pgdatahub", "revert", "--source-file", str(self._workbooks[0]), "--yes"]
            if failed := self._do([*command, "--schema", self._schema(name)], {"ETL_DATA_ROOT": str(self._root)}):
                raise RuntimeError(f"{name}: {failed}")
        else:
            self.server.ask(f"DELETE FROM {table} WHERE xmin::text::bigint >= {moment}")
        self.server.ask(f"VACUUM {table}")
        left = self.server.number(f"SELECT count(*) FROM {table}")
        if left != scaled(self.case.rows_before, self.scale):
            raise RuntimeError(f"{name}: {rows:,} rows came, and {left:,} were left without them")


_MODULE_OF: Final = """
import runpy, sys
sys.path[0] = sys.argv.pop(1)
runpy.run_module("pgdatahub", run_name="__main__", alter_sys=True)
"""
"""A program that runs the package of a checkout, its first argument."""


def _reason(output: str) -> str:
    """Return the last line of what a peer said, on one line of a Markdown table."""
    lines = output.strip().splitlines() or ["it said nothing"]
    return lines[-1].replace("|", "/")[:200]
