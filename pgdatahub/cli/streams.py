"""Standard output and standard error that never end a command: in any encoding, and when their reader exits early."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ESCAPES: Final = "pgdatahub.escapes"
"""Name of the handler of encoding errors."""


class TolerantPipe(io.FileIO):
    """A file or pipe that drops what nothing reads any more, and what is written after an error.

    A run goes on to its end, and its exit code tells about the files, whether ``| head`` reads its lines or not.
    """

    _failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes, and return their number.

        Raises:
            OSError: The disk is full, for example; only once, since the interpreter writes the same bytes again when it exits.
        """
        if not self._failed:
            try:
                return super().write(data)
            except BrokenPipeError:
                self._failed = True
            except OSError:
                self._failed = True
                raise
        return memoryview(data).nbytes


def prepare_streams() -> None:
    """Prepare ``sys.stdout`` and ``sys.stderr``: characters that the encoding lacks become escapes, and closed pipes no error."""
    codecs.register_error(ESCAPES, escapes)
    sys.stdout, sys.stderr = _prepared(sys.stdout), _prepared(sys.stderr)


def escapes(error: UnicodeError) -> tuple[str, int]:
    r"""Return the characters that cannot be encoded as ``\u2192``, the escapes of JSON, so that JSON keeps its values."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(rf"\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end


def _prepared(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):  # None without a console, or a stream of a test
        return stream
    stream.reconfigure(errors=ESCAPES)
    try:
        number = stream.fileno()
    except OSError:
        return stream
    # A terminal has no reader that exits, and Windows writes to it in another way than to files.
    if os.isatty(number):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(TolerantPipe(number, "wb", closefd=False)),
        encoding=stream.encoding,
        errors=ESCAPES,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
