"""Versions of the reading rules, and the files that may read differently by a later one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter

from pgdatahub.readers.reading_rules import may_read_differently, reading_version
from pgdatahub.readers.xlsx.first_format_codes import reads_alike


@pytest.mark.parametrize(
    ("code", "alike"),
    [
        ("General", True),
        ("#,##0.00", True),
        ("0%", True),
        ("dd/mm/yyyy;@", True),
        ("[$-409]d-mmm-yy;@", True),
        ("[h]:mm:ss", True),
        ("00000", True),
        ('"€"#,##0.00;[Red]-"€"#,##0.00', True),
        ("R$ #,##0.00", False),
        ("0.0 kg", False),
        ("00000\\-0000", False),
        ("[<100]0;yyyy-mm-dd", False),
        ("[" * 300_000, False),
    ],
)
def test_format_codes_read_alike_or_not(code: str, alike: bool) -> None:
    assert reads_alike(code) is alike


def _workbook(path: Path, code: str) -> Path:
    workbook = xlsxwriter.Workbook(path)
    workbook.add_worksheet().write_number(0, 0, 1.5, workbook.add_format({"num_format": code}))
    workbook.close()
    return path


@pytest.mark.parametrize(("code", "differently"), [("R$ #,##0.00", True), ("0.00", False), ("dd/mm/yyyy", False)])
def test_workbook_may_read_differently_by_its_formats(code: str, differently: bool, tmp_path: Path) -> None:
    path = _workbook(tmp_path / "a.xlsx", code)
    assert may_read_differently("a.xlsx", 0, lambda: path.open("rb")) is differently
    assert not may_read_differently("a.xlsx", reading_version("a.xlsx"), lambda: path.open("rb"))


@pytest.mark.parametrize(
    ("name", "differently"),
    [
        ("text_outer_space", True),
        ("iso_seven_digits", True),
        ("m", True),
        ("s02_sst_empty_v", False),
        ("s06_booleans", False),
    ],
)
def test_workbook_may_read_differently_by_its_cells(name: str, differently: bool) -> None:
    path = Path(__file__).parents[2] / "cases" / f"{name}.xlsx"
    assert may_read_differently("a.xlsx", 0, lambda: path.open("rb")) is differently


def test_damaged_workbook_may_read_differently() -> None:
    assert may_read_differently("a.xlsx", 0, lambda: BytesIO(b"PK"))


def test_formats_without_rules_never_read_differently() -> None:
    assert reading_version("a.csv") == 0
    assert not may_read_differently("a.csv", 0, lambda: BytesIO())
