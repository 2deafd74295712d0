"""The cases of the benchmarks: which workbooks, into what kind of table, and beside whom."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import xlsxwriter

from tests.benchmarks.peers import CALAMINE, DUCKDB, FLOOR, OPENPYXL, POLARS
from tests.benchmarks.workbooks import write_workbook

OURS = "pgdatahub"
ONE_WORKER = "pgdatahub, one worker"
TWO_WORKERS = "pgdatahub, two workers"
ONE_RANGE = "pgdatahub, one range"
THIRTY_RANGES = "pgdatahub, thirty ranges"
NO_RULES = "pgdatahub, no rules"
TEN_RULES = "pgdatahub, ten rules"
EARLIER = "pgdatahub before the core, one worker"
"""Takes part in a case with several workers where a checkout of that version is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case.

    Attributes:
        title: What it is, for the page.
        write: Writes the workbooks into a folder, of a size times a scale.
        rows: In all workbooks, at scale 1.
        rows_before: That the table has already, at scale 1; 0 for a table that is made.
        ours: Name → further options of ``pgdatahub run``; ``{directory}`` is the case's own, above the data root.
        settings: Name → further variables of its environment.
        peers: Other programs that do the same job.
        remark: Reason why a peer is missing.
    """

    title: str
    write: Callable[[Path, float], list[Path]]
    rows: int
    rows_before: int = 0
    ours: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {OURS: ()})
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    peers: tuple[str, ...] = ()
    remark: str = ""


def scaled(number: int, scale: float) -> int:
    """Return a number of rows, or of anything, of which a trial needs less."""
    return max(1, round(number * scale))


def _usual(rows: int, *, shared: bool = True) -> Callable[[Path, float], list[Path]]:
    def write(folder: Path, scale: float) -> list[Path]:
        return [write_workbook(folder / "book.xlsx", scaled(rows, scale), shared=shared)]

    return write


def _many(files: int, rows: int) -> Callable[[Path, float], list[Path]]:
    """Return what writes so many workbooks; a smaller scale gives fewer of them if they are small, else smaller ones."""

    def write(folder: Path, scale: float) -> list[Path]:
        small = rows <= 1000
        return [
            write_workbook(folder / f"book {number:04}.xlsx", rows if small else scaled(rows, scale), seed=number)
            for number in range(scaled(files, scale) if small else files)
        ]

    return write


def _sparse(folder: Path, scale: float) -> list[Path]:
    chance = random.Random(3)  # noqa: S311 - test data
    return _grid(folder, scaled(100_000, scale), 100, lambda *_: chance.random() if chance.random() < 0.1 else None)


def _wide(folder: Path, scale: float) -> list[Path]:
    chance = random.Random(4)  # noqa: S311 - test data

    def value(_row: int, column: int) -> float | str:
        return chance.randrange(10**6) / 100 if column % 4 else f"Item {chance.randrange(5000)}"

    return _grid(folder, scaled(20_000, scale), 200, value)


def _texts(folder: Path, scale: float) -> list[Path]:
    return _grid(
        folder,
        scaled(200_000, scale),
        5,
        lambda row, column: f"remark {row} in column {column}: nothing else has it",
    )


def _grid(folder: Path, rows: int, columns: int, value: Callable[[int, int], float | str | None]) -> list[Path]:
    path = folder / "book.xlsx"
    workbook = xlsxwriter.Workbook(path)
    sheet = workbook.add_worksheet()
    for column in range(columns):
        sheet.write(0, column, f"Column {column + 1}")
    for row in range(1, rows + 1):
        for column in range(columns):
            cell = value(row, column)
            if cell is not None:
                sheet.write(row, column, cell)
    workbook.close()
    return [path]


def _ranges(folder: Path, scale: float) -> list[Path]:
    """Write a sheet and the settings that read it as one table and as thirty below each other.

    There are no headers: those of the lower tables would turn the columns of the one table into text.
    """
    rows, tables = scaled(200_000, scale) // 30 + 2, 30
    chance = random.Random(5)  # noqa: S311 - test data

    def value(_: int, column: int) -> float | str:
        return chance.randrange(10**6) / 100 if column % 4 else f"Item {chance.randrange(5000)}"

    paths = _grid(folder, rows * tables - 1, 20, value)
    areas = [f"A{rows * number + 1}:T{rows * (number + 1)}" for number in range(tables)]
    entries = [
        f"{{range: '{area}', header_row: none, table: {'bench' if area == areas[0] else f'bench_{area[1:-4]}'}}}"
        for area in areas
    ]
    for name, listed in (("one", [f"{{range: 'A1:T{rows * tables}', header_row: none}}"]), ("thirty", entries)):
        settings = "bench:\n  sheets:\n    Sheet1:\n" + "".join(f"    - {entry}\n" for entry in listed)
        (folder.parents[1] / f"{name}.yaml").write_text(settings, encoding="utf-8")
    return paths


_RULES = """\
Column 1: {required: true, unique: true}
Column 2: {values: [open, paid, cancelled]}
Column 3: {values: [N, S, E, W]}
Column 4: {pattern: '[^@]+@[^@]+'}
Column 5: {pattern: 'C-[0-9]{5}'}
Column 6: {type: numeric, min: 0}
Column 7: {type: integer, max: 100}
Column 8: {type: numeric, min: 0}
Column 9: {type: numeric, min: 0}
"""


def _contract(folder: Path, scale: float) -> list[Path]:
    """Write a sheet that keeps ten rules on nine columns, and the settings with its types alone and with its rules."""
    chance = random.Random(6)  # noqa: S311 - test data

    def value(row: int, column: int) -> float | str:
        cells: list[float | str] = [
            row,
            ("open", "paid", "cancelled")[row % 3],
            "NSEW"[row % 4],
            f"u{row}@example.org",
            f"C-{row % 5000:05d}",
            chance.randrange(10**7) / 100,
            row % 100,
            chance.randrange(10**5) / 10,
            chance.randrange(10**4),
        ]
        return cells[column] if column < len(cells) else row * column

    types = "\n".join(re.sub(r", (min|max): [0-9]+", "", line) for line in _RULES.splitlines() if "type:" in line)
    for name, rules in (("types", types), ("rules", _RULES)):
        settings = "bench:\n  columns:\n" + "".join(f"    {line}\n" for line in rules.splitlines())
        (folder.parents[1] / f"{name}.yaml").write_text(settings, encoding="utf-8")
    return _grid(folder, scaled(200_000, scale), 20, value)


_NO_OPENPYXL = "pandas + openpyxl runs in the first case only: it takes minutes for the others."
_NO_PANDAS = f"{_NO_OPENPYXL} So does `to_sql`, with any reader."

CASES: Mapping[str, Case] = {
    "100k": Case(
        title="100,000 rows × 20 columns, shared strings",
        write=_usual(100_000),
        rows=100_000,
        peers=(OPENPYXL, CALAMINE, POLARS, DUCKDB, FLOOR),
    ),
    "100k_inline": Case(
        title="100,000 rows × 20 columns, inline strings",
        write=_usual(100_000, shared=False),
        rows=100_000,
        peers=(CALAMINE, POLARS, DUCKDB, FLOOR),
        remark=_NO_OPENPYXL,
    ),
    "1m": Case(
        title="1,000,000 rows × 20 columns, shared strings",
        write=_usual(1_000_000),
        rows=1_000_000,
        peers=(POLARS, DUCKDB, FLOOR),
        remark=_NO_PANDAS,
    ),
    "1m_inline": Case(
        title="1,000,000 rows × 20 columns, inline strings",
        write=_usual(1_000_000, shared=False),
        rows=1_000_000,
        peers=(POLARS, DUCKDB, FLOOR),
        remark=_NO_PANDAS,
    ),
    "wide": Case(
        title="20,000 rows × 200 columns, numbers and short texts",
        write=_wide,
        rows=20_000,
        peers=(POLARS, DUCKDB, FLOOR),
        remark=f"{_NO_PANDAS} With 200 columns its statements have more parameters than PostgreSQL allows, too.",
    ),
    "sparse": Case(
        title="100,000 rows × 100 columns, one cell in ten filled",
        write=_sparse,
        rows=100_000,
        peers=(POLARS, DUCKDB, FLOOR),
        remark=_NO_PANDAS,
    ),
    "texts": Case(
        title="200,000 rows × 5 columns: a million texts, no two alike",
        write=_texts,
        rows=200_000,
        peers=(CALAMINE, POLARS, DUCKDB, FLOOR),
        remark=_NO_OPENPYXL,
    ),
    "small_files": Case(
        title="1,000 workbooks of 100 rows × 20 columns into one table",
        write=_many(1000, 100),
        rows=100_000,
        peers=(CALAMINE, POLARS, DUCKDB, FLOOR),
        remark=f"{_NO_OPENPYXL} Peers read one workbook after the other, in one process.",
    ),
    "large_table": Case(
        title="100,000 rows × 20 columns into a table that has 5,000,000",
        write=_usual(100_000),
        rows=100_000,
        rows_before=5_000_000,
        peers=(POLARS, DUCKDB, FLOOR),
        remark=(
            "Each has a table of its own, which it made itself; then the rows of that were multiplied. After every run "
            f"the new rows are deleted and the table is vacuumed. {_NO_PANDAS}"
        ),
    ),
    "eight_files": Case(
        title="Eight workbooks of 100,000 rows × 20 columns, with one worker and with two",
        write=_many(8, 100_000),
        rows=800_000,
        ours={ONE_WORKER: ("--workers", "1"), TWO_WORKERS: ("--workers", "2")},
        remark=(
            "The goal compares with the version before the compiled core (commit 881e432), with one worker that read alone, "
            "where `--earlier` names a checkout of that version."
        ),
    ),
    "ranges": Case(
        title="Thirty tables below each other on a sheet of 200,000 rows × 20 columns, as one range and as thirty",
        write=_ranges,
        rows=200_000,
        ours={
            ONE_RANGE: ("--config", "{directory}/one.yaml"),
            THIRTY_RANGES: ("--config", "{directory}/thirty.yaml"),
        },
        remark="Thirty ranges are thirty tables, each with its index and its rows in the history.",
    ),
    "contract": Case(
        title="200,000 rows × 20 columns without rules and with ten rules on nine columns",
        write=_contract,
        rows=200_000,
        ours={
            NO_RULES: ("--config", "{directory}/types.yaml"),
            TEN_RULES: ("--config", "{directory}/rules.yaml"),
        },
        remark="Two of the rules are patterns, one of them on distinct texts; both settings give the same types.",
    ),
}
