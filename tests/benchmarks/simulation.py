"""A simulation of a first run over 100,000 files and 1,000 tables with N workers: files a second, and what is busy.

    python -m tests.benchmarks.simulation [--files 100000] [--tables 1000] [--server-cores 16] [--rows 100]

Each file passes these stations, whose times are measured on one machine (:class:`Costs`): the run's own process hands it out; a worker
reads it; its transaction waits for the table, needs the server's processors, and is flushed to the disk with all others that wait for a
flush; the run's own process takes the result. A station that is busy for all of the time is the limit, whatever else is added.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MANY_WORKERS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Measured costs in milliseconds, of files of 20 columns.

    Attributes:
        dispatch: The run's own process, for each file: hand out, result, counts. Its processor time of 600 files with two workers.
        read_file: A worker's processor time for a file without rows: docs/benchmarks.md, 1,000 files of 100 rows, less its rows.
        read_row: A worker's processor time for a row: docs/benchmarks.md, a million rows.
        server_file: The server's processor time for a file: its statements, its rows of the history, its commit.
        server_row: The server's processor time for a row.
        round_trips: Network time of a transaction's five round trips.
        flush: A flush of the log to the disk; all transactions that wait share one.
    """

    dispatch: float = 1.1
    read_file: float = 8.1
    read_row: float = 0.0038
    server_file: float = 4.0
    server_row: float = 0.0018
    round_trips: float = 2.5
    flush: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Files, tables and machines.

    Attributes:
        files: Number of files.
        tables: Number of tables.
        rows: Rows of a file.
        share: The part of the files that go to one table; the others are spread evenly.
        server_cores: Processors of the server.
    """

    files: int = 100_000
    tables: int = 1_000
    rows: int = 100
    share: float = 0.0
    server_cores: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of a simulation.

    Attributes:
        seconds: Time of the run.
        busy: Station → the part of the time for which it was busy; that of the busiest table for tables.
    """

    seconds: float
    busy: dict[str, float]

    @property
    def limit(self) -> str:
        """The busiest station that serves one after the other; a flush serves all that wait."""
        return max(self.busy.keys() - {"flushes"}, key=lambda name: self.busy[name])


class Station:
    """Identical servers before which work waits in a queue."""

    def __init__(self, clock: Clock, servers: int) -> None:
        self._clock = clock
        self._free = servers
        self._servers = servers
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self.worked = 0.0

    def serve(self, cost: float, then: Callable[[], None]) -> None:
        """Work for a time when a server is free, then go on."""
        self._waiting.append((cost, then))
        self._start()

    def busy(self, total: float) -> float:
        """Return the part of the time for which the servers worked."""
        return self.worked / (total * self._servers)

    def _start(self) -> None:
        while self._free and self._waiting:
            cost, then = self._waiting.popleft()
            self._free -= 1
            self.worked += cost

            def done(then: Callable[[], None] = then) -> None:
                self._free += 1
                then()
                self._start()

            self._clock.after(cost, done)


class Clock:
    """Simulated time: calls in the order of their moments."""

    def __init__(self) -> None:
        self.now = 0.0
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def after(self, delay: float, call: Callable[[], None]) -> None:
        """Call a function after a delay."""
        self._number += 1
        heapq.heappush(self._calls, (self.now + delay, self._number, call))

    def run(self) -> None:
        """Call all functions."""
        while self._calls:
            self.now, _, call = heapq.heappop(self._calls)
            call()


class Flushes:
    """Flushes of the log, one at a time, each for all transactions that wait when it begins."""

    def __init__(self, clock: Clock, cost: float) -> None:
        self._clock = clock
        self._cost = cost
        self._waiting: list[Callable[[], None]] = []
        self._running = False
        self.worked = 0.0

    def flush(self, then: Callable[[], None]) -> None:
        """Go on when a flush that begins from now on has ended."""
        self._waiting.append(then)
        if not self._running:
            self._begin()

    def _begin(self) -> None:
        served, self._waiting, self._running = self._waiting, [], True
        self.worked += self._cost

        def done() -> None:
            self._running = False
            for then in served:
                then()
            if self._waiting and not self._running:
                self._begin()

        self._clock.after(self._cost, done)


def simulate(load: Load, workers: int, costs: Costs | None = None) -> Outcome:
    """Return the time of a run, and the busy part of each station."""
    costs = costs or Costs()
    chance = random.Random(1)  # noqa: S311 - the same files in every simulation
    targets = [0 if chance.random() < load.share else chance.randrange(load.tables) for _ in range(load.files)]
    clock = Clock()
    coordinator, server = Station(clock, 1), Station(clock, load.server_cores)
    readers = Station(clock, workers)
    flushes = Flushes(clock, costs.flush)
    held: dict[int, float] = {}
    waiting: dict[int, deque[Callable[[], None]]] = {}
    files = iter(targets)

    def take(table: int, then: Callable[[], None]) -> None:
        if table in waiting:
            waiting[table].append(then)
        else:
            waiting[table] = deque()
            then()

    def release(table: int) -> None:
        if waiting[table]:
            waiting[table].popleft()()
        else:
            del waiting[table]

    def next_file() -> None:
        table = next(files, None)
        if table is None:
            return
        coordinator.serve(costs.dispatch, lambda: read(table))

    def read(table: int) -> None:
        readers.serve(costs.read_file + costs.read_row * load.rows, lambda: take(table, lambda: load_rows(table)))

    def load_rows(table: int) -> None:
        began = clock.now
        cost = costs.server_file + costs.server_row * load.rows

        def done() -> None:
            held[table] = held.get(table, 0.0) + clock.now - began
            release(table)
            next_file()  # the worker is free

        clock.after(costs.round_trips, lambda: server.serve(cost, lambda: flushes.flush(done)))

    for _ in range(workers):
        next_file()
    clock.run()
    total = clock.now
    return Outcome(
        seconds=total / 1000,
        busy={
            "the run's own process": coordinator.busy(total),
            "workers": readers.busy(total),
            "the server's processors": server.busy(total),
            "flushes": flushes.worked / total,
            "the busiest table": max(held.values(), default=0.0) / total,
        },
    )


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Load()
    for name in ("files", "tables", "rows", "server_cores"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    parser.add_argument("--share", type=float, default=0.0, help="the part of the files that go to one table")
    load = Load(**vars(parser.parse_args()))
    print(load)
    for workers in MANY_WORKERS:
        outcome = simulate(load, workers)
        busy = ", ".join(f"{name} {part:.0%}" for name, part in outcome.busy.items())
        print(f"{workers:4} workers: {outcome.seconds:7.0f} s, {load.files / outcome.seconds:6.0f} files/s; {busy}")


if __name__ == "__main__":
    main()
