"""The format of a file, which its content tells, and opening a file for the reader of its format."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.readers.detect import Format


def detect_format(source: SourceFile) -> Format | None:
    """Return the format of a file, whatever its name; None if it cannot be read: the last plugin names the reason."""
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import detect

    try:
        with source.open() as file:
            return detect(file).format
    except OSError:
        return None


def open_detected(source: SourceFile, wanted: Format) -> BinaryIO | None:
    """Open a file of a format, whatever its name; None for other files, and in folders with another reader.

    The caller closes the file. Bytes that were fetched for the detection are used again.
    """
    # A late import, so that listing plugins does not import a reader.
    from pgdatahub.readers.detect import detect

    if source.options.reader != "auto":
        return None
    with ExitStack() as files:
        try:
            file = files.enter_context(source.open())
            content = detect(file)
        except OSError:
            return None  # the last plugin names the reason
        if content.format is not wanted:
            return None
        files.pop_all()
        return file
