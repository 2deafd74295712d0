"""Where a file's encoded rows wait for their transaction: memory up to a limit, then a file without a name."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from types import TracebackType

from pgdatahub.model import EncodedBatch

MEMORY_BYTES = 32 * 2**20
"""Rows of up to this many bytes never touch the disk; the rest goes to the system's temporary directory (TMPDIR)."""


class Spool:
    """Encoded batches that can be read again as often as a transaction is tried.

    The file beyond the limit is unlinked at birth where the system can do that, so a killed process leaves none.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._file = SpooledTemporaryFile(max_size=memory_bytes, prefix="pgdatahub-")  # noqa: SIM115 - see close
        self._batches = 0

    def append(self, batch: EncodedBatch) -> None:
        """Add a batch at the end."""
        pickle.dump(batch, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._batches += 1

    def __iter__(self) -> Iterator[EncodedBatch]:
        """Yield the batches from the first on."""
        self._file.seek(0)
        for _ in range(self._batches):
            yield pickle.load(self._file)  # noqa: S301 - what this process wrote into a file that nobody else can open

    def close(self) -> None:
        """Forget the batches."""
        self._file.close()

    def __enter__(self) -> Spool:
        """Return the spool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget the batches."""
        self.close()
