"""Workbooks made of XML that a test spells out."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import TypeAlias

import pytest

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.xlsx.sheet import XlsxSheet
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.values.cells import Value, cell_address
from pgdatahub.values.column_values import as_values

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"

PARTS: Mapping[str, str] = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}"><sheets>'
    '<sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{RELATIONSHIPS}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId3" Type="{RELATIONSHIPS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="00000"/>'
    '<numFmt numFmtId="165" formatCode="[h]:mm"/></numFmts><cellXfs>'
    + "".join(f'<xf numFmtId="{identifier}"/>' for identifier in (0, 14, 22, 20, 165, 164, 49, 9))
    + "</cellXfs></styleSheet>",
    "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>alpha</t></si><si><t>beta</t></si></sst>',
}
"""The parts of a workbook but for its sheet. Styles: 0 General, 1 date, 2 timestamp, 3 time, 4 elapsed, 5 zeros, 6 text, 7 %."""

Book: TypeAlias = Callable[..., BytesIO]
Cells: TypeAlias = Callable[..., dict[str, Value]]


def make_book(
    rows: str = "",
    *,
    sheet: str | bytes | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
    **parts: str | bytes | None,
) -> BytesIO:
    """Return a workbook with these rows; ``parts`` replaces others by the last word of their names, None leaves one out."""
    file = BytesIO()
    known: dict[str, str | bytes] = dict(PARTS)
    known["xl/worksheets/sheet1.xml"] = (
        sheet if sheet is not None else f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    )
    for word, text in parts.items():
        name = next(name for name in known if name.rsplit("/", 1)[-1].split(".")[0].strip("[]").lower() == word.lower())
        if text is None:
            del known[name]
        else:
            known[name] = text
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, text in known.items():
            archive.writestr(name, text)
    file.seek(0)
    return file


def read_cells(sheet: XlsxSheet, max_rows: int = 1000) -> dict[str, Value]:
    """Return the values of a sheet by address."""
    return {
        cell_address(row, position): value
        for batch in sheet.batches(max_rows)
        for position, column in batch.columns.items()
        for row, value in zip(batch.rows, as_values(column), strict=True)
        if value is not None
    }


@pytest.fixture
def book() -> Book:
    """Make a workbook: see :func:`make_book`."""
    return make_book


@pytest.fixture
def cells() -> Cells:
    """Make a workbook of rows and read it; arguments are those of ``book``, ``limits``, ``merged`` and ``reader``."""

    def read(rows: str = "", **settings: object) -> dict[str, Value]:
        limits = settings.pop("limits", Limits())
        merged = settings.pop("merged", "top_left")
        reader = settings.pop("reader", "native")
        workbook = XlsxWorkbook(
            make_book(rows, **settings),  # type: ignore[arg-type]  # passed on as they are
            name="book.xlsx",
            limits=limits,  # type: ignore[arg-type]
            merged=merged,  # type: ignore[arg-type]
            reader=reader,  # type: ignore[arg-type]
        )
        try:
            return read_cells(workbook.open(0))
        finally:
            workbook.close()

    return read


@pytest.fixture
def sheet_cells() -> Callable[[XlsxSheet], dict[str, Value]]:
    """Read an open sheet: see :func:`read_cells`."""
    return read_cells
