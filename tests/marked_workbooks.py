"""Workbooks with all that a marked copy must keep, faults in them, and their marked copies."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import xlsxwriter

from pgdatahub.model.faults import Fault, FaultyCell
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.xlsx.addresses import parse_address
from pgdatahub.reports.marked.marks import Faults
from pgdatahub.reports.marked.package_marking import Marked, mark_package

MACROS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"macros" * 100


def write_rich_workbook(path: Path, *, macros: bool = False) -> Path:
    """Write a workbook with formats, formulas, rich text, a chart, sparklines, conditional formats, a button and comments."""
    workbook = xlsxwriter.Workbook(path)
    if macros:
        (path.parent / "vbaProject.bin").write_bytes(MACROS)
        workbook.add_vba_project(str(path.parent / "vbaProject.bin"))
    money = workbook.add_format({"num_format": "#,##0.00", "bg_color": "#DDFFDD", "border": 1})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    bold = workbook.add_format({"bold": True})
    sheet = workbook.add_worksheet("Data")
    sheet.write_row(0, 0, ["id", "status", "amount", "day", "note", "double"])
    for row in range(1, 31):
        sheet.write(row, 0, row)
        sheet.write(row, 1, "open" if row % 2 else "paid")
        sheet.write(row, 2, row * 1.5, money)
        sheet.write(row, 3, 45_000 + row, day)
        sheet.write_rich_string(row, 4, "a ", bold, "b", " c")
        sheet.write_formula(row, 5, f"=C{row + 1}*2", money, row * 3.0)
    sheet.write(3, 1, "Open")
    sheet.write_string(4, 1, '=HYPERLINK("http://x","<&>")')
    sheet.write_blank(5, 0, None)
    sheet.write_comment("B4", "a comment of the sender")
    sheet.conditional_format("C2:C31", {"type": "data_bar", "data_bar_2010": True})
    sheet.add_sparkline("H2", {"range": "Data!C2:C20"})
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": "=Data!$C$2:$C$31"})
    sheet.insert_chart("J5", chart)
    sheet.insert_button("J2", {"caption": "Go"})
    sheet.data_validation("B2:B31", {"validate": "list", "source": ["open", "paid"]})
    sheet.protect("secret")
    other = workbook.add_worksheet("It's other")
    other.write_row(0, 0, ["x", "y"])
    other.write_row(1, 0, [1, 2])
    workbook.close()
    return path


def fault(rule: str, expected: str | None, cells: Iterable[str], *, sheet: str = "Data", column: str = "c") -> Fault:
    """Return a fault with cells."""
    found = tuple(
        FaultyCell(cell=cell, row=(parse_address(cell) or (0, 0))[0], value="=1+1", hint=None) for cell in cells
    )
    return Fault(
        sheet=sheet,
        column=column,
        header=column.title(),
        rule=rule,
        expected=expected,
        count=len(found),
        truncated=False,
        cells=found,
    )


def mark(path: Path, out: Path, *faults: Fault) -> Marked:
    """Write the marked copy of a workbook."""
    with path.open("rb") as file, out.open("w+b") as written:
        return mark_package(file, written, Faults(file=path.name, faults=faults), DEFAULT_LIMITS)


def stored_parts(path: Path) -> Mapping[str, bytes]:
    """Return part → its bytes as they are stored, compressed."""
    found = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for entry in archive.infolist():
            file.seek(entry.header_offset + 26)
            name, extra = file.read(2), file.read(2)
            file.seek(int.from_bytes(name, "little") + int.from_bytes(extra, "little"), 1)
            found[entry.filename] = file.read(entry.compress_size)
    return found


def with_parts(path: Path, out: Path, changes: Mapping[str, bytes | None]) -> Path:
    """Write a copy of a package with other bytes for some parts; None leaves a part out."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = changes.get(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
        for name in changes.keys() - set(source.namelist()):
            target.writestr(name, changes[name] or b"")
    return out
