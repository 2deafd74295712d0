"""Processes beside this one that match pieces of a large sheet, and the memory that they share with it.

Pieces and answers lie in that memory and only say where through pipes: this process is busy with other things and could
not keep large pipes moving, and a thread that did would wait for the interpreter's lock after each of their 64 KiB.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import select
import subprocess
from collections import deque
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Final, cast

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.fast_lane import Matched
from pgdatahub.readers.xlsx.matching_process import LENGTH, Request, Setup, read_answer
from pgdatahub.readers.xlsx.shapes import Shape
from pgdatahub.system.processes import bare_environment, import_path, serving_command

PIECES_EACH: Final = 6
"""Pieces that a process has in hand: it must not run out of them while this one works on a batch of ten thousand rows."""


class MatchingPool:
    """Processes that match pieces.

    Args:
        size: How many.
        date1904: The workbook's date system.
        limits: How much the file may ask.
        piece_bytes: What a piece has as a rule.

    Raises:
        OSError: The system has no process or no memory to give.
    """

    def __init__(self, size: int, *, date1904: bool, limits: Limits, piece_bytes: int) -> None:
        self._room = 2 * piece_bytes
        self._processes: list[_Process] = []
        try:
            for _ in range(size):
                self._processes.append(_Process(self._room, date1904=date1904, limits=limits))
        except OSError:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """How many pieces all processes together have in hand at most."""
        return PIECES_EACH * len(self._processes)

    @property
    def free(self) -> bool:
        """A process can take another piece."""
        return any(process.places for process in self._processes)

    def give(self, shape: Shape, piece: bytes) -> Given | None:
        """Give a piece to the process with the least in hand; None if nobody can take it."""
        if len(piece) > self._room:
            return None
        process = max(self._processes, key=lambda process: len(process.places))
        return process.give(shape, piece)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for process in self._processes:
            process.close()


@dataclass(frozen=True, slots=True)
class Given:
    """A piece that a process has in hand. The pieces of a process must be taken back in the order they were given."""

    process: _Process
    place: int

    @property
    def ready(self) -> bool:
        """The answer is there, or will never be."""
        return self.process.ready

    def take(self) -> Matched | None:
        """Wait for the answer; None if the piece is still to be matched, by whatever means."""
        return self.process.take(self.place)


class _Process:
    """One process, and its places in the memory that it shares."""

    def __init__(self, room: int, *, date1904: bool, limits: Limits) -> None:
        self.places = deque(range(PIECES_EACH))
        self._room = room
        self._shape: Shape | None = None
        with _memory_file(room * PIECES_EACH) as file:
            self._memory = mmap.mmap(file.fileno(), 0)
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                serving_command("pgdatahub.readers.xlsx.matching_process", "-S"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Whatever is wrong with it, this process comes upon it again and says so.
                stderr=subprocess.DEVNULL,
                pass_fds=(file.fileno(),),
                env=bare_environment(),
                # Ctrl-C in a terminal reaches it through this process alone.
                start_new_session=True,
            )
            self._requests = cast("IO[bytes]", self._process.stdin)
            self._answers = cast("IO[bytes]", self._process.stdout)
            self._arrivals = select.poll()
            self._arrivals.register(self._answers, select.POLLIN)
            self._send(import_path())
            setup = Setup(descriptor=file.fileno(), room=room, date1904=date1904, limits=limits)
            self._send(pickle.dumps(setup))

    def give(self, shape: Shape, piece: bytes) -> Given | None:
        if not self.places:
            return None
        place = self.places.popleft()
        start = place * self._room
        self._memory[start : start + len(piece)] = piece
        news = shape if shape is not self._shape else None
        self._shape = shape
        self._send(pickle.dumps(Request(start=start, length=len(piece), shape=news)))
        return Given(self, place)

    @property
    def ready(self) -> bool:
        return bool(self._arrivals.poll(0))

    def take(self, place: int) -> Matched | None:
        length = os.read(self._answers.fileno(), LENGTH.size)
        if len(length) < LENGTH.size:
            self.places.clear()  # it has died, and gets no more
            return None
        start = place * self._room
        size: int = LENGTH.unpack(length)[0]
        answer = self._memory[start : start + size]
        self.places.append(place)
        return read_answer(answer) if answer else None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()
        self._memory.close()

    def _send(self, message: bytes) -> None:
        # A process that has died is found out when it is asked for the answer.
        with contextlib.suppress(BrokenPipeError):
            self._requests.write(message)
            self._requests.flush()


def _memory_file(size: int) -> IO[bytes]:
    """Return a file without a name, in memory where the system has such files."""
    file: IO[bytes]
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("pgdatahub", os.MFD_CLOEXEC), "w+b")
    else:
        file = cast("IO[bytes]", TemporaryFile(prefix="pgdatahub-"))  # noqa: SIM115 - the caller closes it
    file.truncate(size)
    return file


def can_match_apart() -> bool:
    """Tell whether this system hands open files to other processes, and can wait for them."""
    return os.name == "posix" and hasattr(select, "poll")
