"""Tables of shared strings, as fields of ``COPY``: in memory up to a limit, then on disk."""

from __future__ import annotations

import mmap
import tempfile
from array import array
from collections.abc import Callable, Sequence
from typing import Protocol

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.cell_text import copy_texts

_LONG = 1024
_LONG_BYTES = 32 * 1024 * 1024


class IndexSet(Protocol):
    """Indexes of strings."""

    def __len__(self) -> int:
        """Return the number of indexes."""

    def __contains__(self, index: object, /) -> bool:
        """Return whether the set has an index."""


class StringTable(Protocol):
    """Shared strings by index, as fields of ``COPY``."""

    def __len__(self) -> int:
        """Return the number of strings."""

    @property
    def lookup(self) -> Callable[[int], bytes]:
        """The function that returns the string of an index and raises IndexError beyond the last index."""

    @property
    def cleaned(self) -> IndexSet:
        """Indexes of strings from which characters were removed that PostgreSQL cannot store."""

    def close(self) -> None:
        """Free the memory and the temporary file."""


class LongStrings:
    """Strings from a function that copies them; cells of one long string get the same object.

    Args:
        get: The function: index → string.
    """

    def __init__(self, get: Callable[[int], bytes]) -> None:
        self._get = get
        self._known: dict[int, bytes] = {}
        self._bytes = 0

    def __call__(self, index: int) -> bytes:
        """Return the string of an index."""
        found = self._known.get(index)
        if found is None:
            found = self._get(index)
            if len(found) > _LONG:
                if self._bytes > _LONG_BYTES:
                    self.clear()
                self._known[index] = found
                self._bytes += len(found)
        return found

    def clear(self) -> None:
        """Forget the strings."""
        self._known.clear()
        self._bytes = 0


class SharedStrings:
    """Shared strings by index.

    Args:
        limits: The limits of the workbook; ``strings_in_memory`` is the number of bytes that stay in memory.
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.strings_in_memory
        self._texts: list[bytes] = []
        self._bytes = 0
        self._spill: _Spill | None = None
        self._long = LongStrings(self._get)
        self.cleaned: set[int] = set()
        """Indexes of strings from which characters were removed that PostgreSQL cannot store."""

    def __len__(self) -> int:
        return len(self._texts) + (len(self._spill) if self._spill else 0)

    @property
    def lookup(self) -> Callable[[int], bytes]:
        """The function that returns the string of an index and raises IndexError beyond the last index."""
        return self._texts.__getitem__ if self._spill is None else self._long

    def extend(self, texts: Sequence[bytes]) -> None:
        """Add strings in UTF-8 with XML's references resolved."""
        first = len(self)
        self.add(copy_texts(texts, lambda index: self.cleaned.add(first + index)))

    def add(self, texts: Sequence[bytes]) -> None:
        """Add strings that are already fields of ``COPY``."""
        if self._spill is None and self._bytes <= self._limit:
            self._texts.extend(texts)
            self._bytes += sum(map(len, texts))
            return
        if self._spill is None:
            self._spill = _Spill()
        self._spill.extend(texts)

    def close(self) -> None:
        """Free the memory and the temporary file."""
        self._texts = []
        self._long.clear()
        if self._spill is not None:
            self._spill.close()
            self._spill = None

    def _get(self, index: int) -> bytes:
        known = len(self._texts)
        if index < known or self._spill is None:
            return self._texts[index]
        return self._spill.get(index - known)


class _Spill:
    """Strings on disk, in a file without a name, which the system deletes when the process ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="pgdatahub-")  # noqa: SIM115 - lives as long as the workbook
        self._offsets = array("Q", (0,))
        self._map: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def extend(self, texts: Sequence[bytes]) -> None:
        end = self._offsets[-1]
        for text in texts:
            end += len(text)
            self._offsets.append(end)
        self._file.write(b"".join(texts))

    def get(self, index: int) -> bytes:
        if self._map is None:
            self._file.flush()
            # If all strings are empty, the file is empty, and an empty file cannot be mapped.
            if not self._offsets[-1]:
                self._file.write(b"\0")
                self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._offsets[index] : self._offsets[index + 1]]

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
        self._file.close()
