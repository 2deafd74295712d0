"""Which files the built-in reader takes, and what it says about those that only look like workbooks."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from pgdatahub.config import Config, FolderOptions
from pgdatahub.errors import CorruptError, EmptyFileError, EncryptedError, NotAWorkbookError
from pgdatahub.model.flow import SourceFile
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


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b\n1,2\n", "CSV text"),
        ("Name;Wert\nä;1\n".encode("cp1252"), "CSV text"),
        ("a\tb\n1\t2\n".encode("utf-16"), "CSV text"),
        (b"  <!DOCTYPE html><html></html>", "an HTML page"),
        (b"<table><tr><td>1</td></tr></table>", "an HTML page"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "an XML file"),
        (b"%PDF-1.7", "a PDF file"),
        (b"hello", "plain text"),
        (bytes(range(256)), "no kind of file that is known here"),
        (zipped({"a.txt": "x"}), "a zip file without a workbook"),
        (
            document(
                "word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
            ),
            "a text document or a presentation",
        ),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}), "a text document"),
    ],
)
def test_other_files_under_a_workbooks_name_are_called_what_they_are(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(NotAWorkbookError, match=f"book.xlsx: this is {said}"):
        read(source(tmp_path, data))
    assert read(source(tmp_path, data, "book.csv")) is None


def test_a_protected_workbook_is_called_so_even_where_the_name_is_far_in_the_file(tmp_path: Path) -> None:
    for padding in (600, 1024 * 1024 - 20, 3 * 1024 * 1024):
        with pytest.raises(EncryptedError, match="password"):
            read(source(tmp_path, OLE + b"\0" * padding + "EncryptedPackage".encode("utf-16-le")))


def test_no_bytes_are_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(EmptyFileError, match=r"book\.xlsx"):
        read(source(tmp_path, b""))
    assert read(source(tmp_path, b"", "book.csv")) is None


def test_a_workbook_cut_off_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(CorruptError, match=r"book\.xlsx: "):
        read(source(tmp_path, workbook_bytes()[:-100]))
