"""Files that are either as they were or as they should be, whenever the process dies."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from pgdatahub.system import failpoints


def write_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file's content, in one step and durably.

    Args:
        path: The file; its directory must exist.
        content: All of it.
        mode: Permission bits, regardless of the umask.
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
