"""Writes the workbooks that the benchmarks read: 20 columns as people have them, as many rows as asked for.

An id, names of high and of low cardinality, a date, a timestamp, six floats, small integers, a boolean, zero-padded
codes as text, a note in every fourth row, an integer near 10^10. The XML is written directly, in the form that Excel
gives it; a library would take a minute for a million rows.

    python tests/benchmarks/workbooks.py DIRECTORY [ROWS ...]
"""

from __future__ import annotations

import random
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

CITIES = ("Berlin", "Paris", "Lisboa", "København", "São Paulo", "Wien", "Zürich", "Kraków", "Oslo", "Roma")
LETTERS = "ABCDEFGHIJKLMNOPQRST"
HEADERS = (
    *("Id", "Customer", "City", "Order date", "Shipped at", "Price", "Discount", "Tax", "Weight", "Rate %", "Margin"),
    *("Quantity", "Boxes", "Paid", "Code", "Note", "Barcode", "Region", "Week", "Article"),
)
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_WORKBOOK = (
    f'{DECLARATION}<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONSHIPS}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
_WORKBOOK_RELATIONSHIPS = (
    f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{RELATIONSHIPS}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId3" Type="{RELATIONSHIPS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)
_ROOT_RELATIONSHIPS = (
    f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_CONTENT_TYPES = (
    f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.sheet.main+xml"/>'
    # openpyxl finds these by their types.
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.styles+xml"/>'
    '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.sharedStrings+xml"/></Types>'
)
_STYLES = (
    f'{DECLARATION}<styleSheet xmlns="{NAMESPACE}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
    '</numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf numFmtId="165" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


class _Strings:
    """Cells of text: shared, or written in place."""

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self.indexes: dict[str, int] = {}
        self.uses = 0

    def cell(self, address: str, text: str) -> str:
        if not self._shared:
            return f'<c r="{address}" t="inlineStr"><is><t>{text}</t></is></c>'
        self.uses += 1
        return f'<c r="{address}" t="s"><v>{self.indexes.setdefault(text, len(self.indexes))}</v></c>'


def write_workbook(path: Path, rows: int, *, shared: bool = True, dense: bool = True, seed: int = 1) -> Path:
    """Write a workbook of ``rows`` rows below its header.

    Args:
        path: Where to.
        rows: How many.
        shared: TextColumn are shared strings, as Excel writes them; else inline, as streaming writers do.
        dense: Nearly all cells have a value; else two in three are missing.
        seed: Of the random values.
    """
    strings = _Strings(shared=shared)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in (
            ("[Content_Types].xml", _CONTENT_TYPES),
            ("_rels/.rels", _ROOT_RELATIONSHIPS),
            ("xl/workbook.xml", _WORKBOOK),
            ("xl/_rels/workbook.xml.rels", _WORKBOOK_RELATIONSHIPS),
            ("xl/styles.xml", _STYLES),
        ):
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            head = f'<sheetFormatPr defaultRowHeight="15"/><sheetData>{_header(strings)}'
            part.write(f'{DECLARATION}<worksheet xmlns="{NAMESPACE}">{head}'.encode())
            for piece in _pieces(_rows(rows, strings, random.Random(seed), dense=dense)):  # noqa: S311 - test data
                part.write(piece.encode())
            part.write(b"</sheetData></worksheet>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            counts = f'count="{strings.uses}" uniqueCount="{len(strings.indexes)}"'
            part.write(f'{DECLARATION}<sst xmlns="{NAMESPACE}" {counts}>'.encode())
            for piece in _pieces(f"<si><t>{text}</t></si>" for text in strings.indexes):
                part.write(piece.encode())
            part.write(b"</sst>")
    return path


def _pieces(texts: Iterator[str]) -> Iterator[str]:
    waiting: list[str] = []
    for text in texts:
        waiting.append(text)
        if len(waiting) == 500:
            yield "".join(waiting)
            waiting.clear()
    yield "".join(waiting)


def _header(strings: _Strings) -> str:
    cells = "".join(strings.cell(f"{letter}1", header) for letter, header in zip(LETTERS, HEADERS, strict=True))
    return f'<row r="1" spans="1:20">{cells}</row>'


def _rows(rows: int, strings: _Strings, chance: random.Random, *, dense: bool) -> Iterator[str]:
    for row in range(2, rows + 2):
        cells = _cells(row, strings, chance)
        if not dense:
            cells = [cell for cell in cells if chance.random() < 1 / 3]
        yield f'<row r="{row}" spans="1:20">{"".join(cells)}</row>'


def _cells(row: int, strings: _Strings, chance: random.Random) -> list[str]:
    def number(letter: str, value: float) -> str:
        return f'<c r="{letter}{row}"><v>{value!r}</v></c>'

    day = 44000 + chance.randrange(1500)
    return [
        number("A", row - 1),
        strings.cell(f"B{row}", f"Customer {chance.randrange(60_000)} &amp; Co"),
        strings.cell(f"C{row}", chance.choice(CITIES)),
        f'<c r="D{row}" s="1"><v>{day}</v></c>',
        f'<c r="E{row}" s="2"><v>{day + chance.randrange(86400) / 86400!r}</v></c>',
        *(number(letter, round(chance.random() * 1000, 2)) for letter in "FGHI"),
        *(number(letter, chance.random()) for letter in "JK"),
        number("L", chance.randrange(100)),
        number("M", chance.randrange(12)),
        f'<c r="N{row}" t="b"><v>{chance.randrange(2)}</v></c>',
        strings.cell(f"O{row}", f"{chance.randrange(100_000):05d}"),
        *([] if row % 4 else [strings.cell(f"P{row}", f"Note of row {row}: handle with care")]),
        number("Q", 10**10 + chance.randrange(10**9)),
        strings.cell(f"R{row}", chance.choice(("North", "South", "East", "West"))),
        number("S", chance.randrange(1, 54)),
        strings.cell(f"T{row}", f"A-{chance.randrange(5000):04d}"),
    ]


def main() -> None:
    """Write the workbooks of all kinds for the given numbers of rows."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    for rows in [int(argument) for argument in sys.argv[2:]] or [100_000]:
        for shared in (True, False):
            for dense in (True, False):
                name = f"{rows}_{'shared' if shared else 'inline'}_{'dense' if dense else 'sparse'}.xlsx"
                print(write_workbook(directory / name, rows, shared=shared, dense=dense))


if __name__ == "__main__":
    main()
