"""Private PostgreSQL server, used when no database is configured.

Other packages use the names of this package only. Its modules find, create, start, share and stop the server.
"""

from __future__ import annotations

from pgdatahub.postgres.embedded.access import (
    SHARED,
    DatabaseFacts,
    copy_database,
    databases,
    drop_database,
    rename_database,
    set_comment,
)
from pgdatahub.postgres.embedded.registry import Project, inode_of
from pgdatahub.postgres.embedded.settings import EmbeddedSettings, ServerStatus
from pgdatahub.postgres.embedded.supervisor import EmbeddedServer

__all__ = [
    "SHARED",
    "DatabaseFacts",
    "EmbeddedServer",
    "EmbeddedSettings",
    "Project",
    "ServerStatus",
    "copy_database",
    "databases",
    "drop_database",
    "inode_of",
    "rename_database",
    "set_comment",
]
