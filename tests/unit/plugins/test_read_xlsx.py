"""The files that the built-in reader takes."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from pgdatahub.config import Config, FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.plugins.read_xlsx import XlsxReader

OLE = bytes.fromhex("D0CF11E0A1B11AE1")


def source(tmp_path: Path, data: bytes, name: str = "book.xlsx") -> SourceFile:
    path = tmp_path / name
    path.write_bytes(data)
    return SourceFile(
        location=str(path),
        identity=name,
        table=TableName(schema="public", name="t"),
        options=FolderOptions(),
        size=len(data),
    )


def read(found: SourceFile) -> list[str] | None:
    workbook = XlsxReader().pgdatahub_read(found, Config())
    if workbook is None:
        return None
    names = [sheet.name for sheet in workbook.sheets]
    workbook.close()
    return names


def zipped(parts: dict[str, str]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def workbook_bytes() -> bytes:
    file = BytesIO()
    openpyxl.Workbook().save(file)
    return file.getvalue()


@pytest.mark.parametrize("name", ["book.xlsx", "book.XLSM", "book.xls", "book.bin"])
def test_a_workbook_is_taken_whatever_its_name(name: str, tmp_path: Path) -> None:
    assert read(source(tmp_path, workbook_bytes(), name)) == ["Sheet"]


def document(part: str, content_type: str) -> bytes:
    package = "http://schemas.openxmlformats.org/package/2006"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Override PartName="/{part}" '
            f'ContentType="{content_type}"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{relation}" '
            f'Target="{part}"/></Relationships>',
            part: "<x/>",
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        OLE + b"\0" * 2000 + "Workbook".encode("utf-16-le"),
        b"\x09\x08\x10\x00\x00\x06\x05\x00" + b"\0" * 100,
        zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}),
        document("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroEnabled.main"),
    ],
    ids=["xls", "biff", "ods", "xlsb"],
)
def test_workbooks_of_other_kinds_are_left_to_their_reader(data: bytes, tmp_path: Path) -> None:
    assert read(source(tmp_path, data)) is None
