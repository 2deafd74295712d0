"""Time and memory of a process with all its children, from outside."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SAMPLE_SECONDS = 0.05
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run of a command.

    Attributes:
        wall: Seconds from start to end, process start included.
        cpu: Seconds of processor time of the command and its children; a server's share is not in it.
        peak: Bytes of the largest sum of proportional set sizes over the command and its children.
        server: Seconds of processor time of the server in the meantime; filled in by the caller that knows the server.
        failed: What it said, if it did not exit with 0.
    """

    wall: float
    cpu: float
    peak: int
    server: float = 0.0
    failed: str = ""

    @property
    def total(self) -> float:
        """Seconds of processor time of the command and the server."""
        return self.cpu + self.server


def measure(
    command: Sequence[str], environment: Mapping[str, str] | None = None, directory: Path | None = None
) -> Measurement:
    """Run a command once, in a directory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    watcher = _Watcher(process.pid)
    watcher.start()
    output, _ = process.communicate()
    wall = time.perf_counter() - began
    watcher.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    failed = output.decode(errors="replace").strip()[-500:] if process.returncode else ""
    return Measurement(wall=wall, cpu=cpu, peak=watcher.peak, failed=failed)


def medians(measurements: Sequence[Measurement]) -> Measurement:
    """Return the median of each figure."""
    return Measurement(
        wall=median(found.wall for found in measurements),
        cpu=median(found.cpu for found in measurements),
        peak=int(median(found.peak for found in measurements)),
        server=median(found.server for found in measurements),
    )


class _Watcher(threading.Thread):
    """Samples the memory of a process and all below it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._ended = threading.Event()
        self._most_resident = 0
        self.peak = 0

    def run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            family = _family(self._pid)
            resident = sum(map(_resident_set, family))
            # To tell what is shared takes the system milliseconds for a large process, which may have to wait meanwhile,
            # and a processor that it may need: up to a twentieth of its time. So only where there is something new.
            if resident > self._most_resident:
                self._most_resident = resident
                self.peak = max(self.peak, sum(map(_proportional_set, family)))

    def stop(self) -> None:
        self._ended.set()
        self.join()


def _family(pid: int) -> list[int]:
    family = [pid]
    for member in family:
        try:
            for task in Path(f"/proc/{member}/task").iterdir():
                family += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return family


def _resident_set(pid: int) -> int:
    """Return a process's memory in bytes, with what it shares with others as if it were its own."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def _proportional_set(pid: int) -> int:
    """Return a process's memory in bytes, with what it shares with others divided among them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
