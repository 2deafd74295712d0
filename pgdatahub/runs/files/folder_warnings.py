"""Warnings about folders before loading: shared tables, reserved names, and configured folders without workbooks."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from difflib import get_close_matches

from pgdatahub.config import Config
from pgdatahub.config.excludes import why_excluded
from pgdatahub.load.keys.other_rules import wanted_rules
from pgdatahub.load.known.possible_tables import possible_tables
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import METADATA_TABLES, TableName
from pgdatahub.postgres.keyed.names import companion_name
from pgdatahub.system.storage import is_url
from pgdatahub.values.numbers import canonical_number, parse_value


def folder_warnings(files: Iterable[SourceFile], config: Config) -> Iterable[str]:
    """Yield a warning for each table that several folders share, and for each configured folder without a workbook.

    Args:
        files: The candidates of the data root.
        config: The settings.
    """
    folders: dict[TableName, dict[str, str]] = defaultdict(dict)
    untold: set[TableName] = set()
    doubling: dict[str, None] = {}
    present: set[tuple[str, ...]] = set()
    companions: dict[TableName, TableName] = {}
    for source in files:
        folder, _, _ = source.identity.rpartition("/")
        for table in possible_tables(source, config.schema_name).fixed:
            folders[table].setdefault(folder.casefold(), folder)
            if not source.options.path_columns:
                untold.add(table)
        companions |= {companion_name(table): table for table, rule in wanted_rules(source) if rule is not None}
        options = source.options
        entries = [entry.options for rule in options.sheets for entry in rule.entries]
        if any(one.on_bad != "fail" and one.on_changed == "append" for one in entries or [options]):
            doubling[folder] = None
        parts = tuple(part.casefold() for part in folder.split("/"))
        present.update(parts[:length] for length in range(1, len(parts) + 1))
    for table, spellings in folders.items():
        # With path columns in all of them, the folders share the table on purpose: its rows tell them apart.
        if len(spellings) > 1 and table in untold:
            listed = ", ".join(sorted(spellings.values()))
            yield f"the folders {listed} are all loaded into the table {table}; table: gives one another name"
        if table.name in METADATA_TABLES:
            listed = ", ".join(sorted(spellings.values()))
            yield f"{listed} would be the table {table}, whose name the history of the loads has; set table: for it"
        if table in companions:
            listed = ", ".join(sorted(spellings.values()))
            yield (
                f"{listed} would be the table {table}, whose name {companions[table]} needs for the rows that others replace;"
                " set table: for it"
            )
    yield from _numbers_as_texts(config)
    for folder in doubling:
        yield f"{folder}: on_changed: append adds a corrected file to the rows that are loaded; replace, the default, does not"
    yield from _idle_folders(present, config)


def _numbers_as_texts(config: Config) -> Iterable[str]:
    """Yield a warning for each listed value that no number of a column without a type can equal."""
    told = set()
    for parts in ((), *(folder.parts for folder in config.folders.configured_folders())):
        places = config.folders.column_places(parts)
        for key, column in config.folders.options_for(parts).columns.items():
            if column.type is not None:
                continue
            for text in column.values:
                try:
                    canonical = canonical_number(parse_value(text.strip().encode())).decode()
                except (ValueError, ArithmeticError):
                    continue
                warning = (
                    f"{places.get(key, key)}: without type: the value {text!r} of the column {key!r} is a text, which no number"
                    f" equals; did you mean {canonical}?"
                )
                if canonical != text and warning not in told:
                    told.add(warning)
                    yield warning


def _idle_folders(present: Collection[tuple[str, ...]], config: Config) -> Iterable[str]:
    """Yield a warning for each configured folder that is missing or has no workbook, with the nearest name of a folder.

    Args:
        present: The folders with a workbook, in lower case.
        config: The settings.
    """
    idle: list[tuple[str, ...]] = []
    for configured in config.folders.configured_folders():
        parts = tuple(part.casefold() for part in configured.parts)
        above = any(parts[: len(other)] == other for other in idle)
        excluded = any(
            why_excluded(config.folders.excludes_for(parts[: length - 1]), parts[:length], is_folder=True)
            for length in range(1, len(parts) + 1)
        )
        if parts in present or above or excluded:
            continue
        idle.append(parts)
        folders = {folder[-1]: folder for folder in _folders_of(configured.parts[:-1], present, config)}
        name = "/".join(configured.parts)
        if parts[-1] in folders:
            yield f"{configured.where}: the folder {name} has no workbook"
            continue
        close = get_close_matches(parts[-1], folders, n=1, cutoff=0.6)
        near = "/".join((*configured.parts[:-1], folders[close[0]][-1])) if close else ""
        hint = f"; did you mean {near}?" if near else ""
        yield f"{configured.where}: the folder {name} is not in the data root{hint}"


def _folders_of(parent: tuple[str, ...], present: Collection[tuple[str, ...]], config: Config) -> set[tuple[str, ...]]:
    """Return the folders in a folder of the data root, in lower case: those with files, and the empty ones on the disk."""
    folded = tuple(part.casefold() for part in parent)
    found = {folder for folder in present if folder[:-1] == folded}
    if not is_url(config.data_root):
        with suppress(OSError), os.scandir(config.root_path.joinpath(*parent)) as entries:
            found |= {(*folded, entry.name.casefold()) for entry in entries if entry.is_dir()}
    return found
