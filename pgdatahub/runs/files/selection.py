"""Selection of a run's files: the candidates of the plugins, restricted to paths and tables that the user names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from pgdatahub.config import Config
from pgdatahub.config.found import nearest
from pgdatahub.errors import ConfigError
from pgdatahub.load.known.possible_tables import possible_tables
from pgdatahub.load.missing import Listing
from pgdatahub.model.files import SourceFile
from pgdatahub.plugins.manager import Stages
from pgdatahub.runs.files.folder_warnings import folder_warnings
from pgdatahub.runs.files.source_paths import exists, is_above, is_below
from pgdatahub.system.storage import is_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Files and tables that the user selects; everything by default.

    Attributes:
        paths: Files and folders.
        tables: Names of tables.
        locations: Exactly these files, in this order; a warning names missing files.
        reload_locations: Those of ``locations`` to load again.
        reload: Files and folders to load again, in place of their earlier imports; without ``paths`` and ``tables``, only
            these are loaded.
    """

    paths: tuple[Path, ...] = ()
    tables: tuple[str, ...] = ()
    locations: tuple[str, ...] | None = None
    reload_locations: frozenset[str] = frozenset()
    reload: tuple[Path, ...] = ()

    @property
    def everything(self) -> bool:
        """Return whether the selection is the whole data root."""
        return self == Selection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Files found in a data root.

    Attributes:
        files: The candidates, in the order of the run.
        ignored: Reason → files that are skipped for this reason.
        unreadable: Folder → reason why the folder cannot be read.
        warnings: Remarks for the user before loading.
        listing: The whole data root, if the run is over all of it: only then a file that is not there is missing.
    """

    files: tuple[SourceFile, ...]
    ignored: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    listing: Listing | None = None

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for each folder that cannot be read."""
        return tuple(f"{folder}: {reason}; no file in it is loaded" for folder, reason in self.unreadable.items())


def find_files(config: Config, stages: Stages, selection: Selection) -> Discovery:
    """Find the files of a run.

    Raises:
        ConfigError: The data root or a selected path or table is not found, or the reader in the settings is not
            installed.
    """
    if config.reader == "native":
        from pgdatahub.readers.xlsx.reader_choice import choose_reader

        choose_reader(config.reader)  # one error now, instead of one for each file
    found: dict[str, SourceFile] = {}
    for source in stages.discover(config):
        known = found.get(source.location)
        # A file that one plugin ignores may be a candidate of another plugin.
        if known is None or (known.ignored and not source.ignored):
            found[source.location] = source
    selection = _resolved(selection, found.values(), config)
    ignored: dict[str, list[str]] = defaultdict(list)
    unreadable: dict[str, str] = {}
    for source in found.values():
        if source.unreadable:
            if _may_hold(source, selection):
                unreadable[source.identity or source.location] = source.ignored or "the folder cannot be read"
        elif source.ignored and _is_asked_for(source, selection, config):
            ignored[source.ignored].append(source.identity)
    candidates = [source for source in found.values() if not source.ignored]
    empty = None if selection.locations is not None or candidates or unreadable else _why_empty(config, bool(found))
    if empty is not None and config.require_files:
        raise ConfigError(
            empty, where=config.data_root, hint="without --require-files (ETL_REQUIRE_FILES) it is a warning"
        )
    warnings = (
        *config.notices,
        *((f"{config.data_root}: {empty}",) if empty else ()),
        *folder_warnings(candidates, config),
    )
    if selection.locations is not None:
        present = {source.location: source for source in candidates}
        hidden = tuple(f"{source.location.rstrip('/')}/" for source in found.values() if source.unreadable)
        gone = [
            location for location in selection.locations if location not in present and not location.startswith(hidden)
        ]
        left = [present[location] for location in selection.locations if location in present]
        return Discovery(
            files=tuple(replace(source, reload=source.location in selection.reload_locations) for source in left),
            unreadable=unreadable,
            warnings=(*warnings, *(f"{location} was left to load, and is gone" for location in gone)),
        )
    return Discovery(
        files=tuple(_select(candidates, selection, config, unreadable, found.values())),
        unreadable=unreadable,
        ignored={reason: tuple(names) for reason, names in ignored.items()},
        warnings=warnings,
        listing=_listing(found.values(), unreadable) if selection == Selection() else None,
    )


def _listing(found: Iterable[SourceFile], unreadable: Collection[str]) -> Listing:
    sources = list(found)
    obstacle = f"{min(unreadable)} could not be read, and may hold it" if unreadable else None
    return Listing(
        files={source.identity: source for source in sources if not source.ignored},
        # While Excel saves a workbook, only the workbook's lock file may be there.
        present=frozenset(
            name for source in sources for name in (source.identity, source.identity.replace("/~$", "/"))
        ),
        obstacle=obstacle,
    )


def _resolved(selection: Selection, sources: Collection[SourceFile], config: Config) -> Selection:
    """Return the selection, with paths below the data root in place of relative ones that lead nowhere else.

    ``sales`` means ``data/sales`` unless the working directory has workbooks of the data root there.
    """
    if is_url(config.data_root):
        return selection  # whose paths are below the data root already

    def resolved(path: Path) -> Path:
        if path.is_absolute() or not path.parts or ".." in path.parts:
            return path
        if any(is_below(source, path) or is_above(source, path) for source in sources):
            return path
        inside = config.root_path / path
        there = any(is_below(source, inside) for source in sources) or (exists(inside) and not exists(path))
        return inside if there else path

    return replace(
        selection, paths=tuple(map(resolved, selection.paths)), reload=tuple(map(resolved, selection.reload))
    )


def _select(
    files: Sequence[SourceFile],
    selection: Selection,
    config: Config,
    unreadable: Collection[str],
    sources: Collection[SourceFile],
) -> Iterable[SourceFile]:
    chosen = list(files)
    if selection.tables:
        wanted = {name.lower() for name in selection.tables}
        possible = {source.location: possible_tables(source, config.schema_name) for source in files}
        known = {str(table): table for tables in possible.values() for table in tables.fixed}
        missing = {name for name in wanted if not any(tables.may_match(name) for tables in possible.values())}
        # The table may be in a folder that cannot be read.
        if missing and not unreadable:
            raise ConfigError(
                f"no folder is the table {min(missing)!r}", hint=nearest(min(missing), tuple(sorted(known)))
            )
        chosen = [
            replace(source, only_tables=frozenset(wanted)) if source.options.is_routed else source
            for source in chosen
            if any(possible[source.location].may_match(name) for name in wanted)
        ]
    again = _below(chosen, selection.reload, config, unreadable, sources)
    if selection.paths:
        chosen = [*_below(chosen, selection.paths, config, unreadable, sources), *again]
    elif selection.reload and not selection.tables:
        chosen = again
    marked = {source.location for source in again}
    unique = {
        source.location: replace(source, reload=True) if source.location in marked else source for source in chosen
    }
    return unique.values()


def _is_asked_for(source: SourceFile, selection: Selection, config: Config) -> bool:
    """Return whether the user's selection contains a skipped file."""
    if selection.tables:
        possible = possible_tables(source, config.schema_name)
        if not any(possible.may_match(name.lower()) for name in selection.tables):
            return False
    paths = selection.paths or (() if selection.tables else selection.reload)
    return not paths or any(is_below(source, path) for path in (*paths, *selection.reload))


def _may_hold(folder: SourceFile, selection: Selection) -> bool:
    """Return whether a folder that cannot be read may hold selected files."""
    if selection.locations is not None:
        return any(location.startswith(folder.location.rstrip("/") + "/") for location in selection.locations)
    paths = selection.paths or (() if selection.tables else selection.reload)
    if not paths:
        return True  # with --table too: the settings of a folder below may name the table
    return any(is_below(folder, path) or is_above(folder, path) for path in (*paths, *selection.reload))


def _why_empty(config: Config, has_entries: bool) -> str:
    """Return the probable reason for a data root without workbooks."""
    if has_entries:
        return "the data root has no workbook that could be loaded; is this the right folder?"
    if is_url(config.data_root):
        return "the data root is empty; are the bucket and the folder the right ones?"
    return "the data root is empty; if a network share or a volume belongs there, it is probably not mounted"


def _below(
    files: Sequence[SourceFile],
    paths: Iterable[Path],
    config: Config,
    unreadable: Collection[str],
    sources: Collection[SourceFile],
) -> list[SourceFile]:
    """Return the files at and below ``paths``.

    Raises:
        ConfigError: A path has no files.
    """
    roots = list(paths)
    for root in roots:
        if not any(is_below(source, root) for source in files) and not unreadable:
            raise _nothing_there(sources, root, config)
    return [source for source in files if any(is_below(source, root) for root in roots)]


def _nothing_there(sources: Collection[SourceFile], path: Path, config: Config) -> ConfigError:
    skipped = next((source for source in sources if source.ignored and is_below(source, path)), None)
    if skipped is not None:
        hint = f"skipped: {skipped.ignored}"
        return ConfigError("no workbook there would be loaded", where=str(path), hint=hint)
    missing = not is_url(config.data_root) and not exists(path)
    message = "file or folder not found" if missing else "no workbook there belongs to the data root"
    return ConfigError(message, where=str(path), hint=_nearest_path(sources, path, config))


def _nearest_path(sources: Iterable[SourceFile], path: Path, config: Config) -> str:
    """Return a hint: the file or folder in the data root whose path resembles ``path``, else the data root."""
    known = {
        "/".join(source.identity.split("/")[:length])
        for source in sources
        if not source.ignored
        for length in range(1, source.identity.count("/") + 2)
    }
    written = path.as_posix()
    root = str(config.data_root).rstrip("/")
    wanted = written.removeprefix(f"{root}/")
    folded = {name.casefold(): name for name in sorted(known)}
    close = get_close_matches(wanted.casefold(), folded, n=1, cutoff=0.7)
    if not close:
        return f"the data root is {config.data_root}"
    near = folded[close[0]]
    return f"did you mean {f'{root}/{near}' if wanted != written else near}?"
