"""The handle of a reading process: requests, answers, the end; every failure in the process becomes one error."""

from __future__ import annotations

import contextlib
import marshal
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast

from pgdatahub.errors import CorruptError, EncryptedError, FileChangedError, ReadError
from pgdatahub.system.processes import bare_environment

_ENCRYPTED: Final[Mapping[str, str]] = {
    "password": "the workbook is protected by a password",
    "no library": "the workbook is protected by a password",
    "unsupported encryption": "the workbook is protected by a password, in a way that cannot be opened",
}
_SERVE = str(Path(__file__).with_name("serve.py"))
_LENGTH = struct.Struct(">Q")
_MAX_ANSWER = 1 << 30
_SAVE_AS_XLSX = "save it as .xlsx, which is read piece by piece"


class ReadingProcess:
    """A process that reads one file.

    The process starts with the variables of the environment that programs need to start and no others, so that no password
    comes near a file that may be made to harm, and in a session of its own, so that Ctrl-C reaches it through its parent.

    Args:
        program: The name of the module that answers; it has ``Reader`` and ``describe``, and imports little.
        memory: Bytes of address space that the process may take.
        patience: Seconds that an answer may take.
        processor: Seconds of processor time that the process may take; 0 for no limit.
        hints: Advice by the kind of failure.
    """

    def __init__(
        self, program: str, *, memory: int, patience: float, processor: int = 0, hints: Mapping[str, str] | None = None
    ) -> None:
        self._memory = memory
        self._patience = patience
        self._processor = processor
        self._hints = hints or {}
        self._late = False
        self._closed = False
        self._stderr = TemporaryFile()  # noqa: SIM115 - closed with the process
        command = [sys.executable, "-I", "-S", "-X", "utf8", _SERVE, str(memory), str(processor), program]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a program of this package
                # Isolated: neither the working directory nor the environment decides what is imported.
                [*command, *filter(None, sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=bare_environment() | {"RUST_BACKTRACE": "0"},
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise ReadError(f"the process that reads it cannot be started: {error.strerror}") from error
        self._requests = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, verb: str, *arguments: str | int | bool | bytes | list[str]) -> Any:
        """Send a request and return its answer.

        Raises:
            ReadError: See :meth:`answer`.
        """
        self.send(verb, *arguments)
        return self.answer()

    def send(self, verb: str, *arguments: str | int | bool | bytes | list[str]) -> None:
        """Send a request; its answer must be taken before the next."""
        payload = marshal.dumps((verb, *arguments))
        # A process that has died says why when it is asked for the answer; so does one that was ended.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._requests.write(_LENGTH.pack(len(payload)) + payload)
            self._requests.flush()

    def answer(self) -> Any:
        """Wait for the answer.

        Raises:
            EncryptedError: The workbook is protected by a password.
            FileChangedError: The file is not there any more.
            CorruptError: Anything else: the file is damaged, or takes too much memory or time. The process is gone.
        """
        if self._closed:
            raise ReadError("the workbook is closed")
        watchdog = threading.Timer(self._patience, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            payload = self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0])
            # Plain data: nothing is looked up or called, whatever the bytes say.
            outcome, content = marshal.loads(payload)  # noqa: S302 - see above
        except (EOFError, ValueError, TypeError) as error:
            raise self._death() from error
        finally:
            watchdog.cancel()
        if outcome == "ok":
            return content
        self.close()
        raise self._error(*content)

    def close(self) -> None:
        """End the process, whatever it does; may be called twice."""
        self._closed = True
        self._process.kill()
        self._process.wait()
        # What was not sent yet cannot be sent any more.
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()
        self._stderr.close()

    def _read(self, size: int) -> bytes:
        if size > _MAX_ANSWER:
            raise ValueError(size)
        data = self._answers.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()

    def _death(self) -> ReadError:
        """End the process and return why it gave no answer that makes sense."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        code = self._process.poll()
        self._stderr.seek(0)
        said = self._stderr.read(1 << 16)
        self.close()
        if self._late:
            return CorruptError(
                f"reading it made no progress for {self._patience:,.0f} seconds",
                hint="it may be made to harm; if it is genuine, save it as .xlsx",
            )
        if code == -getattr(signal, "SIGXCPU", 24):
            return CorruptError(
                f"reading it takes more than {self._processor:,} seconds of processor time",
                hint="it may be made to harm; if it is genuine, save it as .xlsx",
            )
        if b"memory allocation" in said or b"MemoryError" in said or code == -getattr(signal, "SIGKILL", 9):
            return self._out_of_memory()
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return CorruptError(f"the workbook is damaged: reading it crashed ({how})")

    def _out_of_memory(self) -> ReadError:
        return CorruptError(
            f"reading it takes more than {self._memory / (1 << 20):,.0f} MiB of memory", hint=_SAVE_AS_XLSX
        )

    def _error(self, kind: str, text: str) -> ReadError:
        if kind in _ENCRYPTED:
            return EncryptedError(_ENCRYPTED[kind], hint=self._hints.get(kind, "save a copy without a password"))
        if kind == "gone":
            return FileChangedError("the file is not there any more")
        if kind == "memory":
            return self._out_of_memory()
        text = " ".join("".join(map(_printable, text)).split())[:200]
        return CorruptError(f"the workbook is damaged: {text}" if text else "the workbook is damaged")


def _printable(character: str) -> str:
    return character if character.isprintable() else " "
