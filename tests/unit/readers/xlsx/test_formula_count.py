"""Stored results of formulas in workbooks that ask to be calculated when they are opened."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from pgdatahub.config import load_config
from pgdatahub.readers.xlsx.formula_count import CountingPart, FormulaCount
from pgdatahub.runs.inspect import inspect
from tests.unit.readers.xlsx.conftest import MAIN


class _Part(BytesIO):
    """A part that gives out a few bytes at a time, whatever it is asked for."""

    pieces = 1 << 20

    def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002 - as for a stream
        return super().read(self.pieces)


CELLS = {
    "a result": ('<c r="B2"><f>A2*2</f><v>4</v></c>', 1),
    "no value": ('<c r="B2"><f>A2*2</f></c>', 0),
    "an empty value": ('<c r="B2"><f>A2*2</f><v></v></c>', 0),
    "a closed value": ('<c r="B2"><f>A2*2</f><v /></c>', 0),
    "an empty text": ('<c r="B2" t="str"><f>""</f><v></v></c>', 1),
    "a text": ('<c r="B2" t="str"><f>"x"</f><v xml:space="preserve"> x</v></c>', 1),
    "an inline text": ('<c r="B2" t="inlineStr"><f>"x"</f><is><t>x</t></is></c>', 1),
    "a shared formula": ('<c r="A2"/><c r="B2"><f t="shared" si="0"/><v>4</v></c>', 1),
    "a shared one without": ('<c r="A2"><v>1</v></c><c r="B2"><f t="shared" si="0"/><v/></c>', 0),
    "no formula": ('<c r="B2"><v>4</v></c>', 0),
}


@pytest.mark.parametrize("pieces", [1 << 20, 7])
@pytest.mark.parametrize("prefix", ["", "x:"])
@pytest.mark.parametrize(("cells", "count"), CELLS.values(), ids=CELLS)
def test_only_formulas_with_a_result_count(cells: str, count: int, prefix: str, pieces: int) -> None:
    rows = f'<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="2">{cells}</row></sheetData>'
    start = f'<worksheet xmlns{":x" if prefix else ""}="{MAIN}">'
    text = (start + rows + "</worksheet>").replace("</", f"</{prefix}").replace("<", f"<{prefix}")
    text = text.replace(f"<{prefix}/{prefix}", f"</{prefix}")
    part, found = _Part(text.encode()), FormulaCount()
    part.pieces = 1 << 20 if pieces > 7 else len(start) + len(prefix)
    counting = CountingPart(part, found)  # type: ignore[arg-type]
    whole = counting.read(1)
    part.pieces = pieces
    while data := counting.read(1):
        whole += data
    assert whole == text.encode()
    assert (found.count, found.first) == (count, "B2" if count else "")


def test_formulas_of_openpyxl_have_no_stored_result(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["n", "twice"], [2, "=A2*2"], [3, "=A3*2"]):
        book.active.append(row)
    (tmp_path / "data/t").mkdir(parents=True)
    book.save(tmp_path / "data/t/a.xlsx")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/etl_config.yaml").write_text("t:\n  uncached: blank\n")
    (sheet,) = inspect(load_config(directory=tmp_path), tmp_path / "data/t/a.xlsx").sheets
    assert not [notice for notice in sheet.notices if "stored result" in notice]
