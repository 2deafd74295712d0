"""Imports whose file no longer exists: treated at the end of a run, planned, and counted for ``status``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError, HistoryDamagedError, PgDataHubError
from pgdatahub.load.missing import Listing, MissingFiles, as_failed, find_gone, gone, judge
from pgdatahub.load.pipeline import Pipeline
from pgdatahub.load.replace import find_refusal
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.imports import Status
from pgdatahub.model.missing import MissingAction, MissingFile
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.loaded_files import loaded_files
from pgdatahub.postgres.tables.cascades import describe_cascades
from pgdatahub.runs.files.selection import Discovery
from pgdatahub.runs.plans.result import FilePlan
from pgdatahub.system.presence import may_exist
from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection
    from pgdatahub.runs.plans.tables import TableSimulations

NAMED: Final = 3
"""Maximum number of files of a table that are named."""

MissingCounts: TypeAlias = Mapping[TableName, tuple[int, list[str]]]
"""Table → the number of imports whose file no longer exists, and the first names."""


def treat_missing(
    config: Config, discovery: Discovery, pipeline: Pipeline, results: Iterable[FileResult], reporter: Reporter
) -> tuple[MissingFile, ...]:
    """Treat the imports whose file no longer exists, if the run was over the whole data root.

    Args:
        config: The settings.
        discovery: The files of the run.
        pipeline: The run's database and its queries.
        results: The results of all files: a table with a failed file is left as it is.
        reporter: Receives a notice for each import that is not simply kept.
    """
    if discovery.listing is None or pipeline.database is None:
        return ()
    failed = [result.source for result in results if result.outcome is Outcome.FAILED]
    files = MissingFiles(
        config=config,
        queries=pipeline.queries,
        history=pipeline.history,
        database=pipeline.database,
        listing=discovery.listing,
    )
    try:
        treated = files.treat(failed)
    except (DatabaseError, HistoryDamagedError) as error:
        # All files are done, so there is nothing to resume.
        reporter(Notice(text=f"missing files are left to the next run: {error.message}", warning=True))
        return ()
    for one in treated:
        if one.action is not MissingAction.KEEP or one.reason is not None:
            reporter(Notice(text=one.sentence, warning=one.action is not MissingAction.TAKE_OVER))
    return treated


def plan_missing(
    connection: Connection,
    history: History,
    listing: Listing,
    config: Config,
    files: Iterable[FilePlan],
    tables: TableSimulations,
) -> tuple[MissingFile, ...]:
    """Return the treatment that a run would give the imports whose file no longer exists.

    Args:
        connection: A connection in a transaction, which may be read-only.
        history: The history.
        listing: The listing of the data root.
        config: The settings.
        files: The plans of all files.
        tables: The tables as the files of the run leave them. A changed file may hand its old rows to a missing file.
    """
    failing = {file.file for file in files if file.action == "fail"}
    failed = [source for identity, source in listing.files.items() if identity in failing]
    found = find_gone(connection, history, listing, config, whole=tables.simulated)
    stored = map(tables.after, found.imports)
    left = {past.id: past for past in (*stored, *tables.changed) if past is not None and past.status == Status.LOADED}
    missing = gone((left[number] for number in sorted(left)), listing.present)
    stored_imports = {past.id: past for past in found.imports}
    planned = []
    for one in judge(missing, listing, config, failed, found.roots):
        past = None if one.action is MissingAction.KEEP else stored_imports.get(one.import_id)
        refused = None if past is None else find_refusal(connection, history, past)
        if refused is not None:
            planned.append(as_failed(one, refused))
        elif one.action is MissingAction.REVERT:
            notice = next(iter(describe_cascades(connection, one.table, going="deleted")), None)
            planned.append(replace(one, notice=notice))
        else:
            planned.append(one)
    return tuple(sorted([*found.kept, *planned], key=lambda one: one.import_id))


def count_missing(connection: Connection, history: History, config: Config) -> MissingCounts | None:
    """Return the number of imports whose file no longer exists, by table; None if the data root cannot be listed.

    Local files are checked one by one; only files at URLs need a listing.
    """
    listed: set[str] = set()
    remote = is_url(config.data_root)
    if remote:
        try:
            listed = {source.identity for source in Stages(create_plugin_manager()).discover(config)}
        except PgDataHubError:
            return None
    root = config.root_path
    if not remote and not os.path.isdir(root):  # noqa: PTH112 - Path.is_dir() raises an error without the right to look
        return None
    counts: dict[TableName, int] = defaultdict(int)
    names: dict[TableName, list[str]] = defaultdict(list)
    for one in loaded_files(connection, history):
        if is_url(one.source_file) and not remote:
            continue  # neither this data root nor this machine can tell
        present = listed if remote else {one.identity} if may_exist(root / one.identity) else frozenset()
        if next(gone([one], present), None) is not None:
            counts[one.table] += 1
            if len(names[one.table]) < NAMED:
                names[one.table].append(one.identity)
    return {table: (number, names[table]) for table, number in counts.items()}


def describe_missing(counts: MissingCounts) -> tuple[str, ...]:
    """Return a message for each table with imports whose file no longer exists."""
    lines = []
    for table, (number, first) in sorted(counts.items()):
        more = f" and {number - len(first):,} more" if number > len(first) else ""
        files = "1 file is gone, and its rows are" if number == 1 else f"{number:,} files are gone, and their rows are"
        lines.append(f"{table}: {files} still loaded: {', '.join(first)}{more}")
    return tuple(lines)
