"""The kind of a file by its content, whatever its name says.

People rename files, and programs export HTML or CSV under ``.xls``. The first bytes decide, and for a ZIP archive or an
OLE compound file its directory.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import BinaryIO, Final

from pgdatahub.errors import CorruptError, EmptyFileError, EncryptedError, NotAWorkbookError, ReadError
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.packages.office_workbook import find_workbook_part
from pgdatahub.readers.packages.ole import SIGNATURE, Container, FileData, OleError
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.signatures import LIBREOFFICE, MOVE, OLE_STREAMS, ZIP_FOLDERS, Kind, known_beginning, known_text

_LOOKED_AT: Final = 4096
_BIFF: Final = {b"\x09\x00": "2", b"\x09\x02": "3", b"\x09\x04": "4", b"\x09\x08": "5 to 2003"}
"""The first two bytes of records without a container → the versions of Excel that write them."""
_RIGHTS: Final = "\tDRMContent"
_BOOKS: Final = frozenset({"workbook", "book"})


class Format(Enum):
    """The formats that are told apart; the value is the usual ending."""

    XLSX = ".xlsx"
    """An Office Open XML package that is not known to be anything else."""
    XLSB = ".xlsb"
    ODS = ".ods"
    XLS = ".xls"
    """A workbook of Excel 5 to 2003 in an OLE compound file, or such a file that is not known to be anything else."""
    OLD_XLS = "old .xls"
    """Records of Excel 2 to 2003 without a container."""
    ENCRYPTED = "encrypted"
    """An Office Open XML package that is encrypted, in an OLE compound file."""
    DAMAGED_ZIP = "damaged zip"
    """A ZIP archive whose directory cannot be read."""
    EMPTY = "empty"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The kind of a file.

    Attributes:
        format: Its format.
        looks_like: For people, with an article: "an HTML page".
        advice: A hint for a file that is not a workbook.
        damage: The fault of a damaged archive.
    """

    format: Format
    looks_like: str = "a workbook"
    advice: str = MOVE
    damage: ReadError | None = None


def detect(file: BinaryIO) -> Content:
    """Return the kind of ``file``, leaving it at any position.

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
    if head.startswith(SIGNATURE):
        return _detect_ole(file)
    if head.lstrip(b"\xef\xbb\xbf\r\n ").startswith((b"PK\x03\x04", b"PK00PK\x03\x04")):
        return _detect_zip(file)
    if head[:2] in _BIFF and len(head) >= 8 and head[2] in (4, 6, 8, 16) and not head[3]:
        return Content(format=Format.OLD_XLS, looks_like=f"a workbook of Excel {_BIFF[head[:2]]}")
    kind = known_beginning(head)
    if kind is None:
        text = _as_text(head)
        kind = Kind(name="no format that is known") if text is None else known_text(text)
        if text is not None and _is_wide(head):
            kind = Kind(name=f"{kind.name} in UTF-16", advice=kind.advice)
    return _other(kind)


def refuse(content: Content) -> ReadError:
    """Return the error for a file that is named like a workbook and is not one that can be read."""
    if content.format is Format.EMPTY:
        return EmptyFileError("the file is empty: it has no bytes", hint="copy or download it again")
    if content.format is Format.DAMAGED_ZIP:
        if content.damage is not None:
            return content.damage
        return CorruptError("the workbook is a damaged or truncated ZIP archive", hint="copy or download it again")
    if content.format is Format.ENCRYPTED:
        return EncryptedError("the workbook is protected by a password", hint="save a copy without a password")
    return NotAWorkbookError(f"the file is not a workbook; it is {content.looks_like}", hint=content.advice)


def _other(kind: Kind) -> Content:
    return Content(format=Format.OTHER, looks_like=kind.name, advice=kind.advice)


def _detect_ole(file: BinaryIO) -> Content:
    try:
        names = Container(FileData(file)).names()
    except OleError:
        return Content(format=Format.XLS)
    if "EncryptedPackage" in names:
        return Content(format=Format.ENCRYPTED, looks_like="a workbook protected by a password")
    if any(name.lower() in _BOOKS for name in names):
        return Content(format=Format.XLS)
    if _RIGHTS in names:
        return _other(Kind(name="protected by rights management", advice="ask its author for a copy without it"))
    for stream, kind in OLE_STREAMS.items():
        if stream in names:
            return _other(kind)
    return Content(format=Format.XLS)


_MEDIA_TYPE: Final = re.compile(rb"application/vnd\.oasis\.opendocument\.[a-z-]+")
_MANIFEST_BYTES: Final = 64 * 1024


def _detect_zip(file: BinaryIO) -> Content:
    try:
        package = Package(file, DEFAULT_LIMITS)
        return _detect_package(package)
    except ReadError as error:
        return Content(format=Format.DAMAGED_ZIP, looks_like="a damaged or truncated ZIP archive", damage=error)


def _detect_package(package: Package) -> Content:
    names = package.names
    if "mimetype" in names:
        return _open_document(package.open("mimetype").read(200))
    if "content.xml" in names and "[content_types].xml" not in names:
        return _without_mimetype(package)
    part = None
    with suppress(ReadError):  # its reader reports the damage
        part = find_workbook_part(package)
    if part is not None:
        content_type = package.content_types().get(part, "").lower()
        if part.lower().endswith(".bin") or ".binary." in content_type:
            return Content(format=Format.XLSB)
        if "spreadsheetml" in content_type:
            return Content(format=Format.XLSX)
    elif "xl/workbook.bin" in names:
        return Content(format=Format.XLSB)
    for beginning, kind in ZIP_FOLDERS.items():
        if any(name.startswith(beginning) for name in names):
            return _other(kind)
    if "[content_types].xml" in names or any(name.startswith("xl/") for name in names):
        return Content(format=Format.XLSX)
    return _other(Kind(name="a ZIP archive of other files", advice="unpack it into the folder"))


def _without_mimetype(package: Package) -> Content:
    """Return the kind of an OpenDocument file without a ``mimetype``, as Google Docs writes them, by its manifest."""
    if "meta-inf/manifest.xml" in package.names:
        found = _MEDIA_TYPE.search(package.open("META-INF/manifest.xml").read(_MANIFEST_BYTES))
        if found:
            return _open_document(found[0])
    return Content(format=Format.ODS)


def _open_document(mimetype: bytes) -> Content:
    if mimetype.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return Content(format=Format.ODS)
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        return _other(Kind(name="an OpenDocument file other than a spreadsheet"))
    if mimetype.startswith(b"application/vnd.sun.xml.calc"):
        return _other(Kind(name="a spreadsheet of OpenOffice 1 (.sxc)", advice=LIBREOFFICE))
    return _other(Kind(name="a ZIP archive of other files", advice="unpack it into the folder"))


_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def _as_text(head: bytes) -> str | None:
    """Return the beginning of a text file, None if the bytes are not text."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    if (wide := _wide_encoding(head)) is not None:
        return head.decode(wide, "replace")
    if any(byte < 32 and byte not in b"\t\n\r\f\x1a\x1b" for byte in head):
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end; other encodings are told apart well enough as Latin 1.
        return head.decode("utf-8" if error.start > len(head) - 4 else "latin-1", "replace")


def _is_wide(head: bytes) -> bool:
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or _wide_encoding(head) is not None


def _wide_encoding(head: bytes) -> str | None:
    """Return UTF-16 for a text without a mark at its beginning: most of its high bytes are 0."""
    pairs = len(head) // 2
    if pairs < 4:
        return None
    for encoding, high, low in (("utf-16-le", head[1::2], head[0::2]), ("utf-16-be", head[0::2], head[1::2])):
        if high.count(0) > pairs * 0.7 and not low.count(0) and not any(byte < 9 for byte in low):
            return encoding
    return None
