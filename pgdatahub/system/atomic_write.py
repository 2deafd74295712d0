"""Atomic, durable replacement of files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pgdatahub.system import failpoints


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file's content; see :func:`replacing`.

    Args:
        path: The file; its directory must exist.
        content: The whole content.
        mode: Permission bits, regardless of the umask.

    Raises:
        OSError: The file cannot be written or synced.
    """
    with replacing(path, mode=mode) as file:
        failpoints.reach(f"writing {path.name}")
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int) -> Iterator[BinaryIO]:
    """Replace a file atomically and durably by what the caller writes; after an exception, keep the old file.

    After a crash the file has the old content or the new one. At the end, the new content is on disk: both the file and its
    directory are synced, since a rename is durable only with its directory (rename(2), fsync(2)).

    Args:
        path: The file; its directory must exist.
        mode: Permission bits, regardless of the umask.

    Raises:
        OSError: The file cannot be written or synced.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            if hasattr(os, "fchmod"):  # not on Windows before Python 3.13
                os.fchmod(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        failpoints.reach(f"written {path.name}")
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    if sys.platform == "win32":  # other systems cannot open a directory
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync directories.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
