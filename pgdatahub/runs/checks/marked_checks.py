"""Marked copies of checked files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pgdatahub.config import Config
from pgdatahub.config.report_folders import is_in_data_root
from pgdatahub.errors import ConfigError
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.reports.marked.marking import NEW_SUFFIX, MarkedFile, mark_file
from pgdatahub.reports.marked.marks import Faults
from pgdatahub.runs.checks.check import FileCheck
from pgdatahub.values.counting import count


def mark_checks(config: Config, results: Sequence[FileCheck], out: Path) -> Iterator[str]:
    """Write a marked copy of each file with faults; yield a line about each.

    Args:
        config: The settings.
        results: The checked files.
        out: The copy of a single file; else a folder, in which the copies lie as the files lie below the data root. A folder
            that is missing is made.

    Raises:
        ConfigError: ``out`` does not fit, or a copy cannot be written.
    """
    stages = Stages(create_plugin_manager())
    checked = [result for result in results if result.status != "ignored"]
    is_folder = out.is_dir() or str(out).endswith(("/", os.sep)) or (len(checked) > 1 and not out.suffix)
    if len(checked) > 1 and not is_folder:
        raise ConfigError(
            f"{len(checked)} files are checked, and --mark names one workbook", where=str(out), hint="name a folder"
        )
    marked = 0
    for result in checked:
        if not result.has_faults:
            continue
        target = out / result.source.identity if is_folder else out
        try:
            if is_folder:
                target.parent.mkdir(parents=True, exist_ok=True)
            yield _line(_mark(config, stages, result, target, beside=is_folder))
        except OSError as error:
            raise ConfigError(
                f"the marked copy cannot be written: {error.strerror or error}", where=str(target)
            ) from error
        marked += 1
    if marked and is_in_data_root(config, out):
        yield f"note     {out} is in the data root, where a run reads it"
    if not marked:
        yield f"nothing is marked: {'the file has no fault' if len(checked) == 1 else 'no file has a fault'}"


def _mark(config: Config, stages: Stages, result: FileCheck, target: Path, *, beside: bool) -> MarkedFile:
    faults = Faults(file=result.source.identity, faults=result.faults, failure=result.failure)
    new_target = target.with_name(target.name + NEW_SUFFIX) if beside else None
    return mark_file(result.source, faults, target, stages=stages, config=config, new_target=new_target)


def _line(marked: MarkedFile) -> str:
    remarks = f" ({'; '.join(marked.remarks)})" if marked.remarks else ""
    return f"marked   {marked.path}: {count(marked.cells, 'cell')} coloured{remarks}"
