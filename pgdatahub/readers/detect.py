"""What a file is by its content, whatever its name says.

People rename files, and programs export HTML or CSV under ``.xls``. Only the first bytes and, for a ZIP archive, its
directory are looked at.
"""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import BinaryIO

WORKBOOK_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
"""The endings, in lower case, that the built-in readers stand for."""

_LOOKED_AT = 4096


class Format(Enum):
    """The formats that are told apart; the value is the usual ending."""

    XLSX = ".xlsx"
    """An Office Open XML package that is not known to be anything else."""
    XLSB = ".xlsb"
    ODS = ".ods"
    XLS = ".xls"
    """An OLE compound file: a workbook of Excel 5 to 2003, an encrypted package, or another program's document."""
    OLD_XLS = "old .xls"
    """A workbook of Excel 2, 3 or 4."""
    DAMAGED_ZIP = "damaged zip"
    """The beginning of a ZIP archive without a directory that can be read."""
    EMPTY = "empty"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a file is.

    Attributes:
        format: Its format.
        looks_like: For people, with an article: "an HTML page".
        advice: What to do about a file that is no workbook.
    """

    format: Format
    looks_like: str = "a workbook"
    advice: str = "open it in Excel or LibreOffice and save it as .xlsx"


def detect(file: BinaryIO) -> Content:
    """Return what ``file`` is, leaving it at any position.

    Args:
        file: Seekable.
    """
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return _detect(file)  # a remote file, or bytes in memory
    version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return _detect_once(_Opened(version=version, file=file))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A file that is open; equal to itself opened again."""

    version: tuple[int, ...]
    file: BinaryIO = field(compare=False)


@lru_cache(maxsize=1)
def _detect_once(opened: _Opened) -> Content:
    # Each reader asks in turn, and to read the directory of an archive takes as long as a small sheet.
    return _detect(opened.file)


def _detect(file: BinaryIO) -> Content:
    file.seek(0)
    head = file.read(_LOOKED_AT)
    if not head:
        return Content(format=Format.EMPTY, looks_like="an empty file")
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return Content(format=Format.XLS)
    if head.startswith(b"PK\x03\x04"):
        return _detect_zip(file)
    if head[0] == 9 and head[1:2] in (b"\x00", b"\x02", b"\x04") and len(head) >= 8:
        version = {0: 2, 2: 3, 4: 4}[head[1]]
        return Content(format=Format.OLD_XLS, looks_like=f"a workbook of Excel {version}")
    for magic, looks_like in _MAGIC.items():
        if head.startswith(magic):
            return Content(format=Format.OTHER, looks_like=looks_like, advice=_MOVE)
    text = _as_text(head)
    if text is None:
        return Content(format=Format.OTHER, looks_like="no format that is known", advice=_MOVE)
    return _detect_text(text)


_MOVE = "if it holds a table, save that as .xlsx, otherwise move the file out of the folder"
_MAGIC = {
    b"%PDF": "a PDF document",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"PK\x05\x06": "an empty ZIP archive",
}

_PARTS = {
    "word/": "a Word document",
    "ppt/": "a PowerPoint presentation",
    "visio/": "a Visio drawing",
    "index/": "an Apple Numbers document",
}

_MEDIA_TYPE = re.compile(rb"application/vnd\.oasis\.opendocument\.[a-z-]+")
_MANIFEST_BYTES = 64 * 1024


def _detect_zip(file: BinaryIO) -> Content:
    try:
        with zipfile.ZipFile(file) as archive:
            names = {name.lower().lstrip("/") for name in archive.namelist()}
            if "mimetype" in names:
                with archive.open("mimetype") as entry:
                    return _open_document(entry.read(200))
            if "content.xml" in names and "[content_types].xml" not in names:
                return _without_mimetype(archive)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, KeyError, EOFError, NotImplementedError):
        return Content(format=Format.DAMAGED_ZIP, looks_like="a damaged or truncated ZIP archive")
    except Exception as error:  # the inflating libraries raise errors of their own
        if type(error).__module__ not in ("zlib", "lzma", "_lzma", "struct"):
            raise
        return Content(format=Format.DAMAGED_ZIP, looks_like="a damaged or truncated ZIP archive")
    if "xl/workbook.bin" in names:
        return Content(format=Format.XLSB)
    for beginning, looks_like in _PARTS.items():
        if any(name.startswith(beginning) for name in names):
            return Content(format=Format.OTHER, looks_like=looks_like, advice=_MOVE)
    if "[content_types].xml" in names or any(name.startswith("xl/") for name in names):
        return Content(format=Format.XLSX)
    return Content(format=Format.OTHER, looks_like="a ZIP archive of other files", advice="unpack it into the folder")


def _without_mimetype(archive: zipfile.ZipFile) -> Content:
    """Return the kind of an OpenDocument file without a ``mimetype``, as Google Docs writes them, by its manifest."""
    for name in archive.namelist():
        if name.lower().lstrip("/") == "meta-inf/manifest.xml":
            with archive.open(name) as entry:
                found = _MEDIA_TYPE.search(entry.read(_MANIFEST_BYTES))
            if found:
                return _open_document(found[0])
    return Content(format=Format.ODS)


def _open_document(mimetype: bytes) -> Content:
    if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return Content(format=Format.ODS)
    return Content(format=Format.OTHER, looks_like="an OpenDocument file other than a spreadsheet", advice=_MOVE)


def _as_text(head: bytes) -> str | None:
    """Return the beginning of a text file, None if the bytes are no text."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    if any(byte < 32 and byte not in b"\t\n\r\f\x1a\x1b" for byte in head):
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end; other encodings are told apart well enough as Latin 1.
        return head.decode("utf-8" if error.start > len(head) - 4 else "latin-1", "replace")


def _detect_text(text: str) -> Content:
    start = text.lstrip()[:_LOOKED_AT].lower()
    if "urn:schemas-microsoft-com:office:spreadsheet" in start:
        return Content(format=Format.OTHER, looks_like="an Excel 2003 XML spreadsheet")
    if "urn:oasis:names:tc:opendocument" in start:
        return Content(
            format=Format.OTHER,
            looks_like="a flat OpenDocument file (.fods)",
            advice="open it in LibreOffice and save it as .ods",
        )
    if re.search(r"<(!doctype html|html|head|body|table|meta)\b", start):
        return Content(format=Format.OTHER, looks_like="an HTML page")
    if start.startswith("id;p"):
        return Content(format=Format.OTHER, looks_like="a SYLK file")
    if start.startswith("<"):
        return Content(format=Format.OTHER, looks_like="an XML document", advice=_MOVE)
    if start.startswith(("{", "[")):
        return Content(format=Format.OTHER, looks_like="a JSON document", advice=_MOVE)
    lines = text.splitlines()[:5] or [""]
    for delimiter, looks_like in (("\t", "a text with tabs (TSV)"), (";", "a CSV file"), (",", "a CSV file")):
        if all(delimiter in line for line in lines[: max(1, len(lines) - 1)]):
            return Content(format=Format.OTHER, looks_like=looks_like)
    return Content(format=Format.OTHER, looks_like="a plain text", advice=_MOVE)
