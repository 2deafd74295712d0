"""Writes workbooks in bytes that depend on nothing but their cells: no clock, no machine."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import xlsxwriter

Row = Sequence[object]

MADE_ON = datetime(2025, 4, 1, 9, 0)  # noqa: DTZ001  # Excel's dates have no time zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a made sheet: its header, and Excel's number format for its cells."""

    header: str
    number_format: str = "General"
    width: int = 12


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and the value that Excel last computed for it."""

    text: str
    value: float | str


class Book:
    """A workbook being made in memory, sheet by sheet."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._workbook = xlsxwriter.Workbook(self._buffer, {"in_memory": True})
        self._workbook.set_properties({"company": "Rösterei Morgenrot", "created": MADE_ON})

    def add(
        self,
        name: str,
        columns: Sequence[Column],
        rows: Iterable[Row],
        *,
        title: str | None = None,
        hidden: bool = False,
    ) -> None:
        """Add a sheet with a header row, below a title and a blank row where there is a title."""
        sheet = self._workbook.add_worksheet(name)
        bold = self._workbook.add_format({"bold": True})
        formats = [self._workbook.add_format({"num_format": column.number_format}) for column in columns]
        top = 0
        if title is not None:
            sheet.write_string(0, 0, title, self._workbook.add_format({"bold": True, "font_size": 14}))
            top = 2
        for index, column in enumerate(columns):
            sheet.set_column(index, index, column.width)
            sheet.write_string(top, index, column.header, bold)
        for number, row in enumerate(rows, start=top + 1):
            for index, value in enumerate(row):
                if isinstance(value, Formula):
                    sheet.write_formula(number, index, value.text.format(row=number + 1), formats[index], value.value)
                elif isinstance(value, str):
                    sheet.write_string(number, index, value, formats[index])
                elif value is not None:
                    sheet.write(number, index, value, formats[index])
        if columns:
            sheet.freeze_panes(top + 1, 0)
        if hidden:
            sheet.hide()

    def to_bytes(self) -> bytes:
        """Return the finished workbook."""
        self._workbook.close()
        return repacked(self._buffer.getvalue())


def repacked(archive: bytes) -> bytes:
    """Return a zip archive with the same members, in the same order, without a trace of when and where it was made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":  # openpyxl notes the time of saving here
                stamp = MADE_ON.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            add_member(target, name, content)
    return buffer.getvalue()


def add_member(archive: zipfile.ZipFile, name: str, content: bytes, *, stored: bool = False) -> None:
    """Add a member whose header depends on nothing but its name and content."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = 3  # zipfile writes 0 on Windows
    member.external_attr = 0o600 << 16
    member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    archive.writestr(member, content, compresslevel=9)


def saved_again(workbook: bytes) -> bytes:
    """Return the same sheets as another program saves them: equal cells, other bytes."""
    buffer = io.BytesIO()
    loaded = openpyxl.load_workbook(io.BytesIO(workbook))
    loaded.save(buffer)
    return repacked(buffer.getvalue())


def opendocument(sheet: str, rows: Iterable[Row]) -> bytes:
    """Return an OpenDocument spreadsheet of one sheet."""

    def text(value: str) -> str:
        return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'

    def cell(value: object) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, bool):
            return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
        if isinstance(value, float):
            return f'<table:table-cell office:value-type="currency" office:value="{value!r}"/>'
        if isinstance(value, date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        if isinstance(value, time):
            return f'<table:table-cell office:value-type="time" office:time-value="{value:PT%HH%MM%SS}"/>'
        return text(str(value))

    table = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    namespace = "urn:oasis:names:tc:opendocument:xmlns:"
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<office:document-content xmlns:office="{namespace}office:1.0" xmlns:table="{namespace}table:1.0"'
        f' xmlns:text="{namespace}text:1.0" office:version="1.3"><office:body><office:spreadsheet>'
        f"<table:table table:name={quoteattr(sheet)}>{table}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<manifest:manifest xmlns:manifest="{namespace}manifest:1.0" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        add_member(archive, "mimetype", kind.encode(), stored=True)  # must come first, as it is
        add_member(archive, "content.xml", content.encode())
        add_member(archive, "META-INF/manifest.xml", manifest.encode())
    return buffer.getvalue()
