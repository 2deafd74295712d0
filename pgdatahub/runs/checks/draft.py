"""Drafts of contracts: from the values of files, or from the columns of a table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from pgdatahub.config import Config
from pgdatahub.config.column_options import COLUMN_TYPES
from pgdatahub.config.without_rules import without_rules
from pgdatahub.errors import ConfigError
from pgdatahub.load.contracts.hidden_values import without_values
from pgdatahub.load.parts import Part
from pgdatahub.load.staging.checking import CheckedFile, CountedRows, read_and_judge
from pgdatahub.load.staging.staged_rows import StagedRows
from pgdatahub.model.batches import ColumnBatch, NormalizedBatch, NormalizedColumn
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import RESERVED_COLUMNS, ColumnSchema, OpaqueType
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import is_unmade, open_database
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog
from pgdatahub.runs.checks.check import find_sources
from pgdatahub.runs.checks.draft_entries import DraftEntries
from pgdatahub.values.copytext import unescape
from pgdatahub.values.identifiers import cut, fold
from pgdatahub.values.sql_types import SqlType

_MOST_WORDS: Final = 10
"""Maximum number of distinct texts that become ``values:``; there must be ten times as many cells."""
_MOST_KEYS: Final = 200_000
"""Maximum number of values that are compared for ``unique:``."""
_PLAIN: Final = re.compile(r"[A-Za-z_](?:[\w -]*\w)?|[0-9]+(?:\.[0-9]+)?", re.ASCII)


@dataclass(slots=True, kw_only=True)
class _Facts:
    """Facts about the cells of a column in all files."""

    cells: int = 0
    filled: int = 0
    texts: set[bytes] | None = field(default_factory=set)
    keys: set[bytes] | None = field(default_factory=set)

    def add(self, column: NormalizedColumn, rows: int) -> None:
        filled = [text for text in column.texts if text]
        self.cells += rows
        self.filled += len(filled)
        if self.keys is not None:
            before = len(self.keys)
            self.keys.update(filled)
            if len(self.keys) < before + len(filled) or len(self.keys) > _MOST_KEYS:
                self.keys = None
        if self.texts is not None:
            self.texts.update(filled)
            if len(self.texts) > _MOST_WORDS:
                self.texts = None


@dataclass(slots=True, kw_only=True)
class _DraftRows(CountedRows):
    """Rows that are counted, with facts about the values of each column."""

    facts: dict[str, _Facts] = field(default_factory=dict)

    def add(self, batch: NormalizedBatch, *, sheet: str, rows: Sequence[int]) -> Iterator[ColumnBatch]:
        """Count a batch; yield nothing."""
        for column in batch.columns:
            # A column that comes late was empty until then.
            facts = self.facts.setdefault(column.name, _Facts(cells=self.tally.rows))
            facts.add(column, batch.rows)
        return CountedRows.add(self, batch, sheet=sheet, rows=rows)


@dataclass(slots=True, kw_only=True)
class _DraftFile(CheckedFile):
    """A file whose values are noted."""

    kind: type[CountedRows] = _DraftRows

    def begin(self, part: Part) -> StagedRows:
        """Begin a part and return its rows."""
        rows = CheckedFile.begin(self, part)
        rows.keys = DraftEntries()
        return rows


def draft_of_files(config: Config, paths: Iterable[Path], *, folder: str | None = None) -> str:
    """Return rules that the files keep, as a folder of ``etl_config.yaml``.

    Raises:
        ConfigError: A path is not found, or there is nothing to read.
        FileError: A file cannot be read.
    """
    stages = Stages(create_plugin_manager())
    blocks: list[str] = []
    for source in find_sources(config, paths, folder):
        if source.ignored is None:
            blocks += _draft_of_file(source, stages, config, folder)
    if not blocks:
        raise ConfigError("nothing to read", where=", ".join(map(str, paths)))
    return "\n".join(blocks)


def _draft_of_file(source: SourceFile, stages: Stages, config: Config, folder: str | None) -> Iterator[str]:
    # The rules of now must not decide on those that the file keeps.
    source = replace(source, options=without_rules(source.options))
    file, error = read_and_judge(source, stages, config, kind=_DraftFile)
    if error is not None:
        raise (error if source.options.shows_values else without_values(error)).located(source.identity)
    blocks: list[tuple[SourceFile, Sequence[str], Mapping[str, Mapping[str, Any]]]] = []
    for table, rows in file.parts.items():
        if not (isinstance(rows, _DraftRows) and isinstance(rows.keys, DraftEntries)):
            raise TypeError(f"rows of {table} without facts")
        options = rows.source.options
        rules = {
            name: {
                **_rules(column, rows.facts.get(name, _Facts()), samples=options.samples),
                **rows.keys.reading.get(name, {}),
            }
            for name, column in rows.tally.columns.items()
            if name not in options.origin_columns
        }
        written = {name: rows.keys.keys.get(name, column.header) for name, column in rows.tally.columns.items()}
        drafted = {**_by_key(rules, written), **{key: {"skip": True} for key in rows.keys.skipped}}
        blocks.append((rows.source, rows.sheets, drafted))
    name = folder or "/".join(source.identity.split("/")[:-1]) or "folder"
    origin = f"{source.identity}, {file.rows:,} {'row' if file.rows == 1 else 'rows'}"
    if not source.options.is_routed:
        ((part, _, columns),) = blocks
        yield _block(name, columns, f"{origin}, table {part.table}")
        return
    entries: dict[str, list[str]] = {}
    for part, sheets, columns in blocks:
        cells = [f"range: {_scalar(part.options.range)}"] if part.options.range is not None else []
        lines = [f"table: {_scalar(part.table.name)}", *cells, *_rule_lines(columns)]
        for sheet in dict.fromkeys(sheets):
            entries.setdefault(sheet, []).append("\n".join(f"        {line}" for line in lines))
    yield f"# drafted from {origin}\n{_scalar(name)}:\n  sheets:"
    for sheet, tables in entries.items():
        yield f"    {_scalar(sheet)}:"
        yield from (f"      - {table.lstrip()}" for table in tables)


def _rules(column: ColumnSchema, facts: _Facts, *, samples: bool) -> Mapping[str, Any]:
    """Return the rules that a column keeps; without ``samples``, those that show no value of a cell."""
    rules: dict[str, Any] = {}
    name = _type_name(column.type)
    if name is not None and facts.filled:
        rules["type"] = name
    if facts.filled:
        rules["required"] = "true" if facts.filled == facts.cells else "column"
    if facts.keys is not None and facts.filled == facts.cells > 1 and column.type in _KEYS:
        rules["unique"] = "true"
    few = samples and facts.texts is not None and facts.filled >= 10 * len(facts.texts) > 0
    if few and facts.texts is not None and column.type is SqlType.TEXT:
        rules["values"] = sorted(map(unescape, facts.texts))
    return rules


_KEYS: Final = frozenset({SqlType.INTEGER, SqlType.BIGINT, SqlType.BIGINT_WIDE, SqlType.TEXT})


def draft_of_table(config: Config, table: str) -> str:
    """Return the columns of a table with their types, as a folder of ``etl_config.yaml``.

    Raises:
        ConfigError: The table is not found.
        DatabaseError: The database does not answer.
    """
    schema, _, name = table.rpartition(".")
    if is_unmade(config, lambda _line: None):
        raise ConfigError("there is no database yet", hint="run first; check --draft FILE needs none")
    with (
        open_database(config, lambda _line: None) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        wanted = next(
            (
                known
                for known in sorted(catalog.all_tables(connection), key=lambda one: one.schema != config.schema_name)
                if known.name == name and (not schema or known.schema == schema)
            ),
            None,
        )
        found = catalog.reflect(connection, wanted) if wanted is not None else None
    if found is None:
        raise ConfigError(f"no table {table}", where=database.description)
    columns = {column.name: column for column in found.columns if column.name not in RESERVED_COLUMNS}
    rules = {
        name: ({"type": kind} if (kind := _type_name(column.type)) else {}) | _renaming(name, column.header)
        for name, column in columns.items()
        if not (isinstance(column.type, OpaqueType) and column.type.computed)
    }
    lines = _by_key(rules, {name: column.header for name, column in columns.items()})
    return _block(found.table.name, lines, f"table {found.table}; name the folder")


def _renaming(name: str, header: str | None) -> dict[str, str]:
    """Return the option that gives a column its name, if neither its header nor a number behind the header's name does."""
    plain = cut(fold(header or ""))
    is_numbered = name.startswith(f"{plain}_") and name[len(plain) + 1 :].isdecimal()
    return {} if not plain or plain == name or is_numbered else {"rename": name}


def _type_name(kind: SqlType | OpaqueType) -> str | None:
    if isinstance(kind, OpaqueType):
        return kind.sql
    stored = SqlType.BIGINT_WIDE if kind is SqlType.BIGINT else kind
    return next((name for name, known in COLUMN_TYPES.items() if known is stored), None)


def _by_key(
    rules: Mapping[str, Mapping[str, Any]], headers: Mapping[str, str | None]
) -> Mapping[str, Mapping[str, Any]]:
    """Return the rules of columns by the keys that mean them: the header, or the name where headers are missing or equal.

    A name that is also a header means the columns with that header. Then these columns share the rules that are equal.
    """
    written = {name: (headers[name] or "").strip() for name in rules}
    times = Counter(written.values())
    keyed: dict[str, Mapping[str, Any]] = {}
    for name, given in rules.items():
        header = written[name]
        alike = [one for one, text in written.items() if text == header]
        if header and times[header] == 1:
            keyed[header] = given
        elif not header or not ("rename" in given or any(one in times for one in alike)):
            keyed[name] = given
        else:
            keyed[header] = {
                key: value for key, value in given.items() if all(rules[one].get(key) == value for one in alike)
            }
    return keyed


def _block(folder: str, columns: Mapping[str, Mapping[str, Any]], origin: str) -> str:
    rules = "\n".join(f"  {line}" for line in _rule_lines(columns))
    return f"# drafted from {origin}\n{_scalar(folder)}:\n{rules}"


def _rule_lines(columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = ["new_columns: listed", "columns:"]
    for key, rules in columns.items():
        inner = ", ".join(f"{name}: {_value(value)}" for name, value in rules.items())
        name = _scalar(key)
        # YAML limits a plain key to 1,024 characters.
        lines += [f"  {name}: {{{inner}}}"] if len(name) <= 1000 else [f"  ? {name}", f"  : {{{inner}}}"]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    return str(value).lower() if isinstance(value, bool) else _scalar(str(value))


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else "".join(map(_escaped, json.dumps(text, ensure_ascii=False)))


def _escaped(character: str) -> str:
    """Return a character as a double-quoted scalar of YAML takes it."""
    return character if character.isprintable() else f"\\U{ord(character):08x}"
