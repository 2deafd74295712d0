"""Child processes: one protocol for the workers of a run and for processes that read one untrusted file.

:mod:`pgdatahub.system.child_main` is the child's side. The rules:

- **Start.** A new interpreter runs ``serve(channel)`` of a module. It imports from this process's import path, not from the
  working directory, and never the caller's main module. Ctrl-C in a terminal reaches only the parent.
- **Messages.** Bytes on standard input and output, each after its length; other output goes to standard error. Workers exchange
  pickles. A process that reads an untrusted file exchanges ``marshal`` data, because reading a pickle can run code.
- **Death.** The kernel closes a dead process's pipes, also after ``kill -9``. So the parent learns of a child's death at once,
  and a child exits when its parent is dead, even while it is busy.
- **Heartbeat.** A child that is silent for its ``timeout`` is killed. A worker may wait for a lock for hours, so it sends
  ten beats in that time, and only a frozen worker is silent. A confined process sends no beats, so one that hangs is killed.
- **Limits.** A confined process has limits of memory, processor time and the size of files. A worker has none: batches and
  spool bound its memory, and confined processes read untrusted formats for it. No child writes a core dump.
- **Secrets.** Pipes carry them, never arguments or files. A confined process gets the variables of the environment that
  programs need to start, and no others.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, cast

_LENGTH: Final = struct.Struct(">Q")
_MAX_MESSAGE: Final = 1 << 30
_MAIN: Final = str(Path(__file__).with_name("child_main.py"))
_STDERR_BYTES: Final = 1 << 20
_TICKS: Final = 10
"""Heartbeats in the longest silence."""
_EXIT_SECONDS: Final = 5
"""Time that a process without output has to exit."""
_KEPT_VARIABLES: Final = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """End of a process.

    Attributes:
        code: Exit code, negative for a signal; None if the process was alive but sent no valid message.
        silent: The process was killed because it was silent for too long.
        output: End of a confined process's standard error.
    """

    code: int | None
    silent: bool
    output: bytes

    def __str__(self) -> str:
        if self.silent:
            return "no sign of life"
        if self.code is None:
            return "no valid message"
        return signal.Signals(-self.code).name if self.code < 0 else f"exit code {self.code}"


class ChildProcess:
    """A process that runs ``serve`` of a module; see the module's rules.

    Args:
        module: Name of the module.
        arguments: More arguments of ``serve``, which other users of the machine can see.
        timeout: Seconds after which a silent process is killed.
        confined: Limits of a process that reads an untrusted file, by their names in :mod:`resource`; None for a worker.

    Raises:
        OSError: The system cannot start a process.
    """

    def __init__(self, module: str, *arguments: str, timeout: float, confined: Mapping[str, int] | None = None) -> None:
        self._timeout = timeout
        self._silent = False
        self._stderr = TemporaryFile() if confined else None  # noqa: SIM115 - closed with the process
        # A confined process starts faster without site, whose paths are in the import path already.
        options = ["-S"] if confined else []
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a program of this package
                [sys.executable, "-I", *options, "-X", "utf8", _MAIN, module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=_bare_environment() if confined else None,
                start_new_session=True,
                # The same on Windows, where the line above has no effect.
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError:
            self._close_files()
            raise
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._messages = cast("IO[bytes]", self._process.stdout)
        path = [place for place in sys.path if place or not confined]
        limits = {"RLIMIT_CORE": 0, **({"RLIMIT_FSIZE": _STDERR_BYTES, **confined} if confined else {})}
        self.send(marshal.dumps((path, limits, 0.0 if confined else timeout / _TICKS)))

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    def send(self, message: bytes) -> None:
        """Send a message; :meth:`receive` reveals a dead process."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._requests.write(_LENGTH.pack(len(message)) + message)
            self._requests.flush()

    def receive(self) -> bytes:
        """Wait for a message.

        Raises:
            EOFError: There is none, and :meth:`death` has the cause.
        """
        message = b""
        while not message:
            arrived = threading.Event()
            threading.Thread(target=self._watch, args=(arrived,), daemon=True).start()
            try:
                message = self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0])
            finally:
                arrived.set()
        return message

    def death(self) -> Death:
        """End the process after :meth:`receive` failed or gave nonsense, and return the cause."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_SECONDS)
        code, output = self._process.poll(), b""
        if self._stderr is not None and not self._stderr.closed:
            self._stderr.seek(0)
            output = self._stderr.read(1 << 16)
        self.close()
        return Death(code=code, silent=self._silent, output=output)

    def kill(self) -> None:
        """Kill the process, without waiting for its end."""
        self._process.kill()

    def close(self, *, goodbye: float = 0) -> None:
        """End the process, and wait until it has exited; a second call has no effect.

        Args:
            goodbye: Seconds that an idle process may take to exit by itself.
        """
        if goodbye:
            self.send(b"")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(goodbye)
        self._process.kill()
        self._process.wait()
        self._close_files(self._requests, self._messages)

    def _close_files(self, *files: IO[bytes]) -> None:
        for file in (*files, self._stderr):
            # An unsent message cannot be sent any more.
            with contextlib.suppress(BrokenPipeError):
                if file is not None:
                    file.close()

    def _read(self, size: int) -> bytes:
        if size > _MAX_MESSAGE or len(data := self._messages.read(size)) < size:
            raise EOFError
        return data

    def _watch(self, arrived: threading.Event) -> None:
        # In ticks: the time that this process was stopped itself (Ctrl-Z) counts as one tick at most.
        if not any(arrived.wait(self._timeout / _TICKS) for _ in range(_TICKS)):
            self._silent = True
            self._process.kill()


def _bare_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.upper() in _KEPT_VARIABLES}
    return kept | {"RUST_BACKTRACE": "0"}
