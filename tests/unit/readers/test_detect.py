from __future__ import annotations

import io
import zipfile

import pytest

from pgdatahub.readers.detect import Format, detect, refuse


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return file.getvalue()


ODS = b"application/vnd.oasis.opendocument.spreadsheet"
XLSX = zipped(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", Format.EMPTY),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), Format.XLS),
        (b"\x09\x02\x06\x00\x00\x00\x10\x00", Format.OLD_XLS),
        (b"\x09\x08\x08\x00\x00\x00\x10\x00", Format.OLD_XLS),
        (b"\n" + XLSX, Format.XLSX),
        (XLSX, Format.XLSX),
        (zipped(**{"[Content_Types].xml": b"", "Book/main.xml": b""}), Format.XLSX),
        (zipped(**{"[Content_Types].xml": b"", "xl/workbook.bin": b""}), Format.XLSB),
        (zipped(mimetype=ODS, **{"content.xml": b""}), Format.ODS),
        (zipped(mimetype=ODS + b"-template"), Format.ODS),
        (XLSX[:-30], Format.DAMAGED_ZIP),
        (b"PK\x03\x04" + bytes(100), Format.DAMAGED_ZIP),
    ],
)
def test_workbooks_are_known_by_their_content(content: bytes, expected: Format) -> None:
    assert detect(io.BytesIO(content)).format is expected


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"name,amount\nAnn,1\nBob,2\n", "a CSV file"),
        (b"name;amount\r\nM\xfcller;1\r\n", "a CSV file"),
        (b"\xef\xbb\xbfname;amount\n", "a CSV file"),
        ("name\tamount\nMüller\t1".encode("utf-16"), "a text with tabs (TSV) in UTF-16"),
        ("id,name\n1,Ada\n".encode("utf-16-be"), "a CSV file in UTF-16"),
        (b"hour\texp\n1\t2\n", "a text with tabs (TSV)"),
        (b"hello", "a plain text"),
        (("ä" * 2047 + "xä").encode(), "a plain text"),
        (b"\n <!DOCTYPE html>\n<html>", "an HTML page"),
        (b"<html xmlns:x='urn:schemas-microsoft-com:office:excel'>", "an HTML page"),
        (b"<meta charset=utf-8><table><tr>", "an HTML page"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "an Excel 2003 XML spreadsheet",
        ),
        (b'<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">', "a flat OpenDocument"),
        (b"<?xml version='1.0'?><a/>", "an XML document"),
        (b"ID;PWXL;N;E\n", "a SYLK file"),
        (b'[{"a": 1}]', "a JSON document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (bytes(600), "a file of zeros"),
        (b"\xef\xbb\xbf \r\n", "an empty text"),
        (b"\x03\x7c\x05\x01\x02\0\0\0\x61\0\x0c\0" + bytes(84) + b"\r" + b" " * 24, "a dBASE file"),
        # As SheetJS writes it: Visual FoxPro's 263 bytes behind the fields, and January as month 0.
        (b"\x30\x11\0\x13\2\0\0\0\x48\1\x08\0" + bytes(20) + b"id" + bytes(9) + b"B" + bytes(300), "a dBASE file"),
        (b"\0\0\x02\0\x06\x04\x06\0\x08\0", "a Lotus 1-2-3"),
        (b"\0\0\x1a\0\x02\x10\x04\0", "a Lotus 1-2-3"),
        (b"\0\0\x02\0\x20\x51\x06\0", "a Quattro Pro"),
        (b"\xff\0\x02\0\x04\x04\x05\x54\x02\0", "a Microsoft Works"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\x89PNG\r\n", "a picture"),
        (b"GIF89a", "a picture"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n", "a web archive"),
        (b"From: <Saved by Excel>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related", "a web archive"),
        ("MIME-Version: 1.0\nX-MimeOLE: Produced".encode("utf-16"), "a web archive"),
        (b"<div><TABLE border=1><tr><td>1", "an HTML page"),
        ("<html><table>".encode("utf-16"), "an HTML page"),
        ("id\tname\n1\tAda\n".encode("utf-16-le"), "a text with tabs"),
        (b"TABLE\r\n0,1\r\n", "a DIF file"),
        (zipped(**{"Index/Document.iwa": b"", "Metadata/x.plist": b""}), "an Apple Numbers document"),
        (bytes(range(1, 256)), "no format that is known"),
        (zipped(**{"[Content_Types].xml": b"", "word/document.xml": b""}), "a Word document"),
        (zipped(mimetype=b"application/vnd.oasis.opendocument.text"), "an OpenDocument file other than"),
        (zipped(mimetype=b"application/vnd.sun.xml.calc"), "a spreadsheet of OpenOffice 1"),
        (zipped(**{"a.txt": b""}), "a ZIP archive of other files"),
    ],
)
def test_what_is_no_workbook_is_called_by_its_name(content: bytes, looks_like: str) -> None:
    found = detect(io.BytesIO(content))
    assert found.format is Format.OTHER
    assert found.looks_like.startswith(looks_like)
    assert found.advice


@pytest.mark.parametrize(
    "content",
    [b"name,zip\nAnn,00501\n", b"<html><table><tr><td>00501", b"MIME-Version: 1.0\r\nContent-Type: multipart/related"],
)
def test_advice_warns_where_opening_in_excel_alters_values(content: bytes) -> None:
    assert "00501" in detect(io.BytesIO(content)).advice


@pytest.mark.parametrize("position", range(0, len(XLSX), 3))
def test_damaged_archives_are_answers_and_no_exceptions(position: int) -> None:
    for value in (0, 255):
        content = bytearray(XLSX)
        content[position] = value
        detect(io.BytesIO(bytes(content)))
        detect(io.BytesIO(bytes(content[:position])))


def test_advice_on_damage_does_not_offer_a_repair_in_excel() -> None:
    for content in (XLSX[:-30], XLSX[: len(XLSX) // 2]):
        hint = str(refuse(detect(io.BytesIO(content))).hint)
        assert "ask its sender" in hint
        assert "Excel" not in hint
