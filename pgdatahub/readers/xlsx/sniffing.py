"""What a file is, by its content: names lie, people rename ``.csv`` to ``.xlsx`` so that Excel opens it."""

from __future__ import annotations

import re
from enum import Enum
from typing import BinaryIO

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.package import Package
from pgdatahub.readers.xlsx.workbook import find_workbook_part

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BIFF_BEGINNINGS = (b"\x09\x08", b"\x09\x04", b"\x09\x02", b"\x09\x00")
_PIECE = 1024 * 1024
_LEADING = re.compile(rb"\A[\xef\xbb\xbf \t\r\n]*(?=PK\x03\x04)")


class Content(Enum):
    """What a file is."""

    EMPTY = "an empty file"
    XLSX = "an Office Open XML workbook"
    XLSB = "a binary Excel workbook (.xlsb)"
    XLS = "an old Excel workbook (.xls)"
    ODS = "an OpenDocument spreadsheet (.ods)"
    ENCRYPTED = "a workbook protected by a password"
    DOCUMENT = "a text document or a presentation"
    ZIP = "a zip file without a workbook"
    HTML = "an HTML page"
    XML = "an XML file"
    PDF = "a PDF file"
    CSV = "CSV text"
    TEXT = "plain text"
    UNKNOWN = "no kind of file that is known here"


def sniff(file: BinaryIO, limits: Limits) -> Content:
    """Return what the file is; its position afterwards is anywhere.

    Raises:
        CorruptError: It begins like a zip file and is damaged.
    """
    file.seek(0)
    head = _LEADING.sub(b"", file.read(4096))
    if not head:
        return Content.EMPTY
    if head.startswith(_OLE):
        return Content.ENCRYPTED if _holds(file, _ENCRYPTED) else Content.XLS
    if head.startswith(b"PK"):
        return _sniff_zip(Package(file, limits))
    if head.startswith(_BIFF_BEGINNINGS):
        return Content.XLS
    return _sniff_text(head)


def _holds(file: BinaryIO, wanted: bytes) -> bool:
    """Tell whether the file has these bytes: stream names of an OLE file stand in sectors that may be anywhere."""
    file.seek(0)
    before = b""
    while piece := file.read(_PIECE):
        if wanted in before + piece:
            return True
        before = piece[-len(wanted) :]
    return False


def _sniff_zip(package: Package) -> Content:
    part = find_workbook_part(package)
    if part is not None:
        content_type = package.content_types().get(part, "")
        if part.lower().endswith(".bin") or ".binary." in content_type.lower():
            return Content.XLSB
        if "wordprocessingml" in content_type or "presentationml" in content_type or part.startswith(("word/", "ppt/")):
            return Content.DOCUMENT
        return Content.XLSX
    if "mimetype" in package and "content.xml" in package:
        kind = package.open("mimetype").read(200)
        return Content.ODS if b"spreadsheet" in kind else Content.DOCUMENT
    return Content.ZIP


def _sniff_text(head: bytes) -> Content:
    if head.startswith(b"%PDF"):
        return Content.PDF
    text = _decode(head)
    if text is None:
        return Content.UNKNOWN
    lowered = text.lstrip("\ufeff \t\r\n").lower()
    if lowered.startswith(("<!doctype html", "<html", "<table", "<body", "<head", "<meta")):
        return Content.HTML
    if lowered.startswith("<?xml"):
        return Content.HTML if "<html" in lowered else Content.XML
    lines = [line for line in text.splitlines() if line.strip()]
    for separator in (",", ";", "\t", "|"):
        if lines and all(separator in line for line in lines[:5]):
            return Content.CSV
    return Content.TEXT


def _decode(head: bytes) -> str | None:
    """Return the beginning of a text file as text, None if it is no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    if b"\0" in head:
        return None
    text = head.decode("utf-8", "replace") if _is_utf8(head) else head.decode("cp1252", "replace")
    controls = sum(character < " " and character not in "\t\r\n\f" for character in text)
    return text if controls * 20 <= len(text) else None


def _is_utf8(head: bytes) -> bool:
    try:
        head[:-3].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True
