"""Drafts of contracts: from the values of files, or from the columns of a table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pgdatahub.config import Config
from pgdatahub.config.column_options import COLUMN_TYPES
from pgdatahub.config.without_rules import without_rules
from pgdatahub.errors import ConfigError
from pgdatahub.load.contracts.hidden_values import without_values
from pgdatahub.load.staging.checking import read_and_judge
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import RESERVED_COLUMNS, ColumnSchema, OpaqueType, TableName
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import is_unmade, open_database
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog
from pgdatahub.runs.checks.check import find_sources
from pgdatahub.runs.checks.draft_facts import ColumnFacts, DraftFile, DraftRows, TableDraft
from pgdatahub.values.copytext import unescape
from pgdatahub.values.counting import count
from pgdatahub.values.identifiers import cut, fold
from pgdatahub.values.sql_types import SqlType

_PLAIN: Final = re.compile(r"[A-Za-z_](?:[\w -]*\w)?|[0-9]+(?:\.[0-9]+)?", re.ASCII)


def draft_of_files(config: Config, paths: Iterable[Path], *, folder: str | None = None) -> str:
    """Return rules that the files keep, as a folder of ``etl_config.yaml``.

    Raises:
        ConfigError: A path is not found, or there is nothing to read.
        FileError: A file cannot be read.
    """
    stages = Stages(create_plugin_manager())
    found: dict[str, dict[TableName, TableDraft]] = {}
    for source in find_sources(config, paths, folder):
        if source.ignored is not None:
            continue
        tables = found.setdefault(folder or "/".join(source.identity.split("/")[:-1]) or "folder", {})
        for table, rows in _read(source, stages, config).items():
            tables.setdefault(table, TableDraft()).add(source, rows)
    if not found:
        raise ConfigError("nothing to read", where=", ".join(map(str, paths)))
    return "\n".join(block for name, tables in found.items() for block in _blocks(name, tables))


def _read(source: SourceFile, stages: Stages, config: Config) -> Mapping[TableName, DraftRows]:
    # The rules of now must not decide on those that the file keeps.
    source = replace(source, options=without_rules(source.options))
    file, error = read_and_judge(source, stages, config, kind=DraftFile)
    if error is not None:
        raise (error if source.options.shows_values else without_values(error)).located(source.identity)
    return {table: rows for table, rows in file.parts.items() if isinstance(rows, DraftRows)}


def _blocks(folder: str, tables: Mapping[TableName, TableDraft]) -> Iterator[str]:
    """Yield the lines of a folder: a block for each table, or one with the tables of its sheets."""
    if not any(draft.is_routed for draft in tables.values()):
        for table, draft in tables.items():
            yield _block(folder, _columns(draft), f"{draft.files}, {count(draft.rows, 'row')}, table {table}")
        return
    all_files = {file.location for draft in tables.values() for file in draft.sources}
    entries: dict[str, list[str]] = {}
    for table, draft in tables.items():
        cells = [f"range: {_scalar(draft.options.range)}"] if draft.options.range is not None else []
        lines = [f"table: {_scalar(table.name)}", *cells, *_rule_lines(_columns(draft))]
        for sheet, number in draft.sheets.items():
            optional = ["optional: true"] if number < len(all_files) else []
            entries.setdefault(sheet, []).append(
                "\n".join(f"        {line}" for line in (*lines[:1], *optional, *lines[1:]))
            )
    files = next(iter(tables.values())).files
    rows = count(sum(draft.rows for draft in tables.values()), "row")
    yield f"# drafted from {files}, {rows}\n{_scalar(folder)}:\n  sheets:"
    for sheet, texts in entries.items():
        yield f"    {_scalar(sheet)}:"
        yield from (f"      - {text.lstrip()}" for text in texts)


def _columns(draft: TableDraft) -> Mapping[str, Mapping[str, Any]]:
    """Return the options of the columns of a table by their keys."""
    rules = {
        name: {**_rules(column, draft, draft.facts.get(name, ColumnFacts())), **draft.entries.reading.get(name, {})}
        for name, column in draft.columns.items()
        if name not in draft.options.origin_columns
    }
    written = {name: draft.entries.keys.get(name, column.header) for name, column in draft.columns.items()}
    return {**_by_key(rules, written), **{key: {"skip": True} for key in draft.entries.skipped}}


def _rules(column: ColumnSchema, draft: TableDraft, facts: ColumnFacts) -> Mapping[str, Any]:
    """Return the rules that a column keeps; without ``samples``, those that show no value of a cell."""
    rules: dict[str, Any] = {}
    name = _type_name(column.type)
    if name is not None and facts.filled:
        rules["type"] = name
    if facts.filled and facts.tables == draft.places:
        rules["required"] = "true" if facts.filled == draft.rows else "column"
    if facts.keys is not None and facts.filled == draft.rows > 1 and column.type in _KEYS:
        rules["unique"] = "true"
    few = draft.options.samples and facts.texts is not None and facts.filled >= 10 * len(facts.texts) > 0
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
