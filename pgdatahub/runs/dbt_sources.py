"""The loaded tables as sources of dbt: columns, types, descriptions, freshness, and tests from the contracts of folders.

The form is that of dbt 1.10 and later, where freshness stands below ``config`` and the values of a test below ``arguments``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pgdatahub.config import ColumnOptions, Config, FolderOptions
from pgdatahub.errors import ConfigError, PgDataHubError
from pgdatahub.load.known.possible_tables import possible_tables
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import LOAD_TIMESTAMP, SOURCE_FILE, ColumnSchema, TableName, TableSchema
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.postgres.database import is_unmade, open_database
from pgdatahub.postgres.history.imports import History
from pgdatahub.postgres.history.inventory import take_inventory
from pgdatahub.postgres.history.known_tables import named_tables
from pgdatahub.postgres.keyed.rules import TableRule, all_rules
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.postgres.tables import catalog
from pgdatahub.postgres.tables.ddl import quoted_name

_JINJA: Final = re.compile(r"\{(?=[{%#])")
_OWN_COLUMNS: Final = {
    SOURCE_FILE: "The file that the row is from, with its path.",
    LOAD_TIMESTAMP: "The time of the import that loaded the row, UTC.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DbtSources:
    """Sources of dbt.

    Attributes:
        document: The content of the file, as plain values.
        notices: Contracts that could not become tests, and other remarks.
    """

    document: Mapping[str, Any]
    notices: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Folders:
    """The options under which files are loaded into a table, each once."""

    options: list[FolderOptions] = field(default_factory=list)

    def add(self, options: FolderOptions) -> None:
        if options not in self.options:
            self.options.append(options)


def dbt_sources(
    config: Config,
    *,
    source: str = "workbooks",
    tables: Collection[str] = (),
    warn_days: int = 8,
    error_days: int | None = None,
) -> DbtSources:
    """Return the tables that the history names as sources of dbt.

    Args:
        config: The settings.
        source: The name of the source; of each, if the tables are in several schemas, with the schema's name behind it.
        tables: Only these tables, by name or by ``schema.name``; all if empty.
        warn_days: Age of the newest rows, in days, from which dbt warns.
        error_days: Age from which dbt fails; None for never.

    Raises:
        ConfigError: A table is not in the history, or there is none.
        DatabaseError: The database does not answer.
    """
    if is_unmade(config, lambda _line: None):
        raise ConfigError("there is no database yet", hint="pgdatahub run makes it")
    folders, notices = _folders(config)
    with (
        open_database(config, lambda _line: None) as database,
        transaction(database.engine, read_only=True) as connection,
    ):
        history = History(config.schema_name)
        known = (
            tuple(one.table for one in take_inventory(connection, history) if one.exists)
            if history.exists(connection)
            else ()
        )
        if tables:
            wanted = named_tables(tables, known)
            known = tuple(table for table in known if table in wanted)
        if not known:
            raise ConfigError("no table was loaded yet", where=database.description, hint="pgdatahub run loads them")
        rules = all_rules(connection, history.schema)
        described: dict[str, list[dict[str, Any]]] = {}
        for table in known:
            reflected = catalog.reflect(connection, table)
            if reflected is not None:
                found = _options_of(table, folders, config.schema_name)
                entry = _Table(reflected, found, rules.get(table), _quoted(connection, reflected), notices)
                described.setdefault(table.schema, []).append(entry.described())
    freshness: dict[str, Any] = {"warn_after": {"count": warn_days, "period": "day"}}
    if error_days is not None:
        freshness["error_after"] = {"count": error_days, "period": "day"}
    sources = [
        {
            "name": source if len(described) == 1 else f"{source}_{schema}",
            "schema": _plain(schema),
            "description": "Tables that pgdatahub loads from workbooks.",
            "quoting": {"schema": True, "identifier": True},
            "config": {"loaded_at_field": LOAD_TIMESTAMP, "freshness": freshness},
            "tables": entries,
        }
        for schema, entries in described.items()
    ]
    return DbtSources(document={"version": 2, "sources": sources}, notices=tuple(notices))


def _folders(config: Config) -> tuple[Sequence[SourceFile], list[str]]:
    """Return the files of the data root, whose options are the contracts."""
    try:
        files = [source for source in Stages(create_plugin_manager()).discover(config) if not source.ignored]
    except PgDataHubError as error:
        return (), [f"the data root cannot be listed, so no contract became a test: {error}"]
    return files, []


def _options_of(table: TableName, files: Iterable[SourceFile], schema: str) -> Sequence[FolderOptions]:
    """Return the options under which the settings load files into a table."""
    found = _Folders()
    for source in files:
        options = source.options
        if table not in possible_tables(source, schema):
            continue
        if not options.is_routed:
            found.add(options)
        for rule in options.rules:
            for entry in rule.entries:
                name = entry.table or (None if options.table_per_sheet else source.table.name)
                if not entry.skip and name in (None, table.name):
                    found.add(entry.options)
    return found.options


def _quoted(connection: Connection, table: TableSchema) -> frozenset[str]:
    """Return the columns whose names need quotes: words of SQL, and characters that no plain name has."""
    names = [column.name for column in table.columns]
    query = "SELECT name FROM unnest(CAST(%(names)s AS text[])) name WHERE quote_ident(name) <> name"
    return frozenset(row.name for row in connection.execute(query, {"names": names}))


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of a source."""

    table: TableSchema
    folders: Sequence[FolderOptions]
    rule: TableRule | None
    quoted: frozenset[str]
    notices: list[str]

    def described(self) -> dict[str, Any]:
        columns = []
        tests: list[Any] = []
        for column in self.table.columns:
            entry: dict[str, Any] = {"name": _plain(column.name), "data_type": column.type.sql}
            text = _OWN_COLUMNS.get(column.name) or _description(column)
            if text:
                entry["description"] = _plain(text)
            if column.name in self.quoted:
                entry["quote"] = True
            of_column = [*self._of_column(column)]
            if column.name in _OWN_COLUMNS:
                of_column = ["not_null"]
            elif self._is_unique(column):
                if self._is_unique_in_table(column):
                    of_column.append("unique")
                else:
                    tests.append(self._unique_in_file(column))
            if of_column:
                entry["data_tests"] = of_column
            columns.append(entry)
        described: dict[str, Any] = {"name": _plain(self.table.table.name), "columns": columns}
        if tests:
            described["data_tests"] = tests
        return described

    def _options(self, column: ColumnSchema) -> Sequence[ColumnOptions]:
        """Return the options of a column in all folders; none if a folder has none."""
        found = [
            next((one for key, one in folder.columns.items() if folder.column_name(key) == column.name), None)
            for folder in self.folders
        ]
        return [] if None in found else [one for one in found if one is not None]

    def _of_column(self, column: ColumnSchema) -> Iterable[Any]:
        of_folders = self._options(column)
        if not of_folders:
            return
        # Cells that break a rule are emptied under on_bad: blank.
        if all(one.required == "true" for one in of_folders) and all(one.on_bad != "blank" for one in self.folders):
            yield "not_null"
        if all(one.values for one in of_folders):
            values = dict.fromkeys(value for one in of_folders for value in one.values)
            # dbt puts a value between quotes as it is.
            yield {"accepted_values": {"arguments": {"values": [_plain(value.replace("'", "''")) for value in values]}}}

    def _is_unique(self, column: ColumnSchema) -> bool:
        key = self.rule.rule.key if self.rule is not None else ()
        of_folders = self._options(column)
        return key == (column.name,) or (bool(of_folders) and all(one.unique for one in of_folders))

    def _is_unique_in_table(self, column: ColumnSchema) -> bool:
        """Return whether a value is in the table once: it is the key, or the table has the rows of one file."""
        if self.rule is None:
            return False
        return self.rule.rule.key == (column.name,) or self.rule.rule.mode == "snapshot"

    def _unique_in_file(self, column: ColumnSchema) -> Any:
        """Return a test that no value is there twice in a file, which is all that ``unique: true`` promises."""
        names = (SOURCE_FILE, LOAD_TIMESTAMP, column.name)
        row = f"({', '.join(map(quoted_name, names))})"
        name = re.sub(r"\W", "_", f"unique_in_a_file_{self.table.table.name}_{column.name}")
        return {"unique": {"name": name, "arguments": {"column_name": _plain(row)}}}


def _description(column: ColumnSchema) -> str:
    """Return the description of a column, else its header where that tells more than the name."""
    if column.description:
        return column.description
    return f"Header: {column.header}" if column.header and column.header != column.name else ""


def _plain(text: str) -> str:
    """Return a text that dbt, which renders all texts by Jinja, shows as it is."""
    return _JINJA.sub('{{ "{" }}', text)
