"""Rows that go on in the next piece of the part."""

from __future__ import annotations

from collections.abc import Callable

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods.cells import Converter
from pgdatahub.readers.ods.content import Content
from pgdatahub.readers.ods.sheet_list import list_sheets
from pgdatahub.readers.ods.sheet_parser import SheetParser
from pgdatahub.readers.ods.sheet_source import PythonSource
from pgdatahub.readers.ods.styles import Styles
from pgdatahub.values.cells import Value
from tests.property.judging import cells_of
from tests.property.worksheets import Part
from tests.unit.readers.ods.conftest import NAMESPACES

Cells = Callable[..., dict[str, Value]]


def test_new_column_in_a_row_that_a_piece_cuts_keeps_its_value() -> None:
    cell = '<table:table-cell office:value-type="float" office:value="{}"/>'
    rows = f"<table:table-row>{cell.format(1)}</table:table-row><table:table-row>{cell.format(2)}{cell.format(3)}"
    table = f'<table:table table:name="Data">{rows}</table:table-row></table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    xml = f"<office:document-content {NAMESPACES}>{body}</office:document-content>".encode()
    content, styles = Content(lambda: Part(xml), Limits(), size=len(xml)), Styles()
    listed = list_sheets(content, "content.xml", styles, Limits())
    parser = SheetParser("content.xml", Limits(), styles, Converter(listed.null_date))
    document = b"".join(content.table(0))
    cut = document.index(b"</table:table-row></table:table>")
    found, _, _ = cells_of(PythonSource(parser, iter((document[:cut], document[cut:]))).batches(100), 100)
    assert found == {(1, 0): (int, 1), (2, 0): (int, 2), (2, 1): (int, 3)}


def test_row_longer_than_the_core_takes_is_read(cells: Cells) -> None:
    note = f"<office:annotation>{'<text:p>x</text:p>' * 600_000}</office:annotation>"
    row = '<table:table-row><table:table-cell office:value-type="float" office:value="{}">{}</table:table-cell></table:table-row>'
    assert cells(row.format(1, note) + row.format(2, "")) == {"A1": 1, "A2": 2}
