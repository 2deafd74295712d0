"""The search for the first value of a sheet: what counts as one, and how much is read."""

from __future__ import annotations

from io import BytesIO

import pytest

from pgdatahub.readers.xlsx.first_value import MAX_BYTES, has_value

EMPTY = '<row r="1" ht="20"><c r="A1" s="3"/><c r="B1" s="3"></c><c r="C1" t="s"><v></v></c></row>'


class Part:
    """A part in memory that counts what is read of it."""

    name = "sheet1.xml"

    def __init__(self, text: str, encoding: str = "utf-8") -> None:
        self._file = BytesIO(text.encode(encoding))
        self.taken = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.taken += len(data)
        return data


def sheet(rows: str, *, prefix: str = "", after: str = "") -> str:
    return f"<{prefix}worksheet><{prefix}sheetData>{rows}</{prefix}sheetData>{after}</{prefix}worksheet>"


@pytest.mark.parametrize(
    "text",
    [
        sheet(EMPTY + '<row><c r="A2"><v>1</v></c></row>'),
        sheet('<row><c><v xml:space="preserve">1</v></c></row>'),
        sheet("<row><c><v><![CDATA[1]]></v></c></row>"),
        sheet('<row><c t="inlineStr"><is><r><rPr/><t>a</t></r></is></c></row>'),
        sheet("<row><c><f>A1</f></c></row>"),
        sheet("<x:row><x:c><x:v>0</x:v></x:c></x:row>", prefix="x:"),
        sheet(EMPTY * 20_000 + "<row><c><v>1</v></c></row>"),
        sheet(EMPTY * 200_000),
    ],
)
def test_a_sheet_with_a_value_or_a_formula_has_values(text: str) -> None:
    assert has_value(Part(text))
    assert has_value(Part(text, "utf-16"))


@pytest.mark.parametrize(
    "text",
    [
        sheet(""),
        sheet(EMPTY),
        sheet(EMPTY * 20_000),
        "<worksheet><sheetData/><extLst/></worksheet>",
        sheet("<row><c><v> </v></c></row>"),
        sheet('<row><c t="inlineStr"><is><t> </t></is></c></row>'),
        sheet(EMPTY, after="<extLst><xm:f>Jan!A1:A9</xm:f></extLst>"),
        sheet("<x:row><x:c/></x:row>", prefix="x:"),
    ],
)
def test_a_sheet_without_a_value_has_none(text: str) -> None:
    assert not has_value(Part(text))
    assert not has_value(Part(text, "utf-16"))


def test_the_search_ends_at_the_first_value() -> None:
    part = Part(sheet(EMPTY + "<row><c><v>1</v></c></row>" * 1_000_000))
    assert has_value(part)
    assert part.taken <= 64 * 1024


def test_the_search_of_a_sheet_without_value_is_bounded() -> None:
    part = Part(sheet(EMPTY * 500_000))
    assert has_value(part)
    assert part.taken <= MAX_BYTES + 64 * 1024
