"""Buffer for encoded rows that wait for their transaction: memory up to a limit, then a file without a name."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile, gettempdir
from types import TracebackType
from typing import Any

from pgdatahub.errors import SpoolError
from pgdatahub.model.batches import ColumnBatch
from pgdatahub.system import failpoints

MEMORY_BYTES = 8 * 2**20
"""Rows of up to this many bytes never touch the disk; the rest goes to the system's temporary directory (TMPDIR)."""


class SpoolFile:
    """The file that the spools of one transaction share, so that a folder of files takes one file handle.

    Beyond the limit the file is on disk. It is unlinked at creation on systems that can do so; other systems delete it
    themselves. So a killed process leaves no file.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._file = SpooledTemporaryFile(max_size=memory_bytes, prefix="pgdatahub-")  # noqa: SIM115 - see close

    def append(self, batch: object) -> int:
        """Add a batch at the end; return its offset.

        Raises:
            SpoolError: The disk has no space for it.
        """
        try:
            failpoints.reach("spooling")
            start = self._file.seek(0, os.SEEK_END)
            pickle.dump(batch, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            # A write that stays in the buffer would fail later, where no caller expects the error.
            self._file.flush()
        except OSError as error:
            raise SpoolError(
                f"rows cannot be kept until they are loaded: {error.strerror or error}",
                where=gettempdir(),
                hint="make space there, or set TMPDIR to a folder that has more",
            ) from error
        return start

    def read(self, start: int) -> Any:
        """Return the batch at offset ``start``."""
        self._file.seek(start)
        return pickle.load(self._file)  # noqa: S301 - only this process writes and opens the file

    def close(self) -> None:
        """Discard all batches."""
        self._file.close()

    def __enter__(self) -> SpoolFile:
        """Return the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Discard all batches."""
        self.close()


class Spool:
    """The encoded batches of one file, which every retry of a transaction can read again.

    Args:
        file: The file that holds them.

    Attributes:
        bytes: The size of the COPY text so far, without separators of fields.
    """

    def __init__(self, file: SpoolFile) -> None:
        self.bytes = 0
        self._file = file
        self._starts: list[int] = []

    def append(self, batch: ColumnBatch) -> None:
        """Add a batch at the end.

        Raises:
            SpoolError: The disk has no space for it.
        """
        self._starts.append(self._file.append(batch))
        self.bytes += batch.size

    @property
    def file(self) -> SpoolFile:
        """The file that holds them."""
        return self._file

    def another(self) -> Spool:
        """Return an empty spool in the same file."""
        return Spool(self._file)

    def clear(self) -> None:
        """Forget all batches; their space is free when the file is closed."""
        self._starts.clear()
        self.bytes = 0

    def __iter__(self) -> Iterator[ColumnBatch]:
        """Yield the batches from the first."""
        return map(self._file.read, self._starts)
