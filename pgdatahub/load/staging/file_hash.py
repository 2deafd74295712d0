"""SHA-256 of a file's bytes, and the facts that tell whether a file is unchanged."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from typing import BinaryIO, Final, TypeAlias

from pgdatahub.errors import CorruptError, EmptyFileError, FileChangedError
from pgdatahub.model.files import HashedVersion, SourceFile
from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES

FileVersion: TypeAlias = tuple[int | str, ...]
"""Facts that tell whether a file is unchanged, without reading it."""


def file_version(source: SourceFile) -> FileVersion:
    """Return the facts of a file that change when a program writes to the file or replaces it.

    Raises:
        FileChangedError: The file is gone or cannot be reached.
    """
    try:
        return source.version()
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> FileChangedError:
    if isinstance(error, FileNotFoundError):
        return FileChangedError("the file is gone", hint="it was there when the folder was listed")
    return FileChangedError(f"the file cannot be read: {error.strerror or error}")


def hash_once(source: SourceFile) -> HashedVersion:
    """Return the SHA-256 of a file's bytes with its version; do not read a file that is unchanged since its last hash.

    Raises:
        FileChangedError: The file is gone or cannot be read.
        EmptyFileError: It has no bytes.
    """
    version = file_version(source)
    if source.hashed is not None and source.hashed.version == version:
        return source.hashed
    return HashedVersion(sha256=hash_file(source), version=version)


def hash_file(source: SourceFile) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        FileChangedError: The file is gone or cannot be read.
        EmptyFileError: It has no bytes.
        CorruptError: It is huge and consists of holes, or is a damaged archive.
        NotAWorkbookError: It is huge and has a workbook's name only.
    """
    digest = sha256()
    size = 0
    try:
        with source.open() as file:
            if file.seek(0, os.SEEK_END) > _HUGE_BYTES:
                _check_huge(file, source)
            file.seek(0)
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise _unreadable(error) from error
    if not size:
        raise EmptyFileError("the file is empty: it has no bytes", hint="ask for it again")
    return digest.hexdigest()


_HUGE_BYTES: Final = 1 << 30
_SPARSE_SHARE: Final = 8


def _check_huge(file: BinaryIO, source: SourceFile) -> None:
    """Refuse a huge file that is mostly holes or is not a workbook: to hash 300 GB takes minutes.

    Raises:
        CorruptError: The file has less than an eighth of its size on the disk, or is a damaged archive. (A workbook is
            compressed, so that no file system makes it much smaller.)
        NotAWorkbookError: Its first bytes are those of another kind of file.
    """
    blocks = None
    with suppress(OSError, AttributeError):  # a remote file, or bytes in memory
        status = os.fstat(file.fileno())
        blocks = getattr(status, "st_blocks", None)
    if blocks is not None and blocks * 512 * _SPARSE_SHARE < status.st_size:
        raise CorruptError(
            f"the file is not a workbook: of its {status.st_size:,} bytes only {blocks * 512:,} are on the disk",
            hint="ask for it again, or move it out of the folder",
        )
    if source.suffix in WORKBOOK_SUFFIXES:
        # A late import, since only huge files need it.
        from pgdatahub.readers.detect import Format, detect, refuse

        content = detect(file)
        if content.format in (Format.OTHER, Format.DAMAGED_ZIP):
            raise refuse(content)
