"""OpenDocument spreadsheets made of XML that a test spells out."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final, TypeAlias

import pytest

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.ods.sheet import OdsSheet
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.values.cells import Value, cell_address
from pgdatahub.values.column_values import as_values

_URN = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMESPACES: Final = {
    "office": "office",
    "table": "table",
    "text": "text",
    "style": "style",
    "number": "datastyle",
    "draw": "drawing",
    "form": "form",
    "svg": "svg-compatible",
}
NAMESPACES: Final = (
    " ".join(f'xmlns:{prefix}="{_URN}{name}:1.0"' for prefix, name in _NAMESPACES.items())
    + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
MIMETYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST: Final = (
    f'<manifest:manifest xmlns:manifest="{_URN}manifest:1.0"><manifest:file-entry manifest:full-path="/" '
    f'manifest:media-type="{MIMETYPE}"/></manifest:manifest>'
)

MakeOds: TypeAlias = Callable[..., BytesIO]
Cells: TypeAlias = Callable[..., dict[str, Value]]
Read: TypeAlias = Callable[..., OdsSheet]


def make_ods(
    body: str = "",
    *,
    automatic: str = "",
    sheets: Mapping[str, str] | None = None,
    content: str | bytes | None = None,
    manifest: str | None = MANIFEST,
    mimetype: str | None = MIMETYPE,
    before: str = "",
    **parts: str | bytes,
) -> BytesIO:
    """Return a spreadsheet.

    Args:
        body: The rows and columns of its only sheet, ``Data``.
        automatic: Its automatic styles.
        sheets: Names of sheets and their rows and columns, in place of ``body``.
        content: All of ``content.xml``.
        manifest: The manifest; None for none.
        mimetype: The media type; None for none.
        before: Elements before the tables.
        parts: Other parts, without their ``.xml``.
    """
    tables = "".join(
        f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in (sheets or {"Data": body}).items()
    )
    if content is None:
        content = (
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMESPACES} office:version="1.3">'
            f"<office:automatic-styles>{automatic}</office:automatic-styles><office:body><office:spreadsheet>{before}{tables}"
            "</office:spreadsheet></office:body></office:document-content>"
        )
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype is not None:
            archive.writestr("mimetype", mimetype, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        if manifest is not None:
            archive.writestr("META-INF/manifest.xml", manifest)
        for name, part in parts.items():
            archive.writestr(f"{name}.xml", part)
    return file


def open_sheet(
    file: BytesIO,
    *,
    position: int = 0,
    merged: str = "top_left",
    limits: Limits | None = None,
    reader: Reader = "python",
) -> OdsSheet:
    """Open a sheet."""
    limits = limits or Limits()
    workbook = OdsWorkbook(file, name="a.ods", merged=merged, limits=limits, reader=reader)  # type: ignore[arg-type]
    return workbook.open(position)


def cells_of(sheet: OdsSheet, max_rows: int = 1000) -> dict[str, Value]:
    """Return the values of a sheet by address."""
    found: dict[str, Value] = {}
    for batch in sheet.batches(max_rows):
        assert len(batch.rows) <= max_rows
        for position, column in batch.columns.items():
            values = as_values(column)
            assert len(values) == len(batch.rows)
            for number, value in zip(batch.rows, values, strict=True):
                if value is not None:
                    found[cell_address(number, position)] = value
    return found


@pytest.fixture
def make() -> MakeOds:
    """Makes spreadsheets."""
    return make_ods


@pytest.fixture
def read() -> Read:
    """Opens a sheet of a spreadsheet."""
    return open_sheet


@pytest.fixture(params=[reader for reader in available_readers() if reader != "parser"])
def cells(request: pytest.FixtureRequest) -> Cells:
    """Reads the values of a spreadsheet made of these arguments."""

    def read_cells(
        body: str = "", *, position: int = 0, merged: str = "top_left", max_rows: int = 1000, **arguments: str
    ) -> dict[str, Value]:
        file = make_ods(body, **arguments)  # type: ignore[arg-type]
        return cells_of(open_sheet(file, position=position, merged=merged, reader=request.param), max_rows)

    return read_cells
