"""Imports whose file no longer exists: found by a listing of the data root, and treated by the folder's ``on_missing``.

An empty folder may be a share that is not mounted, and an unreadable one hides files. So ``revert`` acts only after a
listing of the whole data root without an error, only in folders that still have a workbook, and only on files of this data
root, or of one that was moved here: another one may not be mounted. A file with the same content
that is at another path takes over the rows instead; no row is deleted and loaded again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pgdatahub.config import Config
from pgdatahub.errors import ContentionError, FileError, PgDataHubError, PrivilegeError
from pgdatahub.load.known.possible_tables import possible_tables
from pgdatahub.load.known.retried_queries import RetriedQueries
from pgdatahub.load.replace import pass_on, revert_rows
from pgdatahub.load.staging.file_hash import hash_once
from pgdatahub.model.files import SourceFile
from pgdatahub.model.imports import Duplicate, ImportRow, Status
from pgdatahub.model.missing import MissingAction, MissingFile
from pgdatahub.model.schema import TableName
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.loaded_files import LoadedFile, loaded_files
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog, locks
from pgdatahub.postgres.tables.cascades import describe_cascades
from pgdatahub.system.presence import is_cut_off, may_exist
from pgdatahub.system.retry import with_retries
from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection

_Loaded = TypeVar("_Loaded", LoadedFile, ImportRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The listing of a whole data root.

    Attributes:
        files: The workbooks by their path below the data root.
        present: The paths of all files, also of those that no run loads.
        obstacle: The reason why the listing may lack files; None if it is complete.
    """

    files: Mapping[str, SourceFile] = field(default_factory=dict)
    present: Collection[str] = frozenset()
    obstacle: str | None = None

    @property
    def folders(self) -> frozenset[str]:
        """The folders with a workbook."""
        return frozenset(path.rpartition("/")[0] for path in self.files)


def gone(files: Iterable[_Loaded], present: Collection[str]) -> Iterator[_Loaded]:
    """Yield the files or imports whose file is neither in a listing of the data root nor at the path of their load."""
    cut_off = cache(is_cut_off)  # most missing files have a few folders, and a history may have ten million of them
    for one in files:
        # Rows that --adopt took over from another file name that file.
        own = one.source_file.endswith(f"/{one.identity}") and not is_url(one.source_file)
        if not _is_present(one.identity, present) and not (
            own and may_exist(Path(one.source_file), is_cut_off=cut_off)
        ):
            yield one


def _is_present(identity: str, present: Collection[str]) -> bool:
    """Return whether a listing has a file, or a folder above it whose files are left out (``exclude:``)."""
    folders = identity.split("/")
    return any("/".join(folders[:length]) in present for length in range(len(folders), 0, -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The imports whose file no longer exists.

    Attributes:
        kept: Those that their folder keeps.
        imports: All others, oldest first.
        roots: The data roots of the imports whose files are in the listing: they are this one, or were moved here.
    """

    kept: Sequence[MissingFile] = ()
    imports: Sequence[ImportRow] = ()
    roots: Collection[str] = frozenset()


def find_gone(
    connection: Connection, history: History, listing: Listing, config: Config, *, whole: Collection[TableName] = ()
) -> Gone:
    """Return the imports whose file no longer exists.

    A folder whose loaded files are moved to an archive has as many missing files as imports, so the kept ones are not
    fetched whole.

    Args:
        connection: A connection in a transaction, which may be read-only.
        history: The history.
        listing: The listing of the data root.
        config: The settings.
        whole: Tables whose imports are fetched in any case.
    """
    kept, ids = [], []
    roots = {_root_here(config)}
    loaded = _noting_roots(loaded_files(connection, history), listing.present, roots)
    for one in gone(loaded, listing.present):
        if _keeps(one.identity, config) and one.table not in whole:
            kept.append(_kept(one.import_id, one.table, one.identity, one.rows))
        else:
            ids.append(one.import_id)
    return Gone(kept=kept, imports=history.select_imports(connection, ids=ids) if ids else [], roots=roots)


def _noting_roots(files: Iterable[LoadedFile], present: Collection[str], roots: set[str]) -> Iterator[LoadedFile]:
    for one in files:
        if _is_present(one.identity, present):
            roots.add(_root_of(one))
        yield one


def _root_of(file: LoadedFile | ImportRow) -> str:
    return file.source_file.removesuffix(f"/{file.identity}")


def _root_here(config: Config) -> str:
    return config.data_root.rstrip("/") if is_url(config.data_root) else str(config.root_path)


def judge(
    imports: Iterable[ImportRow],
    listing: Listing,
    config: Config,
    failed: Collection[SourceFile],
    roots: Collection[str],
) -> Iterator[MissingFile]:
    """Yield the treatment of imports whose file no longer exists.

    Args:
        imports: The imports, with their duplicates after the run.
        listing: The listing of the data root.
        config: The settings.
        failed: The files that the run cannot load; one of them may be a missing file under another name.
        roots: The data roots of which the listing can tell; see :class:`Gone`.
    """
    folders = listing.folders
    for past in imports:
        folder = past.identity.rpartition("/")[0]
        missing = _kept(past.id, past.table, past.identity, past.row_count)
        if _keeps(past.identity, config):
            yield missing
            continue
        reason = listing.obstacle
        if reason is None and any(past.table in possible_tables(one, past.table.schema) for one in failed):
            reason = "a file of the table fails, and may have its rows"
        keyed = config.folders.options_for(folder.split("/")).rule is not None  # a copy has rows of its own
        heir = None if reason is not None or keyed else find_heir(past, listing)
        if heir is not None:
            yield replace(missing, action=MissingAction.TAKE_OVER, heir=heir.identity)
        elif reason is None and folder not in folders:
            yield replace(missing, reason="its folder has no workbook, which may be a share that is not mounted")
        elif reason is not None:
            yield replace(missing, reason=reason)
        elif past.source_file.endswith(f"/{past.identity}") and _root_of(past) not in roots:
            other = f"it was loaded from {_root_of(past)}, and no file of that data root is here; it may not be mounted"
            yield replace(missing, reason=other)
        else:
            yield replace(missing, action=MissingAction.REVERT)


def as_failed(missing: MissingFile, error: PgDataHubError) -> MissingFile:
    """Return a missing file whose treatment an error prevents."""
    text = f"{error.message} ({error.hint})" if error.hint else error.message
    return replace(missing, action=MissingAction.FAIL, heir=None, reason=text)


def _keeps(identity: str, config: Config) -> bool:
    return config.folders.options_for(identity.split("/")[:-1]).on_missing == "keep"


def _kept(import_id: int, table: TableName, identity: str, rows: int) -> MissingFile:
    return MissingFile(import_id=import_id, table=table, file=identity, rows=rows, action=MissingAction.KEEP)


def find_heir(past: ImportRow, listing: Listing) -> Duplicate | None:
    """Return the duplicate of an import whose file is there with the content of the import; None if there is none."""
    for one in sorted(
        (one for one in past.duplicates if not one.corrected), key=lambda one: (one.seen_at, one.identity)
    ):
        source = listing.files.get(one.identity)
        if source is None or past.table not in possible_tables(source, past.table.schema):
            continue
        try:
            hashed = hash_once(source)
        except FileError:
            continue
        settings = past.settings if source.options.is_routed else source.fingerprint
        if past.is_file(source.identity, hashed.sha256, settings):
            return replace(
                one,
                source_file=source.location,
                file_sha256=hashed.sha256,
                bytes=source.size,
                settings=settings,
            )
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFiles:
    """Treatment of missing files at the end of a run.

    Attributes:
        config: The settings.
        queries: The target database.
        history: The metadata tables.
        database: The database.
        listing: The listing of the data root.
    """

    config: Config
    queries: RetriedQueries
    history: History
    database: Database
    listing: Listing

    def treat(self, failed: Collection[SourceFile]) -> tuple[MissingFile, ...]:
        """Treat the imports whose file no longer exists, each in a transaction, and return them.

        Args:
            failed: The files that the run could not load.

        Raises:
            DatabaseError: The database is gone.
        """
        found = self.queries.ask(
            lambda connection: find_gone(connection, self.history, self.listing, self.config), Gone()
        )
        treated = map(self._treat, judge(found.imports, self.listing, self.config, failed, found.roots))
        return tuple(sorted([*found.kept, *treated], key=lambda one: one.import_id))

    def _treat(self, missing: MissingFile) -> MissingFile:
        if missing.action is MissingAction.KEEP:
            return missing
        try:
            return with_retries(partial(self._treat_once, missing), self.queries.gave_way)
        except (FileError, PrivilegeError, ContentionError) as error:
            return as_failed(missing, error)

    def _is_back(self, identity: str) -> bool:
        """Return whether a file is there now: the listing is as old as the run, and programs save a file by renaming another."""
        return not is_url(self.config.data_root) and may_exist(self.config.root_path / identity)

    def _treat_once(self, missing: MissingFile) -> MissingFile:
        history = self.history
        with transaction(self.database.engine) as connection:
            locks.wait_for_turn(connection, locks.lock_key(missing.table))
            locks.limit_lock_waits(connection)
            if catalog.is_table(connection, missing.table):
                locks.lock_table(connection, missing.table)
            # Another run may have changed the import since it was found.
            found = history.select_imports(connection, ids=[missing.import_id], statuses=(Status.LOADED,))
            past = next((one for one in found if one.identity == missing.file), None)
            if past is None:
                return replace(missing, action=MissingAction.KEEP, reason="another run changed it meanwhile")
            heir = find_heir(past, self.listing)
            if heir is None and self._is_back(missing.file):
                return replace(missing, action=MissingAction.KEEP, reason="it is there again")
            if heir is None:
                notice = next(iter(describe_cascades(connection, past.table, going="deleted")), None)
                revert_rows(connection, history, past, history.now(connection))
                return replace(missing, action=MissingAction.REVERT, heir=None, notice=notice)
            # The missing path is among them if another file handed it the rows.
            others = [one for one in past.duplicates if one.identity not in (heir.identity, past.identity)]
            pass_on(connection, history, past, heir, [*others, heir])
            return replace(missing, action=MissingAction.TAKE_OVER, heir=heir.identity)
