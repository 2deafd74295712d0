"""Workbooks in folders, loaded and reverted on a real server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter
from psycopg import sql

from pgdatahub.config import Config, load_config
from pgdatahub.model.imports import ImportRow
from pgdatahub.model.results import Outcome, RunReport
from pgdatahub.model.schema import METADATA_TABLES
from pgdatahub.runs.history import HistoryEntry, history
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.verification.result import Verification
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import UndoResult, revert, revert_schema

Rows = Sequence[Sequence[Any]]


def write_workbook(path: Path, headers: Sequence[str], rows: Rows, *, note: str = "") -> Path:
    """Write a workbook; ``note`` changes its bytes and not its content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        book.set_properties({"comments": note})
        sheet, elapsed = book.add_worksheet("Sheet1"), book.add_format({"num_format": "[h]:mm:ss"})
        sheet.write_row(0, 0, headers)
        for number, row in enumerate(rows, 1):
            for position, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, position, value)
                elif isinstance(value, timedelta):
                    sheet.write_datetime(number, position, value, elapsed)
                elif value is not None:
                    sheet.write(number, position, value)
    return path


class Hub:
    """A data root, a database, and what can be done with them."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self.database_url = database_url
        self.directory = directory
        self.root = directory / "data"
        self.root.mkdir()

    def config(self, **overrides: Any) -> Config:
        file = self.directory / "etl_config.yaml"
        given = {
            "database_url": self.database_url,
            "data_root": str(self.root),
            "state_dir": str(self.directory),
            "workers": 1,
        }
        return load_config(overrides=given | overrides, config_file=file if file.exists() else None)

    def configure(self, text: str) -> None:
        (self.directory / "etl_config.yaml").write_text(text)

    def write(self, file: str, headers: Sequence[str], rows: Rows, *, note: str = "") -> Path:
        return write_workbook(self.root / file, headers, rows, note=note)

    def run(
        self, *, reload: Sequence[str] = (), paths: Sequence[str] = (), adopt: bool = False, **overrides: Any
    ) -> RunReport:
        selection = Selection(
            reload=tuple(self.root / file for file in reload), paths=tuple(self.root / file for file in paths)
        )
        return run(self.config(**overrides), selection=selection, adopt=adopt)

    def load(self, **arguments: Any) -> dict[str, tuple[Outcome, str]]:
        """Run, let no file fail, and return what became of each."""
        report = self.run(**arguments)
        failures = [str(result.failure) for result in report.results if result.failure]
        assert not failures
        return {
            result.source.identity: (result.outcome, result.reason or "; ".join(result.notices))
            for result in report.results
        }

    def revert(self, *, dry_run: bool = False, **request: Any) -> UndoResult:
        return revert(self.config(), UndoRequest(**request), dry_run=dry_run)

    def revert_schema(self, table: str, file: str, *, dry_run: bool = False) -> UndoResult:
        return revert_schema(self.config(), table=table, source_file=file, dry_run=dry_run)

    def verify(self, *, tables: Sequence[str] = (), every_value: bool = False, **overrides: Any) -> Verification:
        return verify(self.config(**overrides), tables=tables, every_value=every_value)

    def history(self, **arguments: Any) -> tuple[HistoryEntry, ...]:
        return history(self.config(), **arguments).entries

    def imports(self) -> list[ImportRow]:
        return [entry for entry in self.history() if isinstance(entry, ImportRow)]

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True)

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def types(self, table: str, schema: str = "public") -> dict[str, str]:
        rows = self.execute(
            """
            SELECT a.attname, format_type(a.atttypid, a.atttypmod)
              FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attnum > 0 AND NOT a.attisdropped
            """,
            {"schema": schema, "table": table},
        )
        return dict(rows)

    def tables(self, schema: str = "public") -> set[str]:
        rows = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s", {"schema": schema})
        return {name for (name,) in rows} - set(METADATA_TABLES)

    def texts(self, table: str, schema: str = "public") -> list[tuple[str | None, ...]]:
        """Return all rows as text, without the load's time, columns by name, sorted."""
        names = sorted(self.types(table, schema).keys() - {"load_timestamp"})
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
        query = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(schema, table))
        with closing(self.connect()) as connection:
            rows = connection.execute(query).fetchall()
        return sorted(rows, key=repr)

    def state(self, schema: str = "public") -> dict[str, tuple[dict[str, str], list[tuple[str | None, ...]]]]:
        return {table: (self.types(table, schema), self.texts(table, schema)) for table in self.tables(schema)}


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Hub:
    """An empty data root and an empty database."""
    return Hub(database_url, tmp_path)
