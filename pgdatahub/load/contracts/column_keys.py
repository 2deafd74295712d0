"""Keys under ``columns:`` that mean no column of the files: most probably misspelt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from pgdatahub.config import Config, FolderOptions
from pgdatahub.config.column_layers import key_finder
from pgdatahub.model.batches import Table
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.column_naming import column_names
from pgdatahub.values.identifiers import cut, fold, is_positional


@dataclass(slots=True)
class Nearest:
    """The most similar one of some names, for the first misspelt keys of a file.

    A comparison takes some 16 µs. A file that has 500 columns, none of which the settings mean, is another file, and would take
    4 s for suggestions.
    """

    _comparisons_left: int = 10_000

    def __call__(self, key: str, names: Mapping[str, str]) -> str:
        """Return the most similar one of some names, by folded name; ``""`` if none is similar, or after too many comparisons."""
        if self._comparisons_left <= 0:
            return ""
        self._comparisons_left -= len(names)
        close = get_close_matches(fold(key), names, n=1, cutoff=0.6)
        return names[close[0]] if close else ""


@dataclass(slots=True, kw_only=True)
class ColumnKeys:
    """The keys under ``columns:`` for a file that mean a column of its sheets."""

    _matched: set[str] = field(default_factory=set)
    _headers: dict[str, bool] = field(default_factory=dict)

    def see(self, table: Table, options: FolderOptions) -> None:
        """Take the headers of a sheet's table into account."""
        if not options.columns:
            return
        find = key_finder(options.columns, column_names(table, options))
        for position, header in table.headers.items():
            found = find(position - table.first_column)
            self._headers[header] = self._headers.get(header, False) or bool(found)
            self._matched.update(found)

    def unknown(self, options: FolderOptions) -> dict[str, str]:
        """Return the keys that mean no column of the file, each with the most similar header that no key means, or ``""``."""
        origin = {fold(name) for name in options.origin_columns}
        free = {fold(header): header for header, taken in self._headers.items() if not taken}
        nearest = Nearest()
        return {
            key: nearest(key, free)
            for key in options.columns
            if self._headers and key not in self._matched and not is_positional(key) and fold(key) not in origin
        }


def warnings(
    config: Config,
    results: Iterable[FileResult],
    columns_of: Callable[[Iterable[TableName]], Mapping[TableName, frozenset[str]]],
) -> tuple[str, ...]:
    """Return a warning for each key that means no column of any file that was read, nor of a table.

    Args:
        config: The settings.
        results: The results of the files that were read.
        columns_of: Returns the names of the columns that tables have.
    """
    read: dict[tuple[str, str], list[tuple[SourceFile, str | None]]] = {}
    for result in results:
        if result.unknown_keys is None:
            continue
        source = result.source
        for key, where in config.folders.column_places(source.identity.split("/")[:-1]).items():
            read.setdefault((where, key), []).append((source, result.unknown_keys.get(key)))
    suspects = {place: files for place, files in read.items() if all(similar is not None for _, similar in files)}
    if not suspects:
        return ()
    present = columns_of({source.table for files in suspects.values() for source, _ in files})
    messages = []
    for (where, key), files in suspects.items():
        known = set().union(*(present.get(source.table, frozenset()) for source, _ in files))
        names = {name for source, _ in files for name in _names(key, source.options)}
        if not names & known:
            messages.append(_message(where, key, files))
    return tuple(messages)


def _names(key: str, options: FolderOptions) -> set[str]:
    """Return the names that the column of a key can have in the table."""
    column = options.columns.get(key)
    wanted = (key, column.rename) if column is not None and column.rename else (key,)
    return {cut(fold(name)) for name in wanted}


def _message(where: str, key: str, files: list[tuple[SourceFile, str | None]]) -> str:
    similar = next((header for _, header in files if header), None)
    number = len(files)
    place = files[0][0].identity if number == 1 else f"any of the {number:,} files read"
    return f"{where}: no column {key!r} in {place}" + (f"; did you mean {similar!r}?" if similar else "")
