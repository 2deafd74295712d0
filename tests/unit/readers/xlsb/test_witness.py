"""Other people's binary workbooks have the cells that calamine finds, but for differences with a reason."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from python_calamine import CalamineWorkbook, SheetTypeEnum

from pgdatahub.readers.xlsb import XlsbWorkbook
from pgdatahub.values.column_values import as_values

PROJECT: Final = Path(__file__).parents[4]
CORPUS: Final = Path(os.environ.get("PGDATAHUB_CORPUS", PROJECT.parent / "shared" / "corpus"))
FILES: Final = sorted(CORPUS.rglob("*.xlsb"))

Place = tuple[str, int, int]
"""Sheet, row (from 1) and column (from 0)."""
DIFFERENCES: Final[dict[str, dict[Place, tuple[Any, Any]]]] = {}
"""File → cell → calamine's value and ours; each with its reason. There are none today."""


def ours(path: Path) -> dict[Place, Any]:
    """Return the cells with a value."""
    workbook = XlsbWorkbook(path, name=path.name)
    try:
        return {
            (sheet.name, row, column): value
            for position, sheet in enumerate(workbook.sheets)
            for batch in workbook.open(position).batches(1000)
            for column, cells in batch.columns.items()
            for row, value in zip(batch.rows, as_values(cells), strict=True)
            if value is not None
        }
    finally:
        workbook.close()


def theirs(path: Path) -> dict[Place, Any]:
    """Return the cells that calamine finds."""
    workbook = CalamineWorkbook.from_path(str(path))
    found: dict[Place, Any] = {}
    for name in [sheet.name for sheet in workbook.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]:
        sheet = workbook.get_sheet_by_name(name)
        for row, values in enumerate(sheet.to_python(skip_empty_area=False), 1):
            found |= {(name, row, column): value for column, value in enumerate(values) if value != ""}
    return found


def plain(value: Any) -> Any:
    """Return a value in a form that both have: a date is its midnight, a duration has milliseconds."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, datetime.min.time())
    if isinstance(value, timedelta):
        return round(value / timedelta(milliseconds=1))
    return value


@pytest.mark.corpus
def test_cells_are_those_of_calamine() -> None:
    if not FILES:
        pytest.skip("no corpus of workbooks (PGDATAHUB_CORPUS)")
    compared = 0
    for path in FILES:
        mine, other = ours(path), theirs(path)
        differences = {
            place: (other.get(place), mine.get(place))
            for place in mine.keys() | other.keys()
            if plain(other.get(place)) != plain(mine.get(place))
        }
        assert differences == DIFFERENCES.get(path.relative_to(CORPUS).as_posix(), {}), path
        compared += len(mine)
    assert compared > 10
