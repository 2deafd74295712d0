"""Database addresses: the parts that tell one database from another, without secrets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Address of a database; two runs load into the same database if their addresses are equal.

    The server's version is not part of the address: an upgraded server is still the same server.

    Attributes:
        database: The database's name.
        embedded: True for the embedded server, whose socket and role are not part of its address.
        host: Host name, or the directory of the Unix socket; empty for the embedded server.
        port: Port; 0 for the embedded server.
        user: Role; empty for the embedded server.
    """

    database: str
    embedded: bool = False
    host: str = ""
    port: int = 0
    user: str = ""

    def describe(self, version: str) -> str:
        """Return the address for people, with the server's version."""
        if self.embedded:
            return f"the embedded server ({version}), database {self.database}"
        place = self.host if self.host.startswith("/") else f"{self.host}:{self.port}"
        return f"{self.database} at {place} as {self.user} ({version})"
