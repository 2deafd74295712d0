"""Search for the files of a data root in the history of another database: evidence that a project moved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from pgdatahub.model.schema import IMPORTS

if TYPE_CHECKING:
    import psycopg

_MAX_HASHED: Final = 20
"""Files to hash at most; one that is known is enough."""


def known_roots(connection: psycopg.Connection[Any], schema: str, root: str) -> tuple[str, ...]:
    """Return the data roots under which a history knows the files of a data root; nothing if it knows none of them.

    The first kind of evidence is an import from below ``root``. The second is an import with the relative path and the bytes of
    a file below ``root``, if the file of the import no longer exists: that file was moved, not copied.

    Args:
        connection: A session of the database, in autocommit mode.
        schema: The schema of the history.
        root: The data root: an absolute path, or a URL.
    """
    there = connection.execute(
        "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s", [schema, IMPORTS]
    ).fetchone()
    if there is None:
        return ()
    table = sql.Identifier(schema, IMPORTS)
    roots: dict[str, None] = {}
    below = sql.SQL("SELECT 1 FROM {} WHERE starts_with(source_file, %s) LIMIT 1").format(table)
    if connection.execute(below, [root.rstrip("/") + "/"]).fetchone() is not None:
        roots[root] = None
    if "://" not in root:
        roots |= dict.fromkeys(_moved_from(connection, table, root))
    return tuple(roots)


def _moved_from(connection: psycopg.Connection[Any], table: sql.Identifier, root: str) -> Iterator[str]:
    """Yield the former data roots of files that were moved."""
    sizes = dict(_files(root))
    query = sql.SQL("""
        SELECT identity, source_file, file_sha256 FROM {} WHERE bytes = ANY (%s) AND identity = ANY (%s) ORDER BY id DESC
    """).format(table)
    found: set[str] = set()
    hashed = 0
    for identity, source_file, digest in connection.execute(query, [list(set(sizes.values())), list(sizes)]):
        former = str(source_file).removesuffix(f"/{identity}")
        if former in (source_file, root) or former in found or os.path.lexists(source_file):
            continue
        if hashed == _MAX_HASHED:
            return
        hashed += 1
        if _sha256(Path(root, identity)) == digest:
            found.add(former)
            yield former


def _files(root: str) -> Iterator[tuple[str, int]]:
    """Yield the files below a data root: path below it, and size; those whose names a database cannot store are left out."""
    for folder, _, names in os.walk(root, followlinks=True):
        for name in names:
            path = Path(folder, name)
            identity = path.relative_to(root).as_posix()
            try:
                identity.encode()
                yield identity, path.stat().st_size
            except (OSError, UnicodeEncodeError):
                continue


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            digest = sha256()
            while block := file.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()
    except OSError:
        return None
