"""Opening of a file for the reader of its format, which its content tells."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.readers.detect import Format


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
