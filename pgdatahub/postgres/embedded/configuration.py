"""The server's parameters: a private server that never loses what it has said is there, sized for bulk loads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from pgdatahub.errors import DatabaseError
from pgdatahub.postgres.embedded.record import ServerRecord

INCLUDE = "include_if_exists = '../pgdatahub.conf'"
_MIB = 1024 * 1024


def configuration(record: ServerRecord, further: Mapping[str, str]) -> str:
    """Return the text of ``pgdatahub.conf``.

    Args:
        record: Where the server is to listen.
        further: Parameters that override or add to these.
    """
    # Not here: fsync, full_page_writes and synchronous_commit, which are on by default and stay so. Without the last, a
    # killed server forgets commits of the last moments that it had confirmed: a file would be reported as loaded and not
    # be there. A commit for each file is too seldom for that to be worth anything.
    parameters = {
        "listen_addresses": "127.0.0.1" if record.tcp else "",
        "port": str(record.port),
        "unix_socket_directories": str(record.socket_directory),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        # No replica and no archive: a COPY into a table of its own transaction then writes no WAL.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "shared_buffers": f"{_shared_buffers() // _MIB}MB",
        "maintenance_work_mem": "128MB",
        **further,
    }
    lines = ["# Written anew at each start. Parameters of your own: ALTER SYSTEM, or data/postgresql.auto.conf."]
    lines += [f"{name} = {_quoted(name, value)}" for name, value in parameters.items()]
    return "\n".join(lines) + "\n"


def _quoted(name: str, value: str) -> str:
    if not name.replace("_", "").replace(".", "").isalnum() or any(ord(character) < 32 for character in value):
        raise DatabaseError(f"not a server parameter: {name!r}")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _shared_buffers() -> int:
    """Return 256 MiB, or an eighth of a smaller memory, in bytes; never below 32 MiB."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        # What a container may use; "max" if it is not limited.
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return max(32 * _MIB, min(256 * _MIB, memory // 8))
