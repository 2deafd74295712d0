"""Atomic, durable replacement of files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

from pgdatahub.system import failpoints


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file's content atomically and durably.

    After a crash the file has the old content or the new one. When the function returns, the new content is on disk: both
    the file and its directory are synced, since a rename is durable only with its directory (rename(2), fsync(2)).

    Args:
        path: The file; its directory must exist.
        content: The whole content.
        mode: Permission bits, regardless of the umask.

    Raises:
        OSError: The file cannot be written or synced.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if hasattr(os, "fchmod"):  # not on Windows before Python 3.13
                os.fchmod(descriptor, mode)
            failpoints.reach(f"writing {path.name}")
            file.write(content)
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
    if os.name != "posix":  # other systems cannot open a directory
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
