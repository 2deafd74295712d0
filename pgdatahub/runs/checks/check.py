"""Check of files for their senders: reading and the contract of the folder alone, without a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pgdatahub.config import Config
from pgdatahub.errors import ConfigError
from pgdatahub.load.contracts.server_types import judge_of
from pgdatahub.load.results import failed, unexpected
from pgdatahub.load.staging.checking import CheckedFile, read_and_judge
from pgdatahub.model.faults import Fault, together
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Failure
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.discover_folders import discover
from pgdatahub.plugins.filters import why_ignored
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.readers.signatures import WORKBOOK_SUFFIXES
from pgdatahub.readers.tables.layout import EmptySheetError
from pgdatahub.values.identifiers import table_name

NO_CONTRACT: Final = "no contract: checked that it can be read"
"""Notice on a file whose folder has no rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """Result of the check of one file.

    Attributes:
        source: The file.
        status: ``ok``, ``faulty``, ``unreadable`` or ``ignored``.
        verdict: The fate of the file in a run: ``load``, ``quarantine``, ``blank`` or ``fail``.
        rows: The number of rows read.
        bad_rows: The number of rows with a fault.
        sheets: The sheets that were read.
        failure: The reason for which a run would refuse the file.
        notices: Remarks for the user.
        faults: The faults.
        in_data_root: The file is below the data root, where runs find it.
    """

    source: SourceFile
    status: str
    verdict: str
    rows: int = 0
    bad_rows: int = 0
    sheets: tuple[str, ...] = ()
    failure: Failure | None = None
    notices: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    in_data_root: bool = True

    @property
    def shown(self) -> str:
        """The path for the user: below the data root, or else below the working directory, or absolute."""
        if self.in_data_root:
            return self.source.identity
        path, directory = Path(self.source.location), Path.cwd()
        return path.relative_to(directory).as_posix() if path.is_relative_to(directory) else str(path)

    @property
    def has_faults(self) -> bool:
        """Return whether the sender has something to correct."""
        return self.status in ("faulty", "unreadable")


def check(config: Config, paths: Iterable[Path], *, folder: str | None = None) -> tuple[FileCheck, ...]:
    """Check files, and the workbooks in folders.

    Args:
        config: The settings; those of its folder apply to a file in the data root.
        paths: Files and folders.
        folder: The folder below the data root whose settings apply to all files, wherever they are.

    Raises:
        ConfigError: A path or the folder is not found, or there is nothing to check.
    """
    if folder is not None:
        _check_folder(config, folder)
    stages = Stages(create_plugin_manager())
    root = _root(config)
    results = tuple(
        replace(result, in_data_root=root is not None and str(root / result.source.identity) == result.source.location)
        for result in (_check(source, stages, config) for source in find_sources(config, paths, folder))
    )
    if all(result.status == "ignored" for result in results):
        raise ConfigError(
            "nothing to check", where=", ".join(map(str, paths)), hint="name workbooks or folders of them"
        )
    return results


def _check_folder(config: Config, folder: str) -> None:
    """Refuse a folder without options that is not on disk either; its name is most probably misspelt.

    Raises:
        ConfigError: The folder is not found.
    """
    parts, root = _parts(folder), _root(config)
    if not parts or config.folders.has(parts) or (root is not None and root.joinpath(*parts).is_dir()):
        return
    named = {"/".join(one.parts) for one in config.folders.configured_folders()}
    similar = next(iter(get_close_matches("/".join(parts), named, n=1)), None)
    raise ConfigError(
        f"no folder {folder!r} is in the settings or the data root",
        hint=f"did you mean {similar}?" if similar else None,
    )


def _parts(folder: str | None) -> tuple[str, ...]:
    return tuple(part for part in (folder or "").replace(os.sep, "/").split("/") if part)


def find_sources(config: Config, paths: Iterable[Path], folder: str | None) -> tuple[SourceFile, ...]:
    """Return the files that paths name, each once.

    Raises:
        ConfigError: A path is not found.
    """
    found: dict[str, SourceFile] = {}
    for path in paths:
        for source in _sources(config, path.expanduser(), folder):
            found.setdefault(source.location, source)
    return tuple(found.values())


def _sources(config: Config, path: Path, folder: str | None) -> Iterator[SourceFile]:
    path = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute() keeps "..", Path.resolve() follows links
    if not path.exists():
        raise ConfigError("no such file or folder", where=str(path))
    root = _root(config)
    inside = folder is None and root is not None and path.is_relative_to(root)
    if path.is_dir():
        start = root if inside and root is not None else path
        for source in discover(config.model_copy(update={"data_root": str(start)})):
            if not Path(source.location).is_relative_to(path):
                continue
            if inside:
                yield source
            elif not source.unreadable:
                # A file directly in this folder has no table of its own here, and needs none.
                reason = why_ignored(("folder", *source.identity.split("/")), WORKBOOK_SUFFIXES, hidden=False)
                if source.ignored is None or reason is None:
                    yield _outside(config, Path(source.location), folder, source.identity, None)
        return
    parts = path.relative_to(root).parts if inside and root is not None else (path.name,)
    if len(parts) > 1:
        yield _with_options(config, path, parts[:-1], "/".join(parts), None)
    else:
        yield _outside(config, path, folder, path.name, None)


def _root(config: Config) -> Path | None:
    try:
        return Path(os.path.abspath(config.root_path))  # noqa: PTH100 - as above
    except ConfigError:
        return None  # the data root is a URL


def _outside(config: Config, path: Path, folder: str | None, identity: str, ignored: str | None) -> SourceFile:
    return _with_options(config, path, _parts(folder), identity, ignored)


def _with_options(config: Config, path: Path, parts: Sequence[str], identity: str, ignored: str | None) -> SourceFile:
    options = config.folders.options_for(parts)
    name = options.table or table_name(parts or (path.stem,))
    return SourceFile(
        location=str(path),
        identity=identity,
        table=TableName(schema=options.schema or config.schema_name, name=name),
        options=options,
        size=path.stat().st_size,
        ignored=ignored,
    )


def _check(source: SourceFile, stages: Stages, config: Config) -> FileCheck:
    if source.ignored is not None:
        return FileCheck(source=source, status="ignored", verdict="load", notices=(source.ignored,))
    try:
        file, error = read_and_judge(source, stages, config)
    except (OSError, MemoryError, ArithmeticError, LookupError, TypeError, ValueError) as mistake:
        failure = unexpected(source, mistake, secrets=config.secrets, plugin=stages.responsible(mistake)).failure
        return FileCheck(source=source, status="unreadable", verdict="fail", failure=failure)
    notices = _not_judged(source) if _has_contract(source, file) else (NO_CONTRACT,)
    rows, bad = _counted(file)
    result = FileCheck(
        source=source,
        status="ok",
        verdict="load",
        rows=rows,
        bad_rows=bad,
        sheets=tuple(dict.fromkeys(sheet for part in file.parts.values() for sheet in part.sheets)),
        notices=notices,
    )
    if error is None:
        faults = together(
            fault for part in file.parts.values() if part.contract is not None for fault in part.contract.report.grouped
        )
        if not faults:
            return result
        verdict = next(
            (
                one
                for one in ("quarantine", "blank")
                for part in file.parts.values()
                if part.source.options.on_bad == one
            ),
            "fail",
        )
        return replace(result, status="faulty", verdict=verdict, faults=faults)
    if isinstance(error, EmptySheetError):
        return replace(result, notices=(error.message, *notices))
    failure = failed(source, error, secrets=config.secrets).failure
    faults = failure.faults if failure is not None else ()
    status = "faulty" if faults else "unreadable"
    return replace(result, status=status, verdict="fail", failure=failure, faults=faults)


def _has_contract(source: SourceFile, file: CheckedFile) -> bool:
    """Return whether a table that was read has rules, or could have had them where the file has no table."""
    if file.parts:
        return any(part.contract is not None for part in file.parts.values())
    return any(options.has_contract for options in source.options.of_tables)


def _not_judged(source: SourceFile) -> tuple[str, ...]:
    """Return a remark on columns whose type only the server knows."""
    unknown = {
        f"{key} ({column.server_type})"
        for options in source.options.of_tables
        for key, column in options.columns.items()
        if column.server_type is not None and not column.skip and judge_of(column.server_type) is None
    }
    return (f"only the server can check {', '.join(sorted(unknown))}",) if unknown else ()


def _counted(file: CheckedFile) -> tuple[int, int]:
    """Return the number of rows, and of those with a fault."""
    rows = bad = 0
    for part in file.parts.values():
        rows += part.contract.report.rows if part.contract is not None else part.tally.rows
        bad += part.contract.report.bad_rows if part.contract is not None else 0
    return rows, bad
