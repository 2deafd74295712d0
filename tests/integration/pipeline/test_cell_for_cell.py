"""Every value in a sheet is in the table, exactly: compared with openpyxl, cell for cell.

What openpyxl says is put into words here by the rules of the documentation and by none of the package's own code, which
would prove nothing. Where the two differ, ``allowed_differences.yaml`` says why; a difference that it allows and that is
not there any more is a failure too.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import openpyxl
import psycopg
import pytest
from openpyxl.cell.cell import Cell
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from psycopg import sql
from ruamel.yaml import YAML

from pgdatahub.config import load_config
from pgdatahub.model.results import FileResult, Outcome, RunReport
from pgdatahub.postgres.server.temporary import drop_database
from pgdatahub.runs.run import run

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

PROJECT = Path(__file__).parents[3]
CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS", PROJECT.parent / "shared" / "corpus"))
DIFFERENCES = Path(__file__).with_name("allowed_differences.yaml")
LINEAGE = ("source_file", "load_timestamp")


# ── the witness ───────────────────────────────────────────────────────────────────────────────────────────────────────


def open_workbook(path: Path) -> Workbook:
    """Open a workbook with its formulas' stored results."""
    with warnings.catch_warnings():
        # Of styles, extensions and conditional formats that openpyxl would not write again.
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(path, data_only=True)


def value_of(cell: Cell) -> Any:
    """Return a cell's value as a column would take it, None for an empty one."""
    value: Any = cell.value
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, datetime):
        # Milliseconds are all that a serial number of days tells.
        epoch = datetime(1899, 12, 31, tzinfo=value.tzinfo)
        return epoch + timedelta(milliseconds=round((value - epoch) / timedelta(milliseconds=1)))
    if type(value) is int and re.fullmatch("0{2,}", cell.number_format or ""):
        return f"{value:0{len(cell.number_format)}d}"
    return value


def text_of(value: Any) -> str | None:
    """Return the one text form that a value has, whatever the type of its column."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, int | Decimal):
        text = _without_zeros(f"{value:f}")
        return "0" if text == "-0" else text
    if isinstance(value, datetime):
        return _without_zeros(value.isoformat(" ")) if value.time() != time() else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _without_zeros(value.isoformat())
    assert isinstance(value, timedelta)
    seconds, fraction = divmod(round(abs(value) / timedelta(microseconds=1)), 10**6)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"
    return ("-" if value < timedelta() else "") + _without_zeros(text)


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def type_of(values: Sequence[Any]) -> str:
    """Return the type of a column of these values."""
    kinds = {_kind(value) for value in values if value is not None}
    if not kinds:
        return "text"
    if kinds <= {"integer", "bigint", "wide"}:
        return "bigint" if kinds - {"integer"} else "integer"
    if kinds <= {"integer", "bigint", "wide", "number"}:
        return "numeric" if "wide" in kinds else "double precision"
    if kinds <= {"date", "timestamp"}:
        return "timestamp without time zone" if "timestamp" in kinds else "date"
    names = {"boolean": "boolean", "time": "time without time zone", "interval": "interval"}
    return names.get(kinds.pop(), "text") if len(kinds) == 1 else "text"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > 2**53:
            return "number"
        value = int(value)
    if isinstance(value, int):
        return "integer" if abs(value) < 2**31 else "bigint" if abs(value) <= 2**53 else "wide"
    if isinstance(value, datetime):
        return "date" if value.time() == time() else "timestamp"
    return {date: "date", time: "time", timedelta: "interval"}.get(type(value), "text")


Grid = list[dict[int, Cell]]
"""The rows of a sheet that have a value: position of the column (from 0) → cell."""


def grid_of(workbook: Workbook, sheet: str) -> Grid:
    """Return the rows of a sheet that have a value."""
    rows: dict[int, dict[int, Cell]] = defaultdict(dict)
    # Asking for rows would make a cell for every place up to the farthest one, which may be in row 1,048,576.
    for (row, column), cell in sorted(workbook[sheet]._cells.items()):
        if isinstance(cell, Cell) and value_of(cell) is not None:
            rows[row][column - 1] = cell
    return list(rows.values())


# ── the tables ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """Content of a database after one run.

    Attributes:
        report: The run's.
        connection: To the database.
    """

    report: RunReport
    connection: psycopg.Connection[tuple[Any, ...]]

    def columns(self, table: str) -> dict[str, tuple[str, str | None]]:
        """Return the types and the headers of a table's columns, by name."""
        rows = self.connection.execute(
            """
            SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute
             WHERE attrelid = quote_ident(%s)::regclass AND attnum > 0 AND attname <> ALL(%s)
            """,
            (table, list(LINEAGE)),
        )
        return {name: (type_name, header) for name, type_name, header in rows}

    def rows(self, result: FileResult, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return what the table has of a file, in the order of its rows."""
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        query = sql.SQL("SELECT {} FROM {} WHERE source_file = %s ORDER BY ctid")
        table = sql.Identifier(result.source.table.schema, result.source.table.name)
        return self.connection.execute(query.format(columns, table), (result.source.location,)).fetchall()


def _load(server_url: str, directory: Path) -> Iterator[Loaded]:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = re.sub(r"(//[^/]*/)[^?]*", rf"\g<1>{name}", server_url)
        report = run(load_config(overrides={"database_url": url}, directory=directory))
        with psycopg.connect(url) as connection:
            yield Loaded(report=report, connection=connection)
    drop_database(server_url, name)


# ── the quickstart ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def quickstart(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    directory = tmp_path_factory.mktemp("quickstart") / "copy"
    shutil.copytree(PROJECT / "examples" / "quickstart", directory)
    yield from _load(server_url, directory)


def _records(result: FileResult) -> list[dict[str, Any]]:
    """Return the rows of a file by header, as openpyxl reads them."""
    header_row = result.source.options.header_row
    header_row = 1 if header_row == "first" else header_row
    assert isinstance(header_row, int)
    sheet_column = result.source.options.sheet_column
    workbook = open_workbook(Path(result.source.location))
    records: list[dict[str, Any]] = []
    for sheet in result.sheets:
        header, *rows = (row for row in grid_of(workbook, sheet) if next(iter(row.values())).row >= header_row)
        for row in rows:
            record = {str(header[position].value): value_of(cell) for position, cell in row.items()}
            # Errors are blank unless a folder says otherwise.
            records.append({key: None if row_is_error(row, header, key) else value for key, value in record.items()})
            if sheet_column is not None:
                records[-1][sheet_column] = sheet
    return records


def row_is_error(row: Mapping[int, Cell], header: Mapping[int, Cell], key: str) -> bool:
    return any(cell.data_type == "e" and str(header[position].value) == key for position, cell in row.items())


def test_the_quickstart_is_in_the_tables_cell_for_cell(quickstart: Loaded) -> None:
    compared = 0
    for result in quickstart.report.results:
        if result.outcome is not Outcome.LOADED or result.source.suffix != ".xlsx":
            continue
        columns = quickstart.columns(result.source.table.name)
        names = {header: name for name, (_, header) in columns.items()}
        rows = quickstart.rows(result, list(columns))
        records = _records(result)
        assert len(rows) == len(records) == result.rows
        for row, record in zip(rows, records, strict=True):
            found = dict(zip(columns, map(text_of, row), strict=True))
            expected = {name: text_of(record.get(header or "")) for header, name in names.items()}
            assert found == expected
            compared += len(found)
    assert compared > 10_000


def test_quickstart_columns_have_the_types_of_all_values(quickstart: Loaded) -> None:
    values: dict[tuple[str, str], list[Any]] = defaultdict(list)
    tables = {result.source.table.name for result in quickstart.report.results if result.source.suffix == ".ods"}
    for result in quickstart.report.results:
        if result.outcome is Outcome.LOADED and result.source.table.name not in tables:
            for record in _records(result):
                for header, value in record.items():
                    values[result.source.table.name, header].append(value)
    wrong = {}
    for table in {table for table, _ in values}:
        for type_name, title in quickstart.columns(table).values():
            expected = type_of(values[table, title or ""])
            if type_name != expected:
                wrong[table, title] = (type_name, expected)
    assert wrong == {}


# ── other people's workbooks ──────────────────────────────────────────────────────────────────────────────────────────


def _corpus_files() -> list[Path]:
    ending = re.compile(r"\.(xlsx|xlsm|xls|xlsb|ods)", re.IGNORECASE)
    return sorted(path for path in CORPUS.rglob("*") if ending.fullmatch(path.suffix))


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A run over all files of the corpus, a folder for each sheet.

    Attributes:
        loaded: What came of it.
        sheets: Folder → file below the corpus, its sheet, and the cells that openpyxl sees there.
        others: Folder → file below the corpus that openpyxl cannot read.
    """

    loaded: Loaded
    sheets: Mapping[str, tuple[str, str, Grid]]
    others: Mapping[str, str]

    def results(self) -> Mapping[str, FileResult]:
        return {result.source.identity.split("/")[0]: result for result in self.loaded.report.results}


@pytest.fixture(scope="module")
def corpus(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    if not CORPUS.is_dir():
        pytest.skip("no corpus of workbooks (PGDATAHUB_CORPUS)")
    directory = tmp_path_factory.mktemp("corpus")
    (directory / "config").mkdir()
    sheets, others, settings = {}, {}, ["header_row: none", "errors: text", "uncached: blank"]
    for number, path in enumerate(_corpus_files()):
        file = path.relative_to(CORPUS).as_posix()
        names: Sequence[str | None] = [None]
        try:
            workbook = open_workbook(path)
            names = [sheet.title for sheet in workbook.worksheets]
        except (BadZipFile, KeyError, TypeError, InvalidFileException):
            workbook = None
        for index, sheet in enumerate(names):
            folder = f"f{number:03d}_{index:02d}"
            (directory / "data" / folder).mkdir(parents=True)
            (directory / "data" / folder / path.name).symlink_to(path)
            if workbook is None or sheet is None:
                others[folder] = file
            else:
                sheets[folder] = file, sheet, grid_of(workbook, sheet)
                settings += [f"{folder}/:", f"  sheet: {json.dumps([sheet], ensure_ascii=False)}"]
    (directory / "config" / "etl_config.yaml").write_text("\n".join(settings), encoding="utf-8")
    for loaded in _load(server_url, directory):
        assert len(loaded.report.results) == len(sheets) + len(others)
        yield Corpus(loaded=loaded, sheets=sheets, others=others)


def _allowed() -> dict[tuple[str, str, str], tuple[str | None, str | None]]:
    """Return (file, sheet, cell) → what openpyxl says and what the table has."""
    allowed = {}
    for entry in YAML(typ="safe", pure=True).load(DIFFERENCES)["cells"]:
        assert entry["reason"]
        assert entry["right"] in ("pgdatahub", "openpyxl", "both")
        for cell, (theirs, ours) in entry["differences"].items():
            allowed[entry["file"], entry["sheet"], cell] = theirs, ours
    return allowed


@pytest.mark.corpus
def test_other_peoples_workbooks_are_in_the_tables_cell_for_cell(corpus: Corpus) -> None:
    differences = {}
    compared = 0
    for folder, (file, sheet, grid) in corpus.sheets.items():
        result = corpus.results()[folder]
        if not grid:
            assert (result.outcome, result.reason) == (Outcome.SKIPPED, "the sheet is empty")
            continue
        assert result.outcome is Outcome.LOADED, (file, sheet, result.failure)
        names = list(corpus.loaded.columns(folder))
        rows = corpus.loaded.rows(result, names)
        assert len(rows) == len(grid), (file, sheet)
        for row, cells in zip(rows, grid, strict=True):
            number = next(iter(cells.values())).row
            found = {int(name.removeprefix("column_")) - 1: value for name, value in zip(names, row, strict=True)}
            for position in found.keys() | cells.keys():
                expected = text_of(value_of(cells[position])) if position in cells else None
                got = text_of(found.get(position))
                compared += expected is not None
                if got != expected:
                    address = f"{get_column_letter(position + 1)}{number}"
                    differences[file, sheet, address] = expected, got
    assert compared > 20_000
    assert differences == _allowed()


@pytest.mark.corpus
def test_other_peoples_columns_have_the_types_of_their_values(corpus: Corpus) -> None:
    wrong = {}
    strange = {(file, sheet) for file, sheet, _ in _allowed()}
    for folder, (file, sheet, grid) in corpus.sheets.items():
        if not grid or (file, sheet) in strange:
            continue
        for name, (type_name, _) in corpus.loaded.columns(folder).items():
            position = int(name.removeprefix("column_")) - 1
            expected = type_of([value_of(row[position]) for row in grid if position in row])
            if type_name != expected:
                wrong[file, sheet, name] = (type_name, expected)
    assert wrong == {}


@pytest.mark.corpus
def test_every_other_file_loads_or_gives_one_classified_line(corpus: Corpus) -> None:
    results = corpus.results()
    found = {}
    for folder, file in corpus.others.items():
        failure = results[folder].failure
        found[file] = failure.kind if failure is not None else results[folder].outcome.value
        if failure is not None:
            assert "\n" not in f"{failure.message} {failure.where} {failure.hint}"
    assert found == YAML(typ="safe", pure=True).load(DIFFERENCES)["other files"]
