"""Files of a data root."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from pgdatahub.config import FolderOptions
from pgdatahub.config.path_columns import match_path
from pgdatahub.model.schema import TableName
from pgdatahub.system.storage import is_url, open_url, version_of
from pgdatahub.system.url_versions import modified_in

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - the history's times are UTC, without a zone


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedVersion:
    """The SHA-256 of a file's bytes, and :meth:`SourceFile.version` before the bytes were read."""

    sha256: str
    version: tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedOrigin:
    """The original of a corrected copy, as the copy names it.

    Attributes:
        identity: Its path below the data root.
        sha256: SHA-256 of its bytes.
        bytes: Its size.
    """

    identity: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file in the data root, and its table.

    Attributes:
        location: Its absolute path or its URL: the value of ``source_file`` in the table.
        identity: Its path below the data root, with ``/``; together with the table, the identity of the file.
        table: The table of its folder.
        options: The settings of its folder.
        size: Bytes.
        ignored: The reason to ignore the file (a lock file, a hidden file …), else None.
        reload: The user asked to load the file again.
        stamp: Its version according to the listing; empty if only :meth:`version` can tell.
        unreadable: A folder or link that could not be read, so its files are unknown; ``ignored`` has the reason. A run loads
            the other files and fails.
        compare_older: The table has imports read by older rules, to which the file must be compared.
        hashed: The SHA-256 of its bytes with their version, if the run has hashed them already.
        settings: The fingerprint of the settings of a part; None for that of ``options``.
        loaded_in: The tables in which an import with its bytes counts already; their parts need no reading.
        leaves: Its load takes its rows out of tables that the settings do not name for it any more.
        only_tables: The names of the tables that the user selects among its parts; empty for all.
        origins: The files whose corrected copy it says to be; known once it is read.
    """

    location: str
    identity: str
    table: TableName
    options: FolderOptions
    size: int
    ignored: str | None = None
    reload: bool = False
    stamp: tuple[str, ...] = ()
    unreadable: bool = False
    hashed: HashedVersion | None = None
    compare_older: bool = False
    settings: str | None = None
    loaded_in: frozenset[TableName] = frozenset()
    only_tables: frozenset[str] = frozenset()
    origins: tuple[MarkedOrigin, ...] = ()
    leaves: bool = False

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.identity.rsplit("/", 1)[-1]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the settings under which the file, or a part of it, is loaded."""
        return self.settings or self.options.fingerprint

    @property
    def routing(self) -> str | None:
        """SHA-256 (hexadecimal) of all that decides which cells go to which table; None if the file has one table."""
        if not self.options.is_routed:
            return None
        facts = f"{self.options.routing} {self.table.schema} {self.table.name}"
        return sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def path_key(self) -> str:
        """SHA-256 (hexadecimal) of the values of the path columns, which are part of each row; empty without such columns.

        In a table with a key or a snapshot, the path itself is part of an import, since it decides between equal keys.
        """
        if self.options.rule is not None:
            return sha256(self.identity.encode("utf-8", "surrogatepass")).hexdigest()
        pattern = self.options.path_columns
        values = match_path(pattern, self.identity) if pattern is not None else None
        return sha256(json.dumps(values).encode("utf-8", "surrogatepass")).hexdigest() if values else ""

    @property
    def modified_at(self) -> datetime | None:
        """The time of its last change before its bytes were read, UTC; None if it was not hashed, or its storage tells none."""
        if self.hashed is not None and is_url(self.location):
            return modified_in(self.hashed.version)
        nanoseconds = None if self.hashed is None else self.hashed.version[1]
        if not isinstance(nanoseconds, int):
            return None
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)

    @property
    def suffix(self) -> str:
        """The suffix of the name in lower case, with its dot."""
        return Path(self.name).suffix.lower()

    def open(self) -> BinaryIO:
        """Open the file's bytes for reading at any position."""
        if is_url(self.location):
            return open_url(self.location)
        return open(self.location, "rb")  # noqa: PTH123 - a Path takes longer to make than a file to open

    def version(self) -> tuple[int | str, ...]:
        """Return values that change when the file is written or replaced."""
        if is_url(self.location):
            return version_of(self.location)
        status = os.stat(self.location)  # noqa: PTH116 - see open()
        return status.st_size, status.st_mtime_ns, status.st_ino
