"""Files about the server beside its data: its socket, port and programs, and the marker that keeps it running."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgdatahub.errors import DatabaseError
from pgdatahub.system.atomic_write import write_file

DEFAULT_PORT = 5432


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """Parameters of the server's last start, written before the start.

    Attributes:
        socket_directory: Directory of its Unix-domain socket.
        port: Port number, always part of the socket's name.
        tcp: The server also listens on this port of 127.0.0.1.
        binaries: Directory of its programs.
        version: Their version, such as ``18.6``.
    """

    socket_directory: Path
    port: int
    tcp: bool
    binaries: Path
    version: str

    def write(self, path: Path) -> None:
        """Write the record atomically."""
        content = {
            "written_in": str(path.parent),
            "socket_directory": str(self.socket_directory),
            "port": self.port,
            "tcp": self.tcp,
            "binaries": str(self.binaries),
            "version": self.version,
        }
        write_file(path, json.dumps(content, indent=2).encode(), mode=0o600)

    @classmethod
    def read_if_sound(cls, path: Path) -> ServerRecord | None:
        """Read the record; return None if the file is missing or damaged."""
        try:
            return cls.read(path)
        except DatabaseError:
            return None

    @classmethod
    def read(cls, path: Path) -> ServerRecord | None:
        """Read the record; return None if the file is missing.

        Raises:
            DatabaseError: The file cannot be read.
        """
        content = _read_object(path)
        if content is None:
            return None
        try:
            # A copied home must not refer to the server of the original.
            moved = content["written_in"] != str(path.parent)
            return cls(
                socket_directory=path.parent / "s" if moved else Path(content["socket_directory"]),
                port=int(content["port"]),
                tcp=bool(content["tcp"]),
                binaries=Path(content["binaries"]),
                version=str(content["version"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepMarker:
    """Marker that keeps the server running until ``pgdatahub db stop``; written by ``pgdatahub db start``.

    Attributes:
        port: Port on 127.0.0.1 to use at every start; None for the socket only.
    """

    port: int | None

    def write(self, path: Path) -> None:
        """Write the marker atomically."""
        write_file(path, json.dumps({"port": self.port}).encode(), mode=0o600)

    @classmethod
    def read(cls, path: Path) -> KeepMarker | None:
        """Read the marker; return None if the file is missing.

        Raises:
            DatabaseError: The file cannot be read.
        """
        content = _read_object(path)
        if content is None:
            return None
        port = content.get("port")
        if port is not None and not isinstance(port, int):
            raise _damaged(path)
        return cls(port=port)


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path) from error
    if not isinstance(content, dict):
        raise _damaged(path)
    return content


def _damaged(path: Path) -> DatabaseError:
    return DatabaseError(
        "a file of the embedded server is damaged",
        where=str(path),
        hint="pgdatahub db stop removes it, and the next start writes it again",
    )
