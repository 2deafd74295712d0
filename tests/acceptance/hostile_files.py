"""Small workbooks that ask for much: each must be loaded or refused in 10 seconds and 500 MB."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from tests.unit.readers.ods.conftest import make_ods
from tests.unit.readers.xls import conftest as xls
from tests.unit.readers.xlsb import building as xlsb
from tests.unit.readers.xlsx.conftest import MAIN, RELATIONSHIPS, make_book

MILLION = 1_000_000
TOO_MANY_AREAS = 400_000
"""Merged areas, of which a workbook may have 300,000; reading stops there."""
TOO_MANY_STYLES = 300_000
"""Cell styles, of which a workbook may have 250,000."""
MIB = 1 << 20
SHEETS = 2000
COLUMNS = 16_384
FILL: Mapping[str, Any] = {"merged": "fill"}
ALL_SHEETS: Mapping[str, Any] = {"sheet": "*"}


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """A workbook.

    Attributes:
        ending: The ending of its name.
        make: Makes its bytes.
        message: A pattern of its failure; empty if it loads.
        options: The settings of its folder.
    """

    ending: str
    make: Callable[[], bytes]
    message: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


# ── .xlsx ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def xlsx(rows: str, *, before: str = "", after: str = "", **parts: Any) -> bytes:
    """Return a workbook of one sheet."""
    sheet = f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
    return make_book(sheet=sheet, **parts).getvalue()


def row(number: int, *cells: str, more: str = "") -> str:
    """Return a row of texts."""
    made = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f'<row r="{number}"{more}>{made}</row>'


SMALL = row(1, "a", "b") + row(2, "x", "y")


def xlsx_styles() -> bytes:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{"<xf/>" * TOO_MANY_STYLES}</cellXfs></styleSheet>'
    return xlsx(SMALL, styles=styles)


def xlsx_formats() -> bytes:
    formats = "".join(f'<numFmt numFmtId="{200 + n}" formatCode="0"/>' for n in range(120_000))
    return xlsx(SMALL, styles=f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts></styleSheet>')


def xlsx_sheets() -> bytes:
    """Return a workbook whose sheets all lead to one part of 5 MB."""
    book = BytesIO(xlsx(SMALL + "".join(row(number, "x" * 40, "y" * 40) for number in range(3, 40_000))))
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(1, SHEETS + 1))
    workbook = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}"><sheets>{listed}</sheets></workbook>'
    replaced = BytesIO()
    with zipfile.ZipFile(book) as given, zipfile.ZipFile(replaced, "w", zipfile.ZIP_DEFLATED) as written:
        for name in given.namelist():
            written.writestr(name, workbook if name == "xl/workbook.xml" else given.read(name))
    return replaced.getvalue()


def xlsx_headers() -> bytes:
    """Return a workbook of 16,384 columns with 200 rows below the headers."""
    header = "".join(f'<c t="inlineStr"><is><t>h{n}</t></is></c>' for n in range(COLUMNS))
    cells = "<c><v>1</v></c>" * COLUMNS
    return xlsx(f"<row>{header}</row>" + f"<row>{cells}</row>" * 200)


def xlsx_areas(count: int) -> bytes:
    """Return a workbook with so many merged areas of two cells, side by side and one below the other."""
    rows = row(1, *(f"h{n}" for n in range(20)))
    rows += "".join(f'<row r="{n}">{"<c><v>1</v></c>" * 20}</row>' for n in range(2, 2002))
    areas = "".join(
        f'<mergeCell ref="{first}{n}:{second}{n}"/>'
        for n in range(2, count // 10 + 2)
        for first, second in zip("ACEGIKMOQS", "BDFHJLNPRT", strict=True)
    )
    return xlsx(rows, after=f"<mergeCells>{areas}</mergeCells>")


def attributes(count: int) -> str:
    return "".join(f' a{n}="1"' for n in range(count))


def xlsx_texts() -> bytes:
    """Return a workbook of 16,384 columns, of which all cells of ten rows have one text of 32,767 characters."""
    text = f'<sst xmlns="{MAIN}"><si><t>{"z" * 32_767}</t></si></sst>'
    cells = '<c t="s"><v>0</v></c>' * COLUMNS
    return xlsx(row(1, "a") + f"<row>{cells}</row>" * 10, sharedStrings=text)


def xlsx_comments() -> bytes:
    comment = f"<!--{'-x' * MIB}-->"
    text = f'<sst xmlns="{MAIN}">{comment}<si><t>{comment}a</t></si></sst>'
    return xlsx(comment + SMALL + comment * 20, before=comment, after=comment, sharedStrings=text)


# ── .xlsb ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def xlsb_rows(count: int, columns: int) -> list[bytes]:
    """Return a header and so many rows of numbers."""
    cells = [xlsb.row(1), *(xlsb.text(n, f"h{n}") for n in range(columns))]
    numbers = b"".join(xlsb.rk(n, 1) for n in range(columns))
    for number in range(2, count + 2):
        cells += [xlsb.row(number), numbers]
    return cells


def xlsb_styles() -> bytes:
    return xlsb.workbook([xlsb.sheet(*xlsb_rows(1, 1))], codes=[14] * MILLION).getvalue()


def xlsb_sheets() -> bytes:
    """Return a workbook whose sheets all lead to one part of 2 MB."""
    large = xlsb.sheet(*xlsb_rows(40_000, 4))
    book = xlsb.workbook([xlsb.sheet()] * SHEETS)
    replaced = BytesIO()
    with zipfile.ZipFile(book) as given, zipfile.ZipFile(replaced, "w", zipfile.ZIP_DEFLATED) as written:
        for name in given.namelist():
            if name == "xl/worksheets/sheet1.bin":
                written.writestr(name, large)
            elif name == "xl/_rels/workbook.bin.rels":
                written.writestr(name, re.sub(rb"worksheets/sheet[0-9]+", b"worksheets/sheet1", given.read(name)))
            elif not name.startswith("xl/worksheets/"):
                written.writestr(name, given.read(name))
    return replaced.getvalue()


def xlsb_areas(count: int) -> bytes:
    areas = b"".join(
        xlsb.record(176, struct.pack("<4I", row_index, row_index, column, column + 1))
        for row_index in range(1, count // 10 + 1)
        for column in range(0, 20, 2)
    )
    return xlsb.workbook([xlsb.sheet(*xlsb_rows(2000, 20), after=areas)]).getvalue()


# ── .ods ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

ODS_ONE = '<table:table-cell office:value-type="float" office:value="1"/>'


def ods_text(text: str, more: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def ods(*rows: str, **arguments: Any) -> bytes:
    body = "".join(f"<table:table-row>{cells}</table:table-row>" for cells in rows)
    return make_ods(body, **arguments).getvalue()


def ods_styles() -> bytes:
    many = "".join(f'<style:style style:name="c{n}" style:family="table-cell"/>' for n in range(TOO_MANY_STYLES))
    return ods(ods_text("a"), ODS_ONE, automatic=many)


def ods_sheets() -> bytes:
    rows = "".join(f"<table:table-row>{cells}</table:table-row>" for cells in (ods_text("a"), ODS_ONE))
    return make_ods(sheets={f"S{n}": rows for n in range(SHEETS)}).getvalue()


def ods_headers() -> bytes:
    header = "".join(ods_text(f"h{n}") for n in range(COLUMNS))
    repeated = (
        f'<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{COLUMNS}"/>'
    )
    return ods(header, *[repeated] * 1000)


def ods_areas(count: int) -> bytes:
    header = "".join(ods_text(f"h{n}") for n in range(20))
    span = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-spanned="2"/>'
    return ods(header, *[(span + "<table:covered-table-cell/>") * 10] * (count // 10))


def ods_comments() -> bytes:
    comment = f"<!--{'-x' * MIB}-->"
    return ods(ods_text("a"), *[comment + ODS_ONE] * 20)


# ── .xls ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def xls_numbers() -> bytes:
    cells = b"".join(xls.label(0, column, f"h{column}") for column in range(20))
    return cells + b"".join(xls.number(row_index, column, 1) for row_index in range(1, 1001) for column in range(20))


def xls_areas(count: int) -> bytes:
    areas = [
        struct.pack("<4H", row_index, row_index, column, column + 1)
        for row_index in range(1, count // 128 + 1)
        for column in range(0, 256, 2)
    ]
    records = b"".join(
        xls.record(0xE5, struct.pack("<H", len(areas[n : n + 1000])) + b"".join(areas[n : n + 1000]))
        for n in range(0, len(areas), 1000)
    )
    return xls.book(xls_numbers() + records)


def xls_strings() -> bytes:
    table = xls.record(0xFC, struct.pack("<II", 1 << 31, 0x7FFFFFFF) + b"\1\0\0x" * 2000)
    return xls.compound(xls.book(xls_numbers(), globals_=table))


HOSTILE: Mapping[str, Hostile] = {
    "xlsx styles": Hostile(ending=".xlsx", make=xlsx_styles, message="250,000 cell styles"),
    "xlsx formats": Hostile(ending=".xlsx", make=xlsx_formats, message="100,000 number formats"),
    "xlsx sheets": Hostile(ending=".xlsx", make=xlsx_sheets, message="has the same part", options=ALL_SHEETS),
    "xlsx headers": Hostile(ending=".xlsx", make=xlsx_headers, message="16,384 columns"),
    "xlsx areas": Hostile(
        ending=".xlsx", make=lambda: xlsx_areas(TOO_MANY_AREAS), message="300,000 merged", options=FILL
    ),
    "xlsx fewer areas": Hostile(ending=".xlsx", make=lambda: xlsx_areas(300_000), options=FILL),
    "xlsx fewer areas, top left": Hostile(ending=".xlsx", make=lambda: xlsx_areas(300_000)),
    "xlsx attributes": Hostile(ending=".xlsx", make=lambda: xlsx(row(1, "a", more=attributes(200_000)) + row(2, "x"))),
    "xlsx attributes outside": Hostile(
        ending=".xlsx", make=lambda: xlsx(SMALL, before=f"<sheetPr{attributes(200_000)}/>")
    ),
    "xlsx texts": Hostile(ending=".xlsx", make=xlsx_texts, message="bytes of text"),
    "xlsx comments": Hostile(ending=".xlsx", make=xlsx_comments),
    "xlsx large comment": Hostile(
        ending=".xlsx", make=lambda: xlsx(SMALL + f"<!--{'-x' * 20 * MIB}-->"), message="tag or comment of more than"
    ),
    "xlsb styles": Hostile(ending=".xlsb", make=xlsb_styles, message="styles"),
    "xlsb sheets": Hostile(ending=".xlsb", make=xlsb_sheets, message="has the same part", options=ALL_SHEETS),
    "xlsb headers": Hostile(
        ending=".xlsb",
        make=lambda: xlsb.workbook([xlsb.sheet(*xlsb_rows(200, COLUMNS))]).getvalue(),
        message="16,384 columns",
    ),
    "xlsb areas": Hostile(
        ending=".xlsb", make=lambda: xlsb_areas(TOO_MANY_AREAS), message="300,000 merged", options=FILL
    ),
    "xlsb fewer areas": Hostile(ending=".xlsb", make=lambda: xlsb_areas(300_000), options=FILL),
    "ods styles": Hostile(ending=".ods", make=ods_styles, message="250,000 styles"),
    "ods sheets": Hostile(ending=".ods", make=ods_sheets, options=ALL_SHEETS),
    "ods headers": Hostile(ending=".ods", make=ods_headers, message="16,384 columns"),
    "ods areas": Hostile(ending=".ods", make=lambda: ods_areas(TOO_MANY_AREAS), message="300,000 merged", options=FILL),
    "ods fewer areas": Hostile(ending=".ods", make=lambda: ods_areas(200_000), options=FILL),
    "ods attributes": Hostile(ending=".ods", make=lambda: ods(ods_text("a"), ods_text("x", attributes(200_000)))),
    "ods repeated text": Hostile(
        ending=".ods",
        make=lambda: ods(ods_text("a"), ods_text("x" * 30_000, ' table:number-columns-repeated="16384"')),
        message="the row has more than",
    ),
    "ods comments": Hostile(ending=".ods", make=ods_comments),
    "xls areas": Hostile(ending=".xls", make=lambda: xls_areas(MILLION), options=FILL),
    "xls areas, top left": Hostile(ending=".xls", make=lambda: xls_areas(MILLION)),
    "xls strings": Hostile(ending=".xls", make=xls_strings),
}
