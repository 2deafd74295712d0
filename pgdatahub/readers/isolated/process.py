"""The handle of a reading process: its file, requests, answers, and one error for every failure in the process."""

from __future__ import annotations

import marshal
import os
import shutil
import signal
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from pgdatahub.errors import CorruptError, EncryptedError, FileChangedError, FileError, ReadError
from pgdatahub.readers.advice import ASK_SENDER
from pgdatahub.system.child_process import ChildProcess, Death
from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile

_ENCRYPTED: Final[Mapping[str, str]] = {
    "password": "the workbook is protected by a password",
    "no library": "the workbook is protected by a password",
    "unsupported encryption": "the workbook is protected by a password, in a way that cannot be opened",
}
_NO_MEMORY: Final = (b"memory allocation", b"MemoryError", b"Cannot allocate memory", b"failed to map segment")
"""Messages of Rust, Python, the system and the loader of extension modules when memory runs out."""
_SERVE: Final = "pgdatahub.readers.isolated.serve"
_GENUINE: Final = "it may be made to harm; if it is genuine, save it as .xlsx"


class ReadingProcess:
    """A confined process that reads one file.

    Args:
        program: Name of the module that answers; it has ``Reader`` and ``describe``, and imports little.
        memory: Bytes of address space that the process may take.
        timeout: Seconds that an answer may take.
        processor: Seconds of processor time that the process may take; 0 for no limit.
        hints: Advice by the kind of failure.
    """

    def __init__(
        self, program: str, *, memory: int, timeout: float, processor: int = 0, hints: Mapping[str, str] | None = None
    ) -> None:
        self._timeout = timeout
        self._memory = memory
        self._processor = processor
        self._hints = hints or {}
        self._closed = False
        limits = {"RLIMIT_AS": memory, **({"RLIMIT_CPU": processor} if processor else {})}
        try:
            self._process = ChildProcess(_SERVE, program, timeout=timeout, confined=limits)
        except OSError as error:
            raise ReadError(f"the process that reads it cannot be started: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    def ask(self, verb: str, *arguments: str | int | bool | bytes | list[str]) -> Any:
        """Send a request and return its answer.

        Raises:
            ReadError: See :meth:`answer`.
        """
        self.send(verb, *arguments)
        return self.answer()

    def send(self, verb: str, *arguments: str | int | bool | bytes | list[str]) -> None:
        """Send a request."""
        self._process.send(marshal.dumps((verb, *arguments)))

    def answer(self) -> Any:
        """Wait for the answer.

        Raises:
            EncryptedError: The workbook is protected by a password.
            FileChangedError: The file is gone.
            CorruptError: The file is damaged, or takes too much memory or time. The process has ended.
        """
        if self._closed:
            raise ReadError("the workbook is closed")
        try:
            # Plain data: reading it neither looks up nor calls anything.
            outcome, content = marshal.loads(self._process.receive())  # noqa: S302 - see above
        except (EOFError, ValueError, TypeError) as error:
            self._closed = True
            raise self._died(self._process.death()) from error
        if outcome == "ok":
            return content
        self.close()
        raise self._failed(*content)

    def answers(self, verb: str, *arguments: int) -> Generator[Any, None, None]:
        """Yield the answers to a repeated request until one is None; the process prepares the next meanwhile.

        Raises:
            ReadError: See :meth:`answer`.
        """
        self.send(verb, *arguments)
        while (answer := self.answer()) is not None:
            self.send(verb, *arguments)
            try:
                yield answer
            except GeneratorExit:
                # The caller stopped early: the next request would otherwise receive the pending answer.
                with suppress(FileError):
                    self.answer()
                raise

    def close(self) -> None:
        """End the process; a second call has no effect."""
        self._closed = True
        self._process.close()

    def _died(self, death: Death) -> ReadError:
        if death.silent:
            return CorruptError(f"reading it made no progress for {self._timeout:,.0f} seconds", hint=_GENUINE)
        if death.code == -getattr(signal, "SIGXCPU", 24):
            seconds = f"{self._processor:,} seconds"
            return CorruptError(f"reading it takes more than {seconds} of processor time", hint=_GENUINE)
        no_memory = any(sign in death.output for sign in _NO_MEMORY)
        if no_memory or death.code == -getattr(signal, "SIGKILL", 9):
            return self._out_of_memory()
        return CorruptError(f"the workbook is damaged: reading it crashed ({death})", hint=ASK_SENDER)

    def _out_of_memory(self) -> ReadError:
        mebibytes = f"{self._memory / (1 << 20):,.0f} MiB"
        return CorruptError(
            f"reading it takes more than {mebibytes} of memory", hint="save it as .xlsx, which is read piece by piece"
        )

    def _failed(self, kind: str, text: str) -> ReadError:
        if kind in _ENCRYPTED:
            return EncryptedError(_ENCRYPTED[kind], hint=self._hints.get(kind, "save a copy without a password"))
        if kind == "gone":
            return FileChangedError("the file is not there any more")
        if kind == "memory":
            return self._out_of_memory()
        printable = "".join(character if character.isprintable() else " " for character in text)
        text = " ".join(printable.split())[:200]
        return CorruptError(f"the workbook is damaged: {text}" if text else "the workbook is damaged", hint=ASK_SENDER)


@contextmanager
def local_path(source: SourceFile, *, suffix: str = "") -> Iterator[str]:
    """Yield a path to the file; a file at a URL is copied to this machine for the time.

    Args:
        source: The file.
        suffix: Ending that the path must have, because a library chooses the format by it.
    """
    is_local = not is_url(source.location)
    if is_local and source.location.endswith(suffix):
        yield source.location
        return
    with TemporaryDirectory(prefix="pgdatahub-") as folder:
        path = Path(folder, f"workbook{suffix}")
        try:
            if not is_local:
                raise OSError("no file to link to")
            path.symlink_to(source.location)
        except OSError:  # Windows allows few users to create links
            with source.open() as file, path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        yield os.fspath(path)
