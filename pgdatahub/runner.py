"""A run: discover the files, warn of what looks wrong, process one after another, report."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError
from pgdatahub.events import Notice, NullReporter, Reporter, RunFinished, RunStarted
from pgdatahub.model import FileResult, Outcome, RunReport, SourceFile
from pgdatahub.pipeline import Pipeline
from pgdatahub.pluginmanager import Stages, create_plugin_manager
from pgdatahub.postgres.destination import open_database
from pgdatahub.schema import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of the files a run takes up; everything by default.

    Attributes:
        paths: Files and folders.
        tables: Names of tables.
    """

    paths: tuple[Path, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a data folder has.

    Attributes:
        files: The candidates, in the order in which they are taken up.
        ignored: Reason → what was passed over for it.
        warnings: What a person should know before anything is loaded.
    """

    files: tuple[SourceFile, ...]
    ignored: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def new_run_id() -> str:
    """Return a name for a run: the moment it began (UTC) and a little chance."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def find_files(config: Config, stages: Stages, selection: Selection) -> Discovery:
    """Find the files of a run.

    Raises:
        ConfigError: The data root is missing, or the selection names what is not there.
    """
    found: dict[str, SourceFile] = {}
    for source in stages.discover(config):
        known = found.get(source.location)
        # A file that one plugin ignores may be another's candidate.
        if known is None or (known.ignored and not source.ignored):
            found[source.location] = source
    ignored: dict[str, list[str]] = defaultdict(list)
    for source in found.values():
        if source.ignored:
            ignored[source.ignored].append(source.identity)
    candidates = [source for source in found.values() if not source.ignored]
    return Discovery(
        files=tuple(_select(candidates, selection)),
        ignored={reason: tuple(names) for reason, names in ignored.items()},
        warnings=(*config.notices, *_warnings(candidates, config)),
    )


def _select(files: Sequence[SourceFile], selection: Selection) -> Iterable[SourceFile]:
    chosen = list(files)
    if selection.tables:
        wanted = {name.lower() for name in selection.tables}
        known = {str(source.table): source.table for source in files}
        for name in sorted(wanted - {table.name for table in known.values()} - set(known)):
            raise ConfigError(f"no folder is the table {name!r}", hint=f"there are: {', '.join(sorted(known))}")
        chosen = [source for source in chosen if {source.table.name, str(source.table)} & wanted]
    if selection.paths:
        roots = [path.expanduser().absolute() for path in selection.paths]
        for root in roots:
            if not any(_is_below(source, root) for source in files):
                raise ConfigError("no workbook there belongs to the data root", where=str(root))
        chosen = [source for source in chosen if any(_is_below(source, root) for root in roots)]
    return chosen


def _is_below(source: SourceFile, root: Path) -> bool:
    return Path(source.location).is_relative_to(root) or Path(source.location).resolve().is_relative_to(root.resolve())


def _warnings(files: Iterable[SourceFile], config: Config) -> Iterable[str]:
    folders: dict[TableName, dict[str, str]] = defaultdict(dict)
    present: set[tuple[str, ...]] = set()
    for source in files:
        folder, _, _ = source.identity.rpartition("/")
        folders[source.table].setdefault(folder.casefold(), folder)
        parts = tuple(part.casefold() for part in folder.split("/"))
        present.update(parts[:length] for length in range(1, len(parts) + 1))
    for table, spellings in folders.items():
        if len(spellings) > 1:
            listed = ", ".join(sorted(spellings.values()))
            yield f"the folders {listed} are all loaded into the table {table}; table: gives one another name"
    for configured in config.folders.configured_folders():
        if tuple(part.casefold() for part in configured.parts) not in present:
            yield f"{configured.where}: the folder {'/'.join(configured.parts)} has no workbook, or is not there"


def run(config: Config, *, selection: Selection | None = None, reporter: Reporter | None = None) -> RunReport:
    """Load what is not loaded yet.

    Args:
        config: The settings; with ``skip_db`` everything is read and nothing is written.
        selection: Which files; all by default.
        reporter: Is told what happens.

    Raises:
        ConfigError: The settings or the selection are wrong.
        PluginError: A plugin cannot be used.
        DatabaseError: There is no database, or it went away for good.
    """
    reporter = reporter or NullReporter()
    began = time.monotonic()
    stages = Stages(create_plugin_manager())
    discovery = find_files(config, stages, selection or Selection())
    for warning in discovery.warnings:
        reporter(Notice(text=warning, warning=True))
    with ExitStack() as resources:
        pipeline = _open_pipeline(config, stages, reporter, resources)
        destination = (
            pipeline.database.description if pipeline.database else "nowhere: everything is read, nothing is written"
        )
        reporter(
            RunStarted(
                destination=destination,
                files=len(discovery.files),
                bytes=sum(source.size for source in discovery.files),
            )
        )
        results = _process(pipeline, discovery.files)
        report = RunReport(
            run_id=pipeline.run_id,
            destination=destination,
            results=tuple(results),
            ignored=discovery.ignored,
            warnings=discovery.warnings,
            seconds=time.monotonic() - began,
        )
        reporter(RunFinished(report=report))
    return report


def _open_pipeline(config: Config, stages: Stages, reporter: Reporter, resources: ExitStack) -> Pipeline:
    database = None
    if not config.skip_db:
        database = resources.enter_context(open_database(config, lambda line: reporter(Notice(text=line))))
    return Pipeline(stages=stages, config=config, reporter=reporter, run_id=new_run_id(), database=database)


def _process(pipeline: Pipeline, files: Sequence[SourceFile]) -> list[FileResult]:
    known = pipeline.known({source.table for source in files})
    results = []
    for source in files:
        result = pipeline.process(source, known.get(source.table))
        results.append(result)
        if result.outcome is Outcome.FAILED and pipeline.config.on_error == "stop":
            break
    return results
