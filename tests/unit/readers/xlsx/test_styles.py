from __future__ import annotations

import time
from io import BytesIO

import pytest

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.numbers.number_formats import DATE, NUMBER
from pgdatahub.readers.xlsx.styles import Styles, read_styles

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"


class Part(BytesIO):
    """A styles part in memory."""

    name = "xl/styles.xml"


def styles_of(body: str) -> Styles:
    known = 'xmlns:x16r2="http://schemas.microsoft.com/office/spreadsheetml/2015/02/main" xmlns:o="urn:other"'
    part = f'<styleSheet xmlns="{MAIN}" xmlns:mc="{COMPATIBILITY}" {known}>{body}</styleSheet>'
    return read_styles(Part(part.encode()), Limits())


def number_format(identifier: int, code: str) -> str:
    return f'<numFmt numFmtId="{identifier}" formatCode="{code}"/>'


STYLE = '<cellXfs><xf numFmtId="164"/></cellXfs>'
CHOICE = f'<mc:Choice Requires="x16r2">{number_format(164, "yyyy")}</mc:Choice>'
UNKNOWN = f'<mc:Choice Requires="o">{number_format(164, "0.0")}</mc:Choice>'
FALLBACK = f"<mc:Fallback>{number_format(164, '0.00')}</mc:Fallback>"


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [
        (CHOICE, DATE),
        (CHOICE + FALLBACK, DATE),
        (CHOICE + UNKNOWN, DATE),
        (UNKNOWN + CHOICE, DATE),
        (UNKNOWN + FALLBACK.replace("0.00", "d.m."), DATE),
        (FALLBACK, NUMBER),
        (f"<mc:Fallback><mc:AlternateContent>{CHOICE}</mc:AlternateContent></mc:Fallback>", DATE),
    ],
)
def test_formats_within_alternatives_count(alternatives: str, expected: object) -> None:
    formats = f"<numFmts><mc:AlternateContent>{alternatives}</mc:AlternateContent></numFmts>"
    assert styles_of(formats + STYLE)[0] == expected


def test_alternatives_around_all_formats_count() -> None:
    formats = f"<numFmts>{number_format(164, 'yyyy')}</numFmts>"
    choice = (
        f'<mc:Choice Requires="x16r2">{formats}</mc:Choice><mc:Fallback>{formats.replace("yyyy", "0")}</mc:Fallback>'
    )
    assert styles_of(f"<mc:AlternateContent>{choice}</mc:AlternateContent>{STYLE}")[0] == DATE


def test_alternative_cell_styles_keep_their_index() -> None:
    choice = '<mc:Choice Requires="x16r2"><xf numFmtId="14"/></mc:Choice><mc:Fallback><xf numFmtId="14"/></mc:Fallback>'
    styles = styles_of(f'<cellXfs><mc:AlternateContent>{choice}</mc:AlternateContent><xf numFmtId="0"/></cellXfs>')
    assert list(styles) == [DATE, NUMBER]


def test_formats_of_differential_styles_are_not_those_of_cells() -> None:
    dxf = f"<dxfs><dxf>{number_format(164, 'yyyy')}</dxf></dxfs>"
    assert styles_of(STYLE + dxf)[0] is NUMBER


def test_hundreds_of_thousands_of_formats_are_read_in_seconds() -> None:
    count = 90_000
    formats = "".join(number_format(164 + index, f"yyyy&quot;{index}&quot;") for index in range(count))
    cell_styles = "".join(f'<xf numFmtId="{164 + index}"/>' for index in range(count))
    begin = time.process_time()
    styles = styles_of(f"<numFmts>{formats}</numFmts><cellXfs>{cell_styles}</cellXfs>")
    assert styles[count - 1] == DATE
    assert time.process_time() - begin < 5
    assert len(styles) == count


def test_styles_of_equal_codes_are_equal() -> None:
    assert Styles(["yyyy", 14]) == Styles(["yyyy", 14])
    assert hash(Styles(["yyyy", 14])) == hash(Styles(["yyyy", 14]))
    assert Styles(["yyyy"]) != Styles(["0"])
