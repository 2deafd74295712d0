"""Settings and status of the embedded server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """Settings of the private server.

    Attributes:
        home: The server's directory (``PGDATAHUB_HOME``); None for the user's data directory, or ``/var/lib/pgdatahub`` for
            root.
        bindir: Directory of ``initdb``, ``pg_ctl`` and ``postgres`` (``PGDATAHUB_PG_BINDIR``); None for the installed wheel,
            else the newest PostgreSQL of the system.
        os_user: Account to run the server as if the client is root (``PGDATAHUB_PG_OSUSER``); None for ``pgdatahub``. The
            server of another user always runs as that user.
        parameters: Additional server parameters, written to the configuration at each start.
    """

    home: Path | None = None
    bindir: Path | None = None
    os_user: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> EmbeddedSettings:
        """Read the settings from the environment, by default the process's own; empty values count as unset."""
        variables = os.environ if environment is None else environment
        home, bindir = variables.get("PGDATAHUB_HOME"), variables.get("PGDATAHUB_PG_BINDIR")
        return cls(
            home=Path(home) if home else None,
            bindir=Path(bindir) if bindir else None,
            os_user=variables.get("PGDATAHUB_PG_OSUSER") or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """Present status of the private server.

    Attributes:
        running: It accepts connections.
        kept: ``pgdatahub db start`` keeps it running after its last client.
        version: Version of the running server, else the major version of its data; None before the first use.
        data_directory: Directory of the data, which may not exist yet.
        log_file: File of the server's messages.
        socket_directory: Directory of the Unix-domain socket; None before the first start.
        port: Port number in the socket's name, and on 127.0.0.1 if ``tcp``; None before the first start.
        tcp: It also listens on 127.0.0.1.
        clients: Number of open sessions; None if it is not running.
        url: URL to connect to, without the password; None if it is not running.
    """

    running: bool
    kept: bool
    version: str | None
    data_directory: Path
    log_file: Path
    socket_directory: Path | None
    port: int | None
    tcp: bool
    clients: int | None
    url: str | None
