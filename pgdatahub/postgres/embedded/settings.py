"""What a caller tells the supervisor, and what the supervisor tells about its server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """Where the private server lives and what it is made of.

    Attributes:
        home: Directory that holds the server (``PGDATAHUB_HOME``); None means the user's data directory, and
            ``/var/lib/pgdatahub`` for root.
        bindir: Directory of ``initdb``, ``pg_ctl`` and ``postgres`` (``PGDATAHUB_PG_BINDIR``); None means the installed
            wheel, else the newest PostgreSQL of the system.
        os_user: Account that the server runs as when the client is root (``PGDATAHUB_PG_OSUSER``); None means
            ``pgdatahub``. Of no effect for an ordinary user, whose server runs as that user.
        parameters: Further server parameters by name, written to its configuration at each start.
    """

    home: Path | None = None
    bindir: Path | None = None
    os_user: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> EmbeddedSettings:
        """Return the settings that the environment (by default the process's own) gives; empty values count as unset."""
        variables = os.environ if environment is None else environment
        home, bindir = variables.get("PGDATAHUB_HOME"), variables.get("PGDATAHUB_PG_BINDIR")
        return cls(
            home=Path(home) if home else None,
            bindir=Path(bindir) if bindir else None,
            os_user=variables.get("PGDATAHUB_PG_OSUSER") or None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """How the private server is at the moment.

    Attributes:
        running: Whether it accepts connections.
        kept: Whether it was asked to stay (``pgdatahub db start``) instead of stopping with its last client.
        version: Version of the running server, else the major version of its data; None before the first use.
        data_directory: Where the data is, or will be.
        log_file: What the server writes its messages to.
        socket_directory: Directory of the Unix-domain socket; None before the first start.
        port: Port number in the socket's name, and on 127.0.0.1 if ``tcp``; None before the first start.
        tcp: Whether it also listens on 127.0.0.1.
        clients: Sessions that are open on it; None when it is not running.
        url: How to connect, without the password; None when it is not running.
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
