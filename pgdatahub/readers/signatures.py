"""Endings of workbooks; beginnings of other files, with their names for people and advice that does not alter values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import unpack_from
from typing import Final

WORKBOOK_SUFFIXES: Final = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
"""The endings, in lower case, that the built-in readers stand for."""

MOVE: Final = "if it holds a table, save that as .xlsx, otherwise move the file out of the folder"
SAVE: Final = "open it in Excel or LibreOffice and save it as .xlsx"
LIBREOFFICE: Final = "open it in LibreOffice and save it as .xlsx"
IMPORT: Final = (
    "import it into Excel or LibreOffice with every column as text and save it as .xlsx; opening it directly may change codes"
    " such as 00501 and dates"
)
WEB_PAGE: Final = (
    "ask its sender for a workbook, or open it in Excel, check codes such as 00501 and dates, which opening may change, and"
    " save it as .xlsx"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of file.

    Attributes:
        name: For people, with an article: "an HTML page".
        advice: Advice that does not alter values.
    """

    name: str
    advice: str = MOVE


_LOTUS: Final = Kind(name="a Lotus 1-2-3 spreadsheet", advice=LIBREOFFICE)
_QUATTRO: Final = Kind(name="a Quattro Pro spreadsheet", advice=LIBREOFFICE)
_WORKS: Final = Kind(name="a Microsoft Works spreadsheet", advice=LIBREOFFICE)
_PICTURE: Final = Kind(name="a picture", advice="move the file out of the folder")
_ARCHIVE: Final = "unpack it into the folder"

_BEGINNINGS: Final = {
    b"%PDF": Kind(name="a PDF document"),
    b"%!PS": Kind(name="a PostScript document"),
    b"{\\rtf": Kind(name="an RTF document"),
    b"\x1f\x8b": Kind(name="a gzip archive", advice=_ARCHIVE),
    b"BZh": Kind(name="a bzip2 archive", advice=_ARCHIVE),
    b"\xfd7zXZ\x00": Kind(name="an xz archive", advice=_ARCHIVE),
    b"\x28\xb5\x2f\xfd": Kind(name="a Zstandard archive", advice=_ARCHIVE),
    b"7z\xbc\xaf\x27\x1c": Kind(name="a 7z archive", advice=_ARCHIVE),
    b"Rar!": Kind(name="a RAR archive", advice=_ARCHIVE),
    b"PK\x05\x06": Kind(name="an empty ZIP archive"),
    b"PAR1": Kind(name="a Parquet file"),
    b"ARROW1": Kind(name="an Arrow file"),
    b"FEA1": Kind(name="a Feather file"),
    b"ORC": Kind(name="an ORC file"),
    b"Obj\x01": Kind(name="an Avro file"),
    b"\x89HDF": Kind(name="an HDF5 file"),
    b"SQLite format 3": Kind(name="an SQLite database"),
    b"\x00\x01\x00\x00Standard": Kind(name="an Access database"),
    b"$FL2": Kind(name="an SPSS file"),
    b"$FL3": Kind(name="an SPSS file"),
    b"<stata_dta>": Kind(name="a Stata file"),
    b"RDX": Kind(name="an R data file"),
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"II*\x00": _PICTURE,
    b"MM\x00*": _PICTURE,
    b"RIFF": Kind(name="a picture, sound or film", advice="move the file out of the folder"),
    b"MZ": Kind(name="a Windows program", advice="move the file out of the folder"),
    b"\x7fELF": Kind(name="a program", advice="move the file out of the folder"),
    b"version https://git-lfs": Kind(name="a Git LFS pointer", advice="fetch the file itself with git lfs pull"),
    b"\xff\x00\x02\x00\x04\x04\x05\x54": _WORKS,
    b"\x00\x00\x02\x00\x20\x51": _QUATTRO,
    b"\x00\x00\x02\x00\x21\x51": _QUATTRO,
    b"\x00\x00\x02\x00\x01\x10": _QUATTRO,
    b"\x00\x00\x02\x00\x02\x10": _QUATTRO,
    b"\x00\x00\x02\x00\x04\x04": _LOTUS,
    b"\x00\x00\x02\x00\x05\x04": _LOTUS,
    b"\x00\x00\x02\x00\x06\x04": _LOTUS,
    b"\x00\x00\x1a\x00": _LOTUS,
}

OLE_STREAMS: Final = {
    "StarCalcDocument": Kind(
        name="a StarCalc spreadsheet (.sdc)", advice="ask its sender for a workbook saved as .xlsx"
    ),
    "WordDocument": Kind(name="a Word document (.doc)"),
    "PowerPoint Document": Kind(name="a PowerPoint presentation (.ppt)"),
    "__properties_version1.0": Kind(name="an Outlook message (.msg)"),
    "VisioDocument": Kind(name="a Visio drawing (.vsd)"),
    "WksSSWorkBook": _WORKS,
    "MatOST": Kind(name="a Microsoft Works document"),
    "PerfectOffice_MAIN": _QUATTRO,
    "NativeContent_MAIN": _QUATTRO,
    "Quill": Kind(name="a Publisher document"),
    "Props": Kind(name="a Project file (.mpp)"),
}
"""Names of streams of an OLE compound file that tell what it is."""

ZIP_FOLDERS: Final = {
    "word/": Kind(name="a Word document"),
    "ppt/": Kind(name="a PowerPoint presentation"),
    "visio/": Kind(name="a Visio drawing"),
    "index/": Kind(name="an Apple Numbers document", advice="export it from Numbers as .xlsx"),
    "index.zip": Kind(name="an Apple Numbers document", advice="export it from Numbers as .xlsx"),
}
"""Beginnings of names in a ZIP archive that tell what it is."""

_DBASE: Final = frozenset(b"\x02\x03\x04\x05\x30\x31\x32\x43\x63\x7b\x83\x8b\x8c\x8e\xcb\xe5\xf5\xfb")
_DBASE_TYPES: Final = frozenset(b"CNLDMFBGPYTIVXOWQ+@0")
_HTML: Final = re.compile(r"<(!doctype\s+html|html|head|body|table|meta|style|script|div|font|title|tr|td|p)\b")
_MAIL: Final = re.compile(r"(mime-version|content-type|x-document-type|from|subject|date|message-id|return-path):")


def known_beginning(head: bytes) -> Kind | None:
    """Return the kind of a binary file by its first bytes."""
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if head[4:8] == b"ftyp":
        return Kind(name="a picture or a film", advice="move the file out of the folder")
    if head[257:262] == b"ustar":
        return Kind(name="a tar archive", advice=_ARCHIVE)
    if _is_dbase(head):
        return Kind(name="a dBASE file (.dbf)", advice=LIBREOFFICE)
    if not any(head):
        return Kind(name="a file of zeros: its content was lost", advice="copy or download it again")
    return None


def _is_dbase(head: bytes) -> bool:
    """Return whether a file begins with the header of a dBASE table: version, date, sizes, fields of 32 bytes."""
    if len(head) < 68 or head[0] not in _DBASE or head[2] > 12 or head[3] > 31:
        return False
    header, record = unpack_from("<HH", head, 8)
    if header < 65 or record < 2:
        return False
    # Visual FoxPro puts further bytes between the last field and the rows; some programs count months from 0.
    name = head[32:43].split(b"\0")[0]
    if name and min(name) > 32 and head[43] in _DBASE_TYPES:
        return True
    return header > len(head) or 0x0D in head[header - 1 : header + 1] or (header - 33) % 32 == 0


def known_text(text: str) -> Kind:
    """Return the kind of a text file by its beginning."""
    stripped = text.lstrip("\ufeff \t\r\n\0")
    start = stripped.lower()
    if not start:
        return Kind(name="an empty text", advice="copy or download it again")
    if _MAIL.match(start):
        if "multipart/related" in start or "x-mimeole" in start or "text/html" in start:
            return Kind(name="a web archive (MHTML): a web page that is named like a workbook", advice=WEB_PAGE)
        if "mime-version:" in start:
            return Kind(name="an e-mail", advice="save its attachments into the folder")
    if "urn:schemas-microsoft-com:office:spreadsheet" in start:
        return Kind(name="an Excel 2003 XML spreadsheet", advice=SAVE)
    if "urn:oasis:names:tc:opendocument" in start:
        return Kind(
            name="a flat OpenDocument file (.fods)", advice="open it in LibreOffice and save it as .ods or .xlsx"
        )
    if start.startswith("<") and _HTML.search(start):
        return Kind(name="an HTML page", advice=WEB_PAGE)
    if start.startswith("id;p"):
        return Kind(name="a SYLK file", advice=SAVE)
    if start.startswith("table") and re.match(r"table\s+0,1\s", start):
        return Kind(name="a DIF file", advice=SAVE)
    if start.startswith("<"):
        return Kind(name="an XML document")
    if start.startswith("{") or re.match(r"\[\s*([\[{\"\d\]-]|true|false|null)", start):
        return Kind(name="a JSON document")
    lines = [line for line in stripped.splitlines() if line.strip()][:6]
    whole = lines[: max(1, len(lines) - 1)][:5]
    for delimiter, name in (
        ("\t", "a text with tabs (TSV)"),
        (";", "a CSV file"),
        (",", "a CSV file"),
        ("|", "a CSV file"),
    ):
        if all(delimiter in line for line in whole):
            return Kind(name=name, advice=IMPORT)
    return Kind(name="a plain text")
