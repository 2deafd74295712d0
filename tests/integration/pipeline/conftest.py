"""A folder of workbooks, a database, and runs from the one to the other."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
import xlsxwriter
from psycopg import sql

from pgdatahub.config import Config, load_config
from pgdatahub.model.events import Event
from pgdatahub.model.results import FileResult, Outcome, RunReport
from pgdatahub.runs.run import Selection, run

Rows: TypeAlias = Sequence[Sequence[object]]


def write_workbook(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write a workbook: texts as texts, numbers as numbers, None as nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = xlsxwriter.Workbook(path, {"in_memory": True, "strings_to_numbers": False})
    for name, rows in sheets.items():
        sheet = workbook.add_worksheet(name)
        for row, cells in enumerate(rows):
            for column, value in enumerate(cells):
                if isinstance(value, str):
                    sheet.write_string(row, column, value)
                elif isinstance(value, bool):
                    sheet.write_boolean(row, column, value)
                elif isinstance(value, int | float):
                    sheet.write_number(row, column, value)
                else:
                    assert value is None
    workbook.close()
    return path


def save_again(path: Path, copy: Path) -> None:
    """Write the same parts into a zip file of other bytes."""
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as written:
        for name in given.namelist():
            written.writestr(name, given.read(name))


@dataclass(kw_only=True)
class Warehouse:
    """A data root and a database of a test's own.

    Attributes:
        directory: Where the settings' files are.
        url: The database.
        events: What the last run told.
    """

    directory: Path
    url: str
    events: list[Event] = field(default_factory=list, repr=False)

    @property
    def root(self) -> Path:
        return self.directory / "data"

    def write(self, file: str, rows: Rows, *, sheet: str = "Sheet1") -> Path:
        return write_workbook(self.root / file, {sheet: rows})

    def write_sheets(self, file: str, sheets: Mapping[str, Rows]) -> Path:
        return write_workbook(self.root / file, sheets)

    def configure(self, yaml: str) -> None:
        (self.directory / "config").mkdir(exist_ok=True)
        (self.directory / "config" / "etl_config.yaml").write_text(yaml, encoding="utf-8")

    @property
    def config(self) -> Config:
        return load_config(overrides={"database_url": self.url}, directory=self.directory)

    def run(self, *paths: Path, tables: Sequence[str] = (), **settings: Any) -> RunReport:
        self.root.mkdir(exist_ok=True)
        config = load_config(overrides={"database_url": self.url, **settings}, directory=self.directory)
        self.events.clear()
        return run(config, selection=Selection(paths=paths, tables=tuple(tables)), reporter=self.events.append)

    def load(self, **settings: Any) -> RunReport:
        """Run, and have every file loaded."""
        report = self.run(**settings)
        assert {
            result.source.identity: result.failure or result.reason
            for result in report.results
            if result.outcome is not Outcome.LOADED
        } == {}
        return report

    def fail(self, **settings: Any) -> FileResult:
        """Run over a single file, which fails."""
        (result,) = self.run(**settings).results
        assert result.outcome is Outcome.FAILED
        return result

    def query(self, query: str | sql.Composed, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query if isinstance(query, sql.Composed) else query.encode(), values).fetchall()

    def rows(self, table: str, *, schema: str = "public") -> list[tuple[Any, ...]]:
        """Return a table's rows in the order of their loading, without the two columns of their lineage."""
        lineage = {"source_file", "load_timestamp"}
        columns = [sql.Identifier(name) for name in self.columns(table, schema=schema) if name not in lineage]
        query = sql.SQL("SELECT {} FROM {} ORDER BY ctid")
        return self.query(query.format(sql.SQL(", ").join(columns), sql.Identifier(schema, table)))

    def columns(self, table: str, *, schema: str = "public") -> dict[str, str]:
        """Return a table's columns and their types, in their order."""
        return dict(
            self.query(
                """
                SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
                 WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND attnum > 0 AND NOT attisdropped
                 ORDER BY attnum
                """,
                schema,
                table,
            )
        )

    def headers(self, table: str) -> dict[str, str | None]:
        """Return what the comments of a table's columns say."""
        return dict(
            self.query(
                """
                SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
                 WHERE attrelid = quote_ident(%s)::regclass AND attnum > 0 AND NOT attisdropped
                 ORDER BY attnum
                """,
                table,
            )
        )

    def tables(self) -> set[str]:
        """Return the tables there are outside PostgreSQL's own schemas."""
        names = self.query(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {name if schema == "public" else f"{schema}.{name}" for schema, name in names}


@pytest.fixture
def warehouse(tmp_path: Path, database_url: str) -> Warehouse:
    """An empty data root and an empty database."""
    return Warehouse(directory=tmp_path, url=database_url)
