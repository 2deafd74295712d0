"""The program that decrypts a package in a process of its own: a key may ask for billions of rounds of hashing."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from pgdatahub.readers.encrypted import library

_PIECE = 1 << 20


def describe(error: BaseException) -> tuple[str, str]:
    """Return what went wrong: a word for the kind of error, and its text."""
    if isinstance(error, MemoryError):
        return "memory", ""
    if isinstance(error, FileNotFoundError):
        return "gone", ""
    return library.describe(error) or ("damaged", type(error).__name__)


class Reader:
    """The file. The methods are the requests."""

    def __init__(self) -> None:
        self._content = BytesIO()

    def open(self, path: str, passwords: list[str]) -> None:
        """Decrypt a file."""
        with Path(path).open("rb") as file:
            self._content = library.decrypt(file, passwords)

    def piece(self) -> bytes:
        """Return the next bytes of the content, none at its end."""
        return self._content.read(_PIECE)
