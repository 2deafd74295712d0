"""New workbook in place of a marked copy: the list of faults, and the rows with faulty cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

from pgdatahub.readers.choice.own_sheets import own_sheet_name
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.reports.marked.list_sheet import SheetStyles, link_to, list_sheet, text_cell, worksheet
from pgdatahub.reports.marked.marks import Faults, Line
from pgdatahub.reports.marked.package_writer import PackageWriter
from pgdatahub.reports.marked.relations import PACKAGE_NAMESPACE
from pgdatahub.reports.marked.rows import FoundRows, ReadRows
from pgdatahub.reports.marked.small_part import SmallPart
from pgdatahub.reports.marked.styles import MarkedStyles, empty_styles
from pgdatahub.values.cells import cell_address, column_letters

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONSHIPS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_START: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_ADVICE: Final = "Correct these cells in your own workbook and send that back; this workbook is never loaded."
_INCOMPLETE: Final = "Not all rows with faults are shown."
_FIRST_ROW: Final = 3
"""The row of the first copied row, below the name of the sheet and the letters of the columns."""
_NUMBER_WIDTH: Final = 8.0
_COLUMN_WIDTH: Final = 18.0


def write_new_workbook(out: BinaryIO, faults: Faults, found: ReadRows, reason: str) -> None:
    """Write a workbook with the list of the faults, and a sheet with the rows of each sheet that has some.

    Args:
        out: An empty file, open for writing at any position.
        faults: The faults.
        found: Their lines and rows.
        reason: A sentence about the sender's own workbook, which cannot be marked.
    """
    writer = PackageWriter(out)
    names = [own_sheet_name(())]
    for _ in found.sheets:
        names.append(own_sheet_name(names))
    styles = MarkedStyles(SmallPart(empty_styles(_MAIN), "xl/styles.xml", DEFAULT_LIMITS, depth=3))
    numbers = range(1, len(names) + 1)
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    writer.write(
        "[Content_Types].xml",
        _part(
            f'<Types xmlns="{PACKAGE_NAMESPACE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{parts}</Types>'
        ),
    )
    writer.write("_rels/.rels", _relations({"rId1": ("officeDocument", "xl/workbook.xml")}))
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, names, strict=True)
    )
    writer.write(
        "xl/workbook.xml",
        _part(f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONSHIPS}"><sheets>{sheets}</sheets></workbook>'),
    )
    listed = {f"rId{number}": ("worksheet", f"worksheets/sheet{number}.xml") for number in numbers}
    writer.write("xl/_rels/workbook.xml.rels", _relations({**listed, f"rId{len(names) + 1}": ("styles", "styles.xml")}))
    writer.write("xl/styles.xml", (styles.render(),))
    remarks = [faults.summary, _ADVICE, reason, *([] if found.complete else [_INCOMPLETE])]
    shown = dict(zip(found.sheets, names[1:], strict=True))
    rows = {
        position: {number: row for row, number in enumerate(sheet.rows, start=_FIRST_ROW)}
        for position, sheet in found.sheets.items()
    }
    targets = [_target(line, rows, shown) for line in found.lines]
    writer.write("xl/worksheets/sheet1.xml", list_sheet(found.lines, targets, remarks, styles.listed, _MAIN))
    for number, sheet in zip(numbers[1:], found.sheets.values(), strict=True):
        writer.write(f"xl/worksheets/sheet{number}.xml", _rows_sheet(sheet, styles.listed))
    writer.finish()


def _part(content: str) -> Iterator[bytes]:
    yield (_START + content).encode()


def _relations(targets: Mapping[str, tuple[str, str]]) -> Iterator[bytes]:
    listed = "".join(
        f'<Relationship Id="{identifier}" Type="{_RELATIONSHIPS}/{kind}" Target="{target}"/>'
        for identifier, (kind, target) in targets.items()
    )
    return _part(f'<Relationships xmlns="{PACKAGE_NAMESPACE}/relationships">{listed}</Relationships>')


def _target(line: Line, rows: Mapping[int, Mapping[int, int]], names: Mapping[int, str]) -> str | None:
    """Return the place of a faulty cell in this workbook: columns stand one to the right, rows below each other."""
    if line.position is None or line.place is None:
        return None
    row = rows.get(line.position, {}).get(line.place[0])
    return None if row is None else link_to(names[line.position], cell_address(row, line.place[1] + 1))


def _rows_sheet(sheet: FoundRows, styles: SheetStyles) -> Iterator[bytes]:
    """Yield the bytes of a sheet with rows: their numbers in the sender's sheet, and their cells under the same letters."""
    width = max((at for cells in sheet.rows.values() for at in cells), default=0) + 1
    width = max(width, max((at for cells in sheet.bad.values() for at in cells), default=0) + 1)

    def rows() -> Iterator[str]:
        yield f'<row r="1">{text_cell(1, 0, sheet.label, styles.heading)}</row>'
        letters = "".join(text_cell(2, at + 1, column_letters(at), styles.heading) for at in range(width))
        yield f'<row r="2">{text_cell(2, 0, "Row", styles.heading)}{letters}</row>'
        for row, (number, cells) in enumerate(sheet.rows.items(), start=_FIRST_ROW):
            bad = sheet.bad.get(number, frozenset())
            shown = "".join(
                text_cell(
                    row, at + 1, cells.get(at, ""), styles.bad if at in bad else styles.text, even_empty=at in bad
                )
                for at in sorted(cells.keys() | bad)
            )
            yield f'<row r="{row}">{text_cell(row, 0, str(number), styles.heading)}{shown}</row>'

    widths = [_NUMBER_WIDTH, *[_COLUMN_WIDTH] * width]
    return worksheet(rows(), namespace=_MAIN, widths=widths, frozen=2)
