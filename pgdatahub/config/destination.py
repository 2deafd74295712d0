"""The database to load into, as the settings name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pgdatahub.config.url_masking import masked_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The database to load into.

    Attributes:
        kind: ``url`` if a database is configured, ``environment`` if libpq's own variables name one, else ``embedded``.
        conninfo: The connection string for libpq; empty unless ``kind`` is ``url``. It can hold a password, so repr masks it.
        place: The variable, file or option that names the database, for messages.
    """

    kind: Literal["url", "environment", "embedded"]
    conninfo: str = ""
    place: str = ""

    def __repr__(self) -> str:
        return f"Destination(kind={self.kind!r}, conninfo={masked_url(self.conninfo)!r})"
