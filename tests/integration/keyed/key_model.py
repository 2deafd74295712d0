"""A model of a keyed table: the list of loaded files; everything else is computed from it.

The model knows no history of loading: the table has the greatest row of each key, the companion has all others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pgdatahub.plugins.filters import natural

COLUMNS = ("k1", "k2", "u", "w")
Texts = tuple[str, ...]
"""The row as texts in the order of ``COLUMNS``, then the file's path; empty for NULL, and ``hand`` for no file."""


def text_of(value: object) -> str:
    """Return a value as canonical text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return str(value.date()) if (value.hour, value.minute) == (0, 0) else str(value)
    if isinstance(value, date):
        return str(value)
    if isinstance(value, float):
        value = format(value, "f").rstrip("0").rstrip(".") if value != int(value) else str(int(value))
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """The options of the folder."""

    mode: str = "merge"
    key: tuple[str, ...] = ("k1",)
    newest: str = "path"
    duplicates: str = "fail"
    on_changed: str = "replace"
    flag: bool = False
    own: bool = False
    """The user made the table, with an identity."""

    def yaml(self, folder: str) -> str:
        """Return the section of a folder in etl_config.yaml."""
        lines = [f"{folder}:", f"  table: {folder}", f"  newest: {self.newest}", f"  on_changed: {self.on_changed}"]
        lines += [f"  key: [{', '.join(self.key)}]", f"  duplicates: {self.duplicates}"] if self.mode == "merge" else []
        lines = lines[:2] if self.mode == "append" else lines
        lines += ["  mode: snapshot"] if self.mode == "snapshot" else []
        lines += ["  missing_keys: flag missing"] if self.flag else []
        lines += ["  columns: {u: {type: integer}}"] if self.newest == "u" else []
        return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A workbook."""

    path: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    modified: int = 0

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """Its content, to compare; the order of columns does not matter."""
        order = sorted(range(len(self.columns)), key=self.columns.__getitem__)
        return (
            tuple(self.columns[place] for place in order),
            *(tuple(text_of(row[place]) for place in order) for row in self.rows),
        )


@dataclass(slots=True)
class KeyModel:
    """The loaded files, each with the number of its load, and the rows made by hand."""

    settings: KeySettings
    live: list[tuple[KeyFile, int]] = field(default_factory=list)
    hand: list[Texts] = field(default_factory=list)

    def known(self, file: KeyFile) -> bool:
        return any((one.path, one.texts) == (file.path, file.texts) for one, _ in self.live)

    def load(self, file: KeyFile, number: int) -> None:
        if self.settings.on_changed == "replace":
            self.live = [(one, at) for one, at in self.live if one.path != file.path]
        self.live.append((file, number))

    def fails(self, file: KeyFile, *, is_first: bool) -> bool:
        settings = self.settings
        if is_first and settings.newest == "u" and "u" not in file.columns:
            return True
        if settings.mode == "snapshot":
            return False
        if any(name not in file.columns for name in settings.key):
            return True
        best = defaultdict(list)
        for row in (dict(zip(file.columns, values, strict=True)) for values in file.rows):
            if any(row[name] is None for name in settings.key):
                return True
            best[tuple(text_of(row[name]) for name in settings.key)].append(self._column(row))
        return settings.duplicates == "fail" and any(values.count(max(values)) > 1 for values in best.values())

    def state(self) -> tuple[list[Texts], list[Texts], list[Texts]]:
        """Return the rows of the table, of the companion, and those of the table that are flagged."""
        newest = max((self._rank(file, at) for file, at in self.live), default=None)
        groups: dict[object, list[tuple[Any, ...]]] = defaultdict(list)
        for file, at in self.live:
            for number, (row, texts) in enumerate(self._rows(file)):
                place = number if self.settings.duplicates == "last" else -number
                groups[self._group(texts)].append((1, self._column(row), self._rank(file, at), place, texts))
        for texts in self.hand:
            groups[self._group(texts)].append((0, self._column(self._by_hand(texts)), (), 0, texts))
        if self.settings.mode == "snapshot":
            rows = [one for group in groups.values() for one in group]
            shown = sorted(row[-1] for row in rows if row[2] == newest)
            return shown, sorted(row[-1] for row in rows if row[2] != newest), []
        table, beside = [], []
        for group in groups.values():
            group.sort()
            table.append(group[-1])
            beside += group[:-1]
        missing = [row[-1] for row in table if row[2] != newest] if self.settings.flag and self.live else []
        return sorted(row[-1] for row in table), sorted(row[-1] for row in beside), sorted(missing)

    def can_be_ordered(self) -> bool:
        """Return whether stored rows can be given this key: none is empty, and no two of a file tie at the top."""
        settings = self.settings
        files = [list(self._rows(file)) for file, _ in self.live]
        files.append([(self._by_hand(texts), texts) for texts in self.hand])
        for rows in files:
            best = defaultdict(list)
            for row, texts in rows:
                key = self._group(texts)
                if isinstance(key, tuple) and "" in key:
                    return False
                best[key].append(self._column(row))
            if any(values.count(max(values)) > 1 for values in best.values()):
                return False
        return settings.mode == "merge"

    def keys(self) -> dict[object, Texts]:
        """Return key → the row in the table."""
        return {self._group(texts): texts for texts in self.state()[0]}

    def keys_of(self, file: KeyFile) -> set[object]:
        """Return the keys of a file."""
        return {self._group(texts) for _, texts in self._rows(file)}

    def _group(self, texts: Texts) -> object:
        return tuple(texts[COLUMNS.index(name)] for name in self.settings.key) if self.settings.mode == "merge" else ()

    def _rows(self, file: KeyFile) -> Iterator[tuple[dict[str, Any], Texts]]:
        for values in file.rows:
            row = dict(zip(file.columns, values, strict=True))
            yield row, (*(text_of(row.get(name)) for name in COLUMNS), file.path)

    def _by_hand(self, texts: Texts) -> dict[str, Any]:
        u = texts[COLUMNS.index("u")]
        return {"u": int(u) if u else None}

    def _column(self, row: dict[str, Any]) -> tuple[Any, ...]:
        if self.settings.newest != "u":
            return ()
        return (0,) if row.get("u") is None else (1, row["u"])

    def _rank(self, file: KeyFile, at: int) -> tuple[Any, ...]:
        orders = {"loaded": (at,), "modified": (file.modified, natural(file.path), at)}
        return orders.get(self.settings.newest, (natural(file.path), at))
