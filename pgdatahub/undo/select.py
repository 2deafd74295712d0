"""Selection of imports by hash, file or id, in one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError, UndoError
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.schema import SOURCE_FILE, TableName
from pgdatahub.postgres.database import UNMADE, Database, is_unmade, open_database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.history.latest_imports import tables_of_imports
from pgdatahub.postgres.rows.import_rows import count_of_file
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog
from pgdatahub.runs.files.named_file import imports_of_file, is_place_of
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

SHORTEST_HASH = 8
"""Number of digits of a hash that the user must give."""
_LIST = "pgdatahub history lists the imports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The selected imports of one table.

    Attributes:
        table: The table.
        imports: All selected imports, oldest first, with every status.
    """

    table: TableName
    imports: tuple[ImportRow, ...]

    @property
    def loaded(self) -> tuple[ImportRow, ...]:
        """The imports whose rows are in the table."""
        return tuple(past for past in self.imports if past.status == Status.LOADED)


def choose(connection: Connection, history: History, request: UndoRequest, config: Config) -> tuple[Choice, ...]:
    """Return the imports that a request selects: for each table of one file, in the reverse order of loading.

    Args:
        connection: In any transaction.
        history: The history.
        request: The request.
        config: The settings, for relative paths and paths below the data root.

    Raises:
        ConfigError: The request itself is wrong.
        UndoError: The import is not found, or several imports match.
    """
    found = _candidates(connection, history, request, config)
    tables: Collection[TableName] = ()
    if request.table is not None:
        tables = named_tables([request.table], tables_of_imports(connection, history))
        found = [past for past in found if past.table in tables]
    if not found:
        message = f"no import of {_named(request)} is in the history"
        orphans = _orphans(connection, request, tables) if request.source_file is not None else 0
        if orphans:
            name = "names" if orphans == 1 else "name"
            message += f", but {count(orphans, 'row')} of {request.table} {name} that file: its history row was deleted by hand"
            raise UndoError(message, hint="delete those rows by their source_file, by hand")
        raise UndoError(message, hint=_LIST)
    # Loaded imports have precedence over reverted ones.
    of_interest = [past for past in found if past.status == Status.LOADED] or found
    _refuse_several(of_interest, request, config)
    chosen = {past.source_file for past in of_interest} if request.import_id is None else None
    last = {past.table: past.id for past in of_interest}
    return tuple(
        Choice(
            table=table,
            imports=tuple(
                past for past in found if past.table == table and (chosen is None or past.source_file in chosen)
            ),
        )
        for table in sorted(last, key=last.__getitem__, reverse=True)
    )


def _candidates(connection: Connection, history: History, request: UndoRequest, config: Config) -> Sequence[ImportRow]:
    given = [request.file_hash is not None, request.source_file is not None, request.import_id is not None]
    if sum(given) != 1:
        raise ConfigError("name the import by its FILE, --hash or --import-id, one of them", hint=_LIST)
    if request.import_id is not None:
        return history.select_imports(connection, ids=[request.import_id])
    if request.file_hash is not None:
        prefix = request.file_hash.lower()
        if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_HASH},64}}", prefix):
            raise ConfigError(f"a hash is {SHORTEST_HASH} to 64 digits of 0-9 and a-f", where=request.file_hash)
        return history.select_imports(connection, hash_prefix=prefix)
    return imports_of_file(connection, history, request.source_file or "", config)


def _orphans(connection: Connection, request: UndoRequest, tables: Iterable[TableName]) -> int:
    """Return the number of rows of the tables that name a file without a row in the history."""
    total = 0
    for table in tables:
        current = catalog.reflect(connection, table)
        if current is not None and SOURCE_FILE in current.by_name:
            total += count_of_file(connection, table, request.source_file or "")
    return total


def _refuse_several(found: Sequence[ImportRow], request: UndoRequest, config: Config) -> None:
    tables = sorted({str(past.table) for past in found})
    hashes = sorted({past.file_sha256 for past in found})
    file = request.source_file
    files = sorted({one.source_file for one in found if file is None or not is_place_of(file, one.identity, config)})
    if request.file_hash is not None and len(hashes) > 1:
        listed = ", ".join(f"{past.file_sha256[:16]}… ({past.identity})" for past in found)
        raise UndoError(f"several imports begin with {request.file_hash}: {listed}", hint="give more digits")
    # One file can have several tables. Where no setting gave them to it, the user moved the folder to another table.
    whole_file = len(files) <= 1 and request.rows and all(past.routing is not None for past in found)
    if len(tables) > 1 and not whole_file:
        raise UndoError(f"{_named(request)} is in several tables: {', '.join(tables)}", hint="add --table")
    if request.source_file is not None and len(files) > 1:
        raise UndoError(
            f"several files end with {request.source_file}: {', '.join(files)}", hint="give more of the path"
        )


@contextmanager
def open_history(config: Config, announce: Callable[[str], None]) -> Iterator[tuple[Database, History]]:
    """Open the configured database and its history.

    Raises:
        UndoError: Nothing was ever loaded.
        DatabaseError: The database does not answer.
    """
    if is_unmade(config, announce):
        raise _no_history(UNMADE)
    with open_database(config, announce) as database:
        history = History(config.schema_name)
        with transaction(database.engine, read_only=True) as connection:
            if not history.exists(connection):
                raise _no_history(database.description)
        yield database, history


def _no_history(where: str) -> UndoError:
    return UndoError("there is no history: nothing was ever loaded", where=where)


def _named(request: UndoRequest) -> str:
    if request.import_id is not None:
        return f"id {request.import_id}"
    if request.file_hash is not None:
        return f"hash {request.file_hash}"
    return str(request.source_file)
