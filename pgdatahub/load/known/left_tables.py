"""Rows that files left in tables which the settings do not name for them any more.

A changed ``table:``, an entry of ``sheets:`` that was removed or renamed, or a folder that has one table again sends the
rows of its files into other tables. The earlier rows stay loaded until the user moves or deletes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgdatahub.load.known.possible_tables import possible_tables
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.history.part_rows import imports_beside
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.history.imports import History
    from pgdatahub.postgres.server.connection import Connection

NAMED: Final = 3
"""Maximum number of files of a table that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRows:
    """Rows in a table that the settings do not name for their files any more.

    Attributes:
        table: The table.
        files: The paths of the files below the data root.
        rows: The number of their rows there.
    """

    table: TableName
    files: tuple[str, ...]
    rows: int

    @property
    def sentence(self) -> str:
        """The message for the user."""
        names = ", ".join(self.files[:NAMED])
        more = f" and {len(self.files) - NAMED:,} more" if len(self.files) > NAMED else ""
        of_files = "a file" if len(self.files) == 1 else f"{len(self.files):,} files"
        file = self.files[0] if len(self.files) == 1 else "FILE"
        return (
            f"{self.table}: {count(self.rows, 'row')} of {of_files} stay, and the settings do not name this table for them any more: "
            f"{names}{more}; run --reload {file} moves them, revert --source-file {file} --table {self.table} deletes them"
        )


def left_imports(
    connection: Connection,
    history: History,
    files: Iterable[SourceFile],
    history_schema: str,
    *,
    read: Mapping[tuple[str, str], Collection[TableName]] | None = None,
) -> list[ImportRow]:
    """Return the loaded imports of files in tables that the settings do not name for them any more, oldest first.

    Args:
        connection: A connection in any transaction.
        history: The metadata tables, which exist.
        files: The files.
        history_schema: The schema of tables without a ``schema`` of their own.
        read: Location and SHA-256 of files that were read and not loaded → their tables.
    """
    sources = {source.location: source for source in files}
    possible = {location: possible_tables(source, history_schema) for location, source in sources.items()}
    named = [
        (location, table)
        for location, tables in possible.items()
        if tables.begins is None  # else the imports themselves tell the tables of a file
        for table in tables.fixed
    ]
    beside = imports_beside(connection, history, sources, named)
    present: dict[tuple[str, str], set[TableName]] = defaultdict(set)
    present |= {key: set(tables) for key, tables in (read or {}).items()}
    for past in beside:
        if past.routing is not None and past.routing == sources[past.source_file].routing:
            present[past.source_file, past.file_sha256] |= past.all_tables
    return [
        past
        for past in beside
        if past.identity == sources[past.source_file].identity
        and (
            past.table not in possible[past.source_file]
            or past.table not in present.get((past.source_file, past.file_sha256), (past.table,))
        )
    ]


def by_table(imports: Iterable[ImportRow]) -> tuple[LeftRows, ...]:
    """Return the rows that files left, one value for each table."""
    found: dict[TableName, list[ImportRow]] = defaultdict(list)
    for past in imports:
        found[past.table].append(past)
    return tuple(
        LeftRows(
            table=table,
            files=tuple(dict.fromkeys(past.identity for past in own)),
            rows=sum(past.row_count for past in own),
        )
        for table, own in sorted(found.items())
    )


def moving(source: SourceFile, left: Collection[str]) -> bool:
    """Return whether a load of a file takes its rows out of tables that it left.

    Args:
        source: The file.
        left: The locations of the files with such rows.
    """
    return source.location in left and (source.reload or source.options.on_changed != "append")


def as_json(left: Sequence[LeftRows]) -> list[Mapping[str, object]]:
    """Return rows that files left, for ``--format json``."""
    return [
        {"table": str(one.table), "files": len(one.files), "rows": one.rows, "first": list(one.files[:NAMED])}
        for one in left
    ]
