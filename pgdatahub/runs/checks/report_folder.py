"""Marked copies of the files of a run, in the folders that ``report_dir`` names."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pgdatahub.config import Config
from pgdatahub.config.report_folders import is_in_data_root, report_folder
from pgdatahub.errors import EncryptedError, PgDataHubError
from pgdatahub.model.events import Notice, Reporter
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.plugins.manager import Stages
from pgdatahub.reports.marked.marking import NEW_SUFFIX, mark_file
from pgdatahub.reports.marked.marks import Faults
from pgdatahub.system.storage import is_url

_SHOWN: Final = 3
"""Files that a line names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFolders:
    """Marked copies of a run.

    Attributes:
        marked: Path below the data root → path of the marked copy.
        warnings: Copies that could not be written.
    """

    marked: Mapping[str, str]
    warnings: tuple[str, ...]


def mark_results(
    config: Config, stages: Stages, results: Iterable[FileResult], reporter: Reporter, *, began: float
) -> ReportFolders:
    """Write a marked copy, for its sender, of each file that failed, or has rows set aside or cells emptied.

    Args:
        config: The settings.
        stages: The plugins.
        results: The results of the run.
        reporter: Receives a line about the copies, and warnings.
        began: The time at which the run began, in seconds since the epoch: addresses may be wrong in a file that changed since.
    """
    marked: dict[str, str] = {}
    failed: dict[str, list[str]] = {}
    for result in results:
        faults = _faults_of(result)
        if faults is None or result.source.options.report_dir is None:
            continue
        try:
            marked[result.source.identity] = str(_mark(config, stages, result, faults, began))
        except Exception as error:  # noqa: BLE001 - readers of plugins raise anything, and a mark must not end a run
            failed.setdefault(_reason(error), []).append(result.source.identity)
    warnings = tuple(_warning(reason, names) for reason, names in failed.items())
    if marked:
        reporter(Notice(text=_describe_marked(marked)))
    for text in warnings:
        reporter(Notice(text=text, warning=True))
    return ReportFolders(marked=marked, warnings=warnings)


def _describe_marked(marked: Mapping[str, str]) -> str:
    """Return one line about the marked copies of a run: their number, and the first ones."""
    paths = list(marked.values())
    more = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
    copies = "1 marked copy" if len(paths) == 1 else f"{len(paths):,} marked copies"
    return f"{copies} for senders: {', '.join(paths[:_SHOWN])}{more}"


def _faults_of(result: FileResult) -> Faults | None:
    """Return the faults that the sender can correct."""
    failure = result.failure
    if result.outcome is Outcome.FAILED and failure is not None:
        if not failure.faults and not failure.sender_can_fix:
            return None
        if failure.kind == EncryptedError.__name__ and result.source.options.password_env is not None:
            return None  # the password is missing here
        return Faults(file=result.source.identity, faults=failure.faults, failure=failure)
    return Faults(file=result.source.identity, faults=result.faults) if result.faults else None


def _mark(config: Config, stages: Stages, result: FileResult, faults: Faults, began: float) -> Path:
    source = result.source
    folder = report_folder(config, source.options)
    if folder is None:
        raise ValueError("the folder has no report_dir")
    target = folder / source.identity
    # Names of remote files may have any parts.
    if not Path(os.path.normpath(target)).is_relative_to(folder) or is_in_data_root(config, target):
        raise ValueError(f"its path would lead out of {folder}, or into the data root")
    # A time after now is that of another machine's clock.
    if not is_url(source.location) and began < Path(source.location).stat().st_mtime <= time.time():
        raise ValueError("the file changed during the run")
    target.parent.mkdir(parents=True, exist_ok=True)
    new_target = target.with_name(target.name + NEW_SUFFIX)
    return mark_file(source, faults, target, stages=stages, config=config, new_target=new_target).path


def _reason(error: Exception) -> str:
    if isinstance(error, PgDataHubError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _warning(reason: str, names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")
    copies = "1 marked copy is" if len(names) == 1 else f"{len(names):,} marked copies are"
    return f"{copies} not written: {shown} ({reason})"
