"""Parameters of the server: durable, and sized for bulk loads."""

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
        record: The server's record, with its socket and port.
        further: Parameters that override or extend these.
    """
    # fsync, full_page_writes and synchronous_commit keep their default, on. Without synchronous_commit, a killed server can
    # lose its last confirmed commits: a run would report a file as loaded that is not. With one commit a file, turning it
    # off would save nothing.
    parameters = {
        "listen_addresses": "127.0.0.1" if record.tcp else "",
        "port": str(record.port),
        "unix_socket_directories": str(record.socket_directory),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        # Without replicas and archive, a COPY into a table that its transaction created writes no WAL.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "shared_buffers": f"{_shared_buffers() // _MIB}MB",
        "maintenance_work_mem": "128MB",
        **further,
    }
    lines = ["# Overwritten at each start. Set your own parameters with ALTER SYSTEM, or in data/postgresql.auto.conf."]
    lines += [f"{name} = {_quoted(name, value)}" for name, value in parameters.items()]
    return "\n".join(lines) + "\n"


def _quoted(name: str, value: str) -> str:
    if not name.replace("_", "").replace(".", "").isalnum() or any(ord(character) < 32 for character in value):
        raise DatabaseError(f"{name!r} is not a server parameter")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _shared_buffers() -> int:
    """Return an eighth of the memory in bytes, between 32 and 256 MiB."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        # The container's limit, or "max".
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return max(32 * _MIB, min(256 * _MIB, memory // 8))
