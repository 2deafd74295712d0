"""The cases of the benchmarks: what lies in the data folder."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import xlsxwriter

from tests.benchmarks.workbooks import write_workbook


def rows_100k(folder: Path) -> list[Path]:
    """100,000 rows × 20 columns, shared strings."""
    return [write_workbook(folder / "book.xlsx", 100_000)]


def rows_100k_inline(folder: Path) -> list[Path]:
    """100,000 rows × 20 columns, inline strings."""
    return [write_workbook(folder / "book.xlsx", 100_000, shared=False)]


def rows_1m(folder: Path) -> list[Path]:
    """1,000,000 rows × 20 columns, shared strings."""
    return [write_workbook(folder / "book.xlsx", 1_000_000)]


def rows_1m_inline(folder: Path) -> list[Path]:
    """1,000,000 rows × 20 columns, inline strings."""
    return [write_workbook(folder / "book.xlsx", 1_000_000, shared=False)]


def sparse(folder: Path) -> list[Path]:
    """100,000 rows × 100 columns, one cell in ten filled."""
    chance = random.Random(3)  # noqa: S311 - test data
    return [_write(folder, 100_000, 100, lambda _row, _column: chance.random() if chance.random() < 0.1 else None)]


def wide(folder: Path) -> list[Path]:
    """20,000 rows × 200 columns of numbers and short texts."""
    chance = random.Random(4)  # noqa: S311 - test data
    return [
        _write(
            folder,
            20_000,
            200,
            lambda _row, column: chance.randrange(10**6) / 100 if column % 4 else f"Item {chance.randrange(5000)}",
        )
    ]


def texts(folder: Path) -> list[Path]:
    """200,000 rows × 5 columns: a million texts, no two alike."""
    return [_write(folder, 200_000, 5, lambda row, column: f"remark {row} in column {column}: nothing else has it")]


def small_files(folder: Path) -> list[Path]:
    """1,000 workbooks of 100 rows × 20 columns."""
    return [write_workbook(folder / f"book {number:04}.xlsx", 100, seed=number) for number in range(1000)]


def eight_files(folder: Path) -> list[Path]:
    """Eight workbooks of 25,000 rows × 20 columns."""
    return [write_workbook(folder / f"book {number}.xlsx", 25_000, seed=number) for number in range(8)]


def _write(folder: Path, rows: int, columns: int, value: Callable[[int, int], float | str | None]) -> Path:
    path = folder / "book.xlsx"
    workbook = xlsxwriter.Workbook(path, {"constant_memory": False, "in_memory": False})
    sheet = workbook.add_worksheet()
    for column in range(columns):
        sheet.write(0, column, f"Column {column + 1}")
    for row in range(1, rows + 1):
        for column in range(columns):
            cell = value(row, column)
            if cell is not None:
                sheet.write(row, column, cell)
    workbook.close()
    return path


CASES: dict[str, Callable[[Path], list[Path]]] = {
    "100k": rows_100k,
    "100k_inline": rows_100k_inline,
    "1m": rows_1m,
    "1m_inline": rows_1m_inline,
    "sparse": sparse,
    "wide": wide,
    "texts": texts,
    "small_files": small_files,
    "eight_files": eight_files,
}
