"""The sheet that lists all faults of a workbook, each with a link to its cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pgdatahub.reports.marked.marks import Line
from pgdatahub.reports.marked.tags import as_text, as_value
from pgdatahub.values.cells import cell_address

_MAX_LINKS: Final = 65_000
"""Excel allows 65,530 links on a sheet."""
_HEADERS: Final = ("Sheet", "Cell", "Column", "Value", "What is expected", "Rule")
_WIDTHS: Final = (16, 9, 20, 22, 70, 14)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetStyles:
    """The positions of the cell styles that a list uses."""

    remark: int
    heading: int
    text: int
    link: int
    bad: int


def text_cell(row: int, position: int, text: str, style: int, *, even_empty: bool = False) -> str:
    """Return a cell that holds a text, also where it looks like a formula or a number."""
    address = cell_address(row, position)
    if not text:
        return f'<c r="{address}" s="{style}"/>' if even_empty else ""
    return f'<c r="{address}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{as_text(text)}</t></is></c>'


def worksheet(
    rows: Iterator[str],
    *,
    namespace: str,
    widths: Sequence[float],
    frozen: int,
    selected: bool = False,
    links: Sequence[tuple[str, str]] = (),
) -> Iterator[bytes]:
    """Yield the bytes of a worksheet.

    Args:
        rows: Its rows as XML, taken one by one.
        namespace: The namespace of the workbook's parts.
        widths: The widths of its columns.
        frozen: The number of rows that stay in view.
        selected: The sheet is the one that is shown.
        links: Address of a cell → place in the workbook.
    """
    columns = "".join(
        f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>' for at, width in enumerate(widths, start=1)
    )
    view = f'<pane ySplit="{frozen}" topLeftCell="A{frozen + 1}" activePane="bottomLeft" state="frozen"/>'
    yield (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="{namespace}"><sheetViews>'
        f'<sheetView {"tabSelected=" + chr(34) + "1" + chr(34) + " " if selected else ""}workbookViewId="0">{view}'
        f"</sheetView></sheetViews><cols>{columns}</cols><sheetData>"
    ).encode()
    for row in rows:
        yield row.encode()
    yield b"</sheetData>"
    if links:
        yield b"<hyperlinks>"
        for cell, place in links[:_MAX_LINKS]:
            yield f'<hyperlink ref="{cell}" location="{as_value(place)}"/>'.encode()
        yield b"</hyperlinks>"
    yield b"</worksheet>"


def list_sheet(
    lines: Sequence[Line], targets: Sequence[str | None], remarks: Sequence[str], styles: SheetStyles, namespace: str
) -> Iterator[bytes]:
    """Yield the bytes of the list.

    Args:
        lines: The faults.
        targets: The place to which the link of each line leads, see :func:`link_to`; None for no link.
        remarks: Sentences above the list.
        styles: The styles of its cells.
        namespace: The namespace of the workbook's parts.
    """
    first = len(remarks) + 2
    shows_values = any(line.value for line in lines)
    shown = [at for at in range(len(_HEADERS)) if shows_values or _HEADERS[at] != "Value"]
    links = [(cell_address(row, 1), target) for row, target in enumerate(targets, start=first) if target is not None]

    def rows() -> Iterator[str]:
        for row, remark in enumerate(remarks, start=1):
            yield f'<row r="{row}">{text_cell(row, 0, remark, styles.heading if row == 1 else styles.remark)}</row>'
        titles = "".join(text_cell(first - 1, at, _HEADERS[field], styles.heading) for at, field in enumerate(shown))
        yield f'<row r="{first - 1}">{titles}</row>'
        for row, (line, target) in enumerate(zip(lines, targets, strict=True), start=first):
            fields = (line.sheet, line.cell, line.column, line.value, line.expected, line.rule)
            cells = "".join(
                text_cell(row, at, fields[field], styles.link if field == 1 and target is not None else styles.text)
                for at, field in enumerate(shown)
            )
            yield f'<row r="{row}">{cells}</row>'

    widths = [_WIDTHS[at] for at in shown]
    return worksheet(rows(), namespace=namespace, widths=widths, frozen=first - 1, selected=True, links=links)


def link_to(sheet: str, cell: str) -> str:
    """Return the place of a cell for a link within the workbook."""
    quoted = sheet.replace("'", "''")
    return f"'{quoted}'!{cell}"
