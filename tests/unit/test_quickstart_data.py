"""The committed quickstart workbooks are what their script makes."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import openpyxl
import pytest

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
DATA = QUICKSTART / "data"

Sheets = dict[str, tuple[str, list[list[tuple[object, str, str]]]]]


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    specification = importlib.util.spec_from_file_location("make_workbooks", QUICKSTART / "make_workbooks.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(QUICKSTART)
        patch.setitem(sys.modules, module.__name__, module)  # where dataclasses look for a module's names
        specification.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def made(script: ModuleType) -> dict[str, bytes]:
    files: dict[str, bytes] = script.workbooks()
    return files


def sheets(content: bytes) -> Sheets:
    """Every cell of a workbook as its value, kind and number format, and whether its sheet is hidden.

    Formulas and cached values are two readings, since openpyxl gives one or the other.
    """
    found: Sheets = {}
    for data_only in (False, True):
        workbook = openpyxl.load_workbook(io.BytesIO(content), data_only=data_only)
        for sheet in workbook.worksheets:
            cells: list[list[tuple[object, str, str]]] = [
                [(cell.value, cell.data_type, cell.number_format) for cell in row] for row in sheet.iter_rows()
            ]
            found[f"{sheet.title} {data_only}"] = (sheet.sheet_state, cells)
    return found


def test_the_folder_holds_what_the_script_makes_and_nothing_else(made: dict[str, bytes]) -> None:
    assert {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()} == set(made)


def test_making_the_workbooks_again_gives_equal_content(made: dict[str, bytes]) -> None:
    for name, content in made.items():
        committed = (DATA / name).read_bytes()
        if "~$" in name:
            assert content == committed, name
        elif name.endswith(".xlsx"):
            assert sheets(content) == sheets(committed), name
        else:
            with zipfile.ZipFile(io.BytesIO(content)) as new, zipfile.ZipFile(io.BytesIO(committed)) as old:
                assert [(member, new.read(member)) for member in new.namelist()] == [
                    (member, old.read(member)) for member in old.namelist()
                ], name


def test_workbooks_made_again_have_the_same_bytes_at_any_time(
    script: ModuleType, made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.localtime", lambda *_: (2031, 7, 8, 9, 10, 11, 1, 189, 0))
    assert script.workbooks() == made
    for name, content in made.items():
        if name.endswith(".xlsx") and "~$" not in name:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, name
                properties = archive.read("docProps/core.xml")
            assert re.findall(rb"\d{4}-\d\d-\d\dT[^<]*", properties) == [b"2025-04-01T09:00:00Z"] * 2, name


def test_copy_has_equal_bytes_and_resaved_file_has_equal_cells(made: dict[str, bytes]) -> None:
    assert made["sales/2025/orders 2025-02_copy.xlsx"] == made["sales/2025/orders 2025-02.xlsx"]
    first = made["sales/2025/orders 2025-01.xlsx"]
    again = made["sales/2025/orders 2025-01_saved again.xlsx"]
    assert again != first
    assert sheets(again) == sheets(first)


def test_the_workbooks_are_small_enough_to_be_committed() -> None:
    sizes = {path.name: path.stat().st_size for path in DATA.rglob("*.*") if path.is_file()}
    assert {name: size for name, size in sizes.items() if size >= 20_000} == {}


def test_script_writes_to_its_target_and_leaves_other_files(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    script.main(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"mine.txt", *(path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file())}
    assert (tmp_path / "mine.txt").read_text() == "mine"
