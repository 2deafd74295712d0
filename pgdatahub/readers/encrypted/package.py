"""An encrypted package → the package in a private file without a name."""

from __future__ import annotations

from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from pgdatahub.errors import FileError
from pgdatahub.readers.encrypted.passwords import hints_for, passwords_of
from pgdatahub.readers.isolated.process import ReadingProcess, local_path

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile

_PROGRAM: Final = "pgdatahub.readers.encrypted.program"
_MEMORY_BYTES: Final = 512 << 20
_MEMORY_FACTOR: Final = 4
_TIMEOUT_SECONDS: Final = 120.0
_PROCESSOR_SECONDS: Final = 9
"""A key takes 100,000 rounds of hashing, some 0.2 seconds, twice for each password."""


def decrypt_package(source: SourceFile) -> BinaryIO:
    """Return the decrypted content of an encrypted package.

    The content goes to a file that has no name (``O_TMPFILE``, or unlinked at once), so the system removes it with the last
    process that has it open, also after a kill.

    Raises:
        EncryptedError: No password opens it, or the extra is not installed.
        ReadError: It is damaged.
    """
    mebibytes = source.size >> 20
    with ExitStack() as stack:
        path = stack.enter_context(local_path(source))
        process = ReadingProcess(
            _PROGRAM,
            memory=_MEMORY_BYTES + _MEMORY_FACTOR * source.size,
            timeout=_TIMEOUT_SECONDS + mebibytes,
            processor=_PROCESSOR_SECONDS + mebibytes,
            hints=hints_for(source.options),
        )
        stack.callback(process.close)
        content = cast("BinaryIO", TemporaryFile())  # noqa: SIM115 - the caller closes it
        try:
            process.ask("open", path, passwords_of(source.options))
            while piece := process.ask("piece"):
                content.write(piece)
        except FileError as error:
            content.close()
            raise error.located(source.name) from error
        except BaseException:
            content.close()
            raise
        content.seek(0)
        return content
