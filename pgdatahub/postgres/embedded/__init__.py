"""The private PostgreSQL server that is used where none is configured.

Only this package's names are meant for others: everything below it is how the server is found, made, started, shared
between processes and stopped.
"""

from __future__ import annotations

from pgdatahub.postgres.embedded.settings import EmbeddedSettings, ServerStatus
from pgdatahub.postgres.embedded.supervisor import EmbeddedServer

__all__ = ["EmbeddedServer", "EmbeddedSettings", "ServerStatus"]
