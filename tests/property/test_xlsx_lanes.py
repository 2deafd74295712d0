"""Every reader of worksheets gives the cells that the parser gives, or both refuse the sheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgdatahub.readers.xlsx.reader_choice import Reader
from pgdatahub.values.cells import column_letters
from tests.property.worksheets import JUDGED, STRINGS, read


def sheet(rows: Iterable[str], *, before: str = "", after: str = "", prefix: str = "") -> bytes:
    p = prefix
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    declared = f'xmlns:{p[:-1]}="{namespace}"' if p else f'xmlns="{namespace}"'
    data = "".join(rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{p}worksheet {declared}>{before}'
        f"<{p}sheetData>{data}</{p}sheetData>{after}</{p}worksheet>"
    ).encode()


# ── sheets as writers write them, with whatever is allowed ────────────────────────────────────────────────────────────

characters = st.characters(codec="utf-8", exclude_characters="".join(map(chr, range(32))) + "\ufffe\uffff\x7f")
texts = st.one_of(
    st.text(characters, max_size=12),
    st.sampled_from(
        [
            "",
            " ",
            "a\tb",
            "x\ny",
            "_x0000_",
            "_xD83D__xDE00_",
            "_xD800_",
            "\u00a0",
            "a]] >b",
            "\\N",
            "<&>\"'",
            " lead",
            "trail\n",
            "\t both ",
            "\u00a0 x",
            "x;",
        ]
    ),
).map(escape)
numbers = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 3_000_000).map(repr),
    st.sampled_from(
        [
            "0",
            "-0",
            "43.0",
            "4.3E1",
            "1E400",
            "1e-400",
            "007",
            "+5",
            ".5",
            "5.",
            " 7 ",
            "60",
            "60.5",
            "0.99999999",
            "1E5",
        ]
    ),
)


def shared(_: str, style: str) -> st.SearchStrategy[str]:
    return st.integers(0, len(STRINGS) - 1).map(lambda index: f'{style} t="s"><v>{index}</v></c>')


def number(_: str, style: str) -> st.SearchStrategy[str]:
    return numbers.map(lambda text: f"{style}><v>{text}</v></c>")


def boolean(_: str, style: str) -> st.SearchStrategy[str]:
    return st.sampled_from("01").map(lambda text: f'{style} t="b"><v>{text}</v></c>')


def inline(_: str, style: str) -> st.SearchStrategy[str]:
    space = st.sampled_from(["", ' xml:space="preserve"'])
    return st.builds(lambda text, kept: f'{style} t="inlineStr"><is><t{kept}>{text}</t></is></c>', texts, space)


def formula(_: str, style: str) -> st.SearchStrategy[str]:
    text = texts.map(lambda text: f'{style} t="str"><f>A1&amp;"x"</f><v>{text}</v></c>')
    value = numbers.map(lambda text: f'{style}><f t="shared" ref="B2:B9" si="0">B1*2</f><v>{text}</v></c>')
    other = st.sampled_from(
        [f"{style}><f>A1</f></c>", f"{style}><f>A1</f><v/></c>", f'{style} t="e"><f>1/0</f><v>#DIV/0!</v></c>']
    )
    return st.one_of(text, value, other)


def wrong(_: str, style: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            f'{style} t="s"><v>99</v></c>',
            f'{style} t="x"><v>9</v></c>',
            f"{style}><v>1E400</v></c>",
            f"{style}><v>x</v></c>",
        ]
    )


def odd(_: str, style: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [
            f"{style}/>",
            f"{style}></c>",
            f'{style} t="e"><v>#N/A</v></c>',
            f'{style} t="d"><v>2024-02-29T13:37:00Z</v></c>',
            f'{style} t="d"><v>2024-02-28T23:59:59.9999999+00:00</v></c>',
            f'{style} t="d"><v>PT36H0.1234567S</v></c>',
            f'{style} t="inlineStr"><is><t>&#32;a&#x9;</t></is></c>',
            f'{style} t="inlineStr"><is><r><t> a </t></r><r><t xml:space="preserve"> b </t></r></is></c>',
            f'{style} t="inlineStr"><is><t> <![CDATA[ c ]]> </t></is></c>',
            f'{style} t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh><t>no</t></rPh></is></c>',
            f'{style} t="n"><v>1</v><extLst><ext><v>2</v></ext></extLst></c>',
            f'{style} t="str"><v>a\r\nb&#13;&#x41;</v></c>',
        ]
    )


KINDS: tuple[Callable[[str, str], st.SearchStrategy[str]], ...] = (shared, number, boolean, inline, formula, odd)


@st.composite
def sheets(draw: st.DrawFn) -> bytes:
    """A table whose columns mostly keep to one kind of cell, and now and then do not."""
    width = draw(st.integers(1, 6))
    positions = sorted(draw(st.sets(st.integers(0, 30), min_size=width, max_size=width)))
    plan = [
        (position, draw(st.sampled_from(KINDS[:5])), draw(st.sampled_from(["", *(f' s="{n}"' for n in range(8))])))
        for position in positions
    ]
    rows = []
    row = 0
    faulty = draw(st.integers(0, 9)) == 5
    address_last = draw(st.integers(0, 4)) == 2
    numbered = draw(st.sampled_from([True, True, True, False]))
    for _ in range(draw(st.integers(6, 25))):
        row += 1 if not numbered else draw(st.sampled_from([1, 1, 1, 1, 2, 50]))
        cells = []
        for position, kind, style in plan:
            chance = draw(st.integers(0, 1999))
            if 100 < chance < 300 and numbered:
                continue
            kind_here = (
                kind if not 800 < chance < 880 else wrong if faulty and chance > 870 else draw(st.sampled_from(KINDS))
            )
            cell = draw(kind_here(column_letters(position), style))
            cells.append(f'<c r="{column_letters(position)}{row}"{cell}' if numbered else f"<c{cell}")
        attributes = draw(st.sampled_from(["", "", ' spans="1:6"', ' ht="15.5" customHeight="1"', ' hidden="1"']))
        inner = "".join(cells)
        if address_last:
            inner = re.sub(r"<c( r=\"[A-Z]+[0-9]+\")([^<>/]*)", r"<c\2\1", inner)
        tag = f'<row r="{row}"{attributes}' if numbered else f"<row{attributes}"
        rows.append(f"{tag}>{inner}</row>" if inner or draw(st.booleans()) else f"{tag}/>")
        if draw(st.integers(0, 30)) == 0:
            rows.append(draw(st.sampled_from(["\n", "<!-- <row r='1'/> -->", "<?x y?>", "<other/>"])))
    columns = draw(st.sampled_from(["", '<cols><col min="2" max="3" hidden="1"/></cols>']))
    after = draw(st.sampled_from(["", '<rowBreaks count="1"><brk id="3"/></rowBreaks>']))
    return sheet(rows, before=columns, after=after)


@pytest.mark.parametrize("reader", JUDGED)
@settings(max_examples=100, deadline=None)
@given(xml=sheets(), piece_bytes=st.sampled_from([40, 300, 2000, 100_000]), max_rows=st.sampled_from([1, 7, 1000]))
@example(
    xml=sheet(['<row r="1"><c r="A1"><v>1</v></c></row>', '<row r="1"><c r="A1"><v>2</v></c></row>'] * 3),
    piece_bytes=40,
    max_rows=7,
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n + (n == 9)}"><v>{n}</v></c></row>' for n in range(1, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>&' for n in range(1, 20)]), piece_bytes=100, max_rows=1000
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>&bad;</v></c></row>' for n in range(1, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>]]></v></c></row>' for n in range(1, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>&#{n};</v></c></row>' for n in range(9, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>\x0b</v></c></row>' for n in range(9, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
@example(
    xml=sheet([f'<row r="{n}" ht="1" ht="2"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
@example(
    xml=sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>\uffff</v></c></row>' for n in range(9, 20)]),
    piece_bytes=100,
    max_rows=1000,
)
def test_readers_give_the_cells_of_the_parser(reader: Reader, xml: bytes, piece_bytes: int, max_rows: int) -> None:
    expected = read(xml, reader="parser")[0]
    assert read(xml, reader=reader, piece_bytes=piece_bytes, max_rows=max_rows)[0] == expected


@pytest.mark.parametrize("reader", JUDGED)
@settings(max_examples=60, deadline=None)
@given(xml=sheets(), data=st.data())
def test_damaged_sheets_give_the_same_error_or_the_same_cells(reader: Reader, xml: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(xml) - 1))
    damaged = xml[:at] + data.draw(st.binary(max_size=3)) + xml[at + data.draw(st.integers(0, 3)) :]
    assert read(damaged, reader=reader, piece_bytes=200)[0] == read(damaged, reader="parser")[0]


def rows_of_a_table(prefix: str = "", gap: str = "") -> list[str]:
    p = prefix
    return [
        f'<{p}row r="{n}" spans="1:5"><{p}c r="A{n}"><{p}v>{n}</{p}v></{p}c><{p}c r="B{n}" s="1"><{p}v>{40000 + n}</{p}v>'
        f'</{p}c><{p}c r="C{n}" t="s"><{p}v>{n % 5}</{p}v></{p}c>'
        + (f'<{p}c r="D{n}" s="5"/>' if n % 3 else f'<{p}c r="D{n}" s="0" t="str"><{p}f>A1</{p}f><{p}v>x</{p}v></{p}c>')
        + f'<{p}c r="E{n}" t="b"><{p}v>{n % 2}</{p}v></{p}c></{p}row>{gap}'
        for n in range(1, 401)
    ]


def test_plain_rows_take_the_row_expression() -> None:
    without_addresses = [re.sub(r' r="[^"]*"', "", row) for row in rows_of_a_table()]
    for xml in (
        sheet(rows_of_a_table()),
        sheet(rows_of_a_table(gap="\n")),
        sheet(rows_of_a_table("x:"), prefix="x:"),
        sheet(without_addresses),
    ):
        expected = read(xml, reader="parser")[0]
        found, plain, others = read(xml, reader="python", piece_bytes=10_000)
        assert found == expected
        assert (plain, others) == (400, 0)


def test_odd_piece_alone_takes_the_parser() -> None:
    rows = rows_of_a_table()
    rows[200] = rows[200].replace(' r="201"', " r='201'")
    xml = sheet(rows)
    found, plain, others = read(xml, reader="python", piece_bytes=10_000)
    assert found == read(xml, reader="parser")[0]
    assert plain > 300
    assert others < 100
