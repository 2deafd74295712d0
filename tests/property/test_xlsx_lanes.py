"""The fast lane and the safe lane give the same cells, whatever a sheet looks like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from io import BytesIO
from xml.sax.saxutils import escape

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgdatahub.errors import CellError, ReadError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.number_formats import DATE, ELAPSED, NUMBER, TIME, zeros_format
from pgdatahub.readers.serials import Serials
from pgdatahub.readers.xlsx.blocks import batches
from pgdatahub.readers.xlsx.columns import Converter
from pgdatahub.readers.xlsx.lanes import Lanes
from pgdatahub.readers.xlsx.lessons import Lessons
from pgdatahub.readers.xlsx.matching_pool import MatchingPool
from pgdatahub.readers.xlsx.shared_strings import SharedStrings
from pgdatahub.values.cells import Texts, Value, column_letters
from pgdatahub.values.column_values import as_values

STYLES = (NUMBER, DATE, TIME, ELAPSED, zeros_format("00000"), NUMBER)
STRINGS = (b"alpha", b"", b"  ", b"tab\tline\nback\\slash", "café".encode(), b"_x0000_nul", b"_x005F_x0041_")
LIMITS = Limits(cell_bytes=2000, token_bytes=20_000)


class Part(BytesIO):
    """A worksheet part in memory."""

    name = "xl/worksheets/sheet1.xml"


def read(
    xml: bytes,
    *,
    learn_from: int | None,
    piece_bytes: int,
    max_rows: int,
    processes: int = 0,
    lessons: Lessons | None = None,
) -> tuple[object, Mapping[str, int]]:
    """Return all that reading a sheet gives, or how it fails, and the rows of each lane."""
    lessons = lessons or Lessons(STYLES, LIMITS, learn_from)
    if processes:
        pool = MatchingPool(processes, date1904=False, limits=LIMITS, piece_bytes=max(piece_bytes, 2000))
        with closing(pool):
            return read_with(pool, xml, lessons, piece_bytes=piece_bytes, max_rows=max_rows)
    return read_with(None, xml, lessons, piece_bytes=piece_bytes, max_rows=max_rows)


def read_with(
    pool: MatchingPool | None, xml: bytes, lessons: Lessons, *, piece_bytes: int, max_rows: int
) -> tuple[object, Mapping[str, int]]:
    strings = SharedStrings(LIMITS)
    strings.extend(STRINGS)
    converter = Converter(strings, Serials(date1904=False))
    cells: dict[tuple[int, int], tuple[type, Value]] = {}
    hidden: set[int] = set()
    lanes = None
    try:
        lanes = Lanes(
            Part(xml),
            LIMITS,
            lessons,
            converter,
            piece_bytes=piece_bytes,
            pool=pool,
            sample_rows=5 if pool else 100,
        )
        for batch in batches(lanes.blocks(), max_rows):
            assert len(batch.rows) <= max_rows
            assert list(batch.rows) == sorted(set(batch.rows))
            for position, column in batch.columns.items():
                assert len(column) == len(batch.rows)
                if isinstance(column, Texts):
                    assert all(isinstance(text, bytes) for text in column.texts)
                for row, value in zip(batch.rows, as_values(column), strict=True):
                    if value is not None:
                        cells[row, position] = (type(value), value)
            hidden |= batch.hidden_rows & {row for row, _ in cells}
    except (ReadError, CellError):
        # Where several cells are wrong, which of them is named depends on the lane and on what is read at once.
        return "refused", {}
    assert lanes is not None
    cleaned = converter.cleaning
    found = (cells, hidden, lanes.parser.hidden_columns, cleaned.count)
    return found, {"fast": lanes.fast_rows, "safe": lanes.parser.row_count}


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
        ["", " ", "a\tb", "x\ny", "_x0000_", "_xD83D__xDE00_", "_xD800_", "\u00a0", "a]] >b", "\\N", "<&>\"'"]
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


@settings(max_examples=100, deadline=None)
@given(sheets(), st.sampled_from([40, 300, 2000, 100_000]), st.sampled_from([1, 7, 1000]))
@example(sheet(['<row r="1"><c r="A1"><v>1</v></c></row>', '<row r="1"><c r="A1"><v>2</v></c></row>'] * 3), 40, 7)
@example(sheet([f'<row r="{n}"><c r="A{n + (n == 9)}"><v>{n}</v></c></row>' for n in range(1, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>&' for n in range(1, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>&bad;</v></c></row>' for n in range(1, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>]]></v></c></row>' for n in range(1, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>&#{n};</v></c></row>' for n in range(9, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>\x0b</v></c></row>' for n in range(9, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}" ht="1" ht="2"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 20)]), 100, 1000)
@example(sheet([f'<row r="{n}"><c r="A{n}" t="str"><v>\uffff</v></c></row>' for n in range(9, 20)]), 100, 1000)
def test_both_lanes_give_the_same_cells(xml: bytes, piece_bytes: int, max_rows: int) -> None:
    safe, _ = read(xml, learn_from=None, piece_bytes=100_000, max_rows=1000)
    fast, _ = read(xml, learn_from=0, piece_bytes=piece_bytes, max_rows=max_rows)
    assert fast == safe


@settings(max_examples=40, deadline=None)
@given(sheets(), st.sampled_from([300, 2000]), st.sampled_from([7, 1000]), st.sampled_from([1, 2]))
def test_several_processes_give_the_same_cells(xml: bytes, piece_bytes: int, max_rows: int, processes: int) -> None:
    safe, _ = read(xml, learn_from=None, piece_bytes=100_000, max_rows=1000)
    fast, _ = read(xml, learn_from=0, piece_bytes=piece_bytes, max_rows=max_rows, processes=processes)
    assert fast == safe


@settings(max_examples=60, deadline=None)
@given(st.lists(sheets(), min_size=2, max_size=4), st.sampled_from([0, 500]), st.sampled_from([300, 100_000]))
def test_what_other_sheets_taught_changes_no_cell(books: list[bytes], learn_from: int, piece_bytes: int) -> None:
    lessons = Lessons(STYLES, LIMITS, learn_from)
    for xml in books:
        safe, _ = read(xml, learn_from=None, piece_bytes=100_000, max_rows=1000)
        fast, _ = read(xml, learn_from=learn_from, piece_bytes=piece_bytes, max_rows=1000, lessons=lessons)
        assert fast == safe


@settings(max_examples=12, deadline=None)
@given(st.lists(sheets(), min_size=2, max_size=2))
def test_what_other_sheets_taught_changes_no_cell_where_several_processes_match(books: list[bytes]) -> None:
    lessons = Lessons(STYLES, LIMITS, 0)
    for xml in books:
        safe, _ = read(xml, learn_from=None, piece_bytes=100_000, max_rows=1000)
        fast, _ = read(xml, learn_from=0, piece_bytes=300, max_rows=1000, processes=1, lessons=lessons)
        assert fast == safe


@settings(max_examples=60, deadline=None)
@given(sheets(), st.data())
def test_damaged_sheets_give_the_same_error_or_the_same_cells(xml: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(xml) - 1))
    damaged = xml[:at] + data.draw(st.binary(max_size=3)) + xml[at + data.draw(st.integers(0, 3)) :]
    safe, _ = read(damaged, learn_from=None, piece_bytes=100_000, max_rows=1000)
    fast, _ = read(damaged, learn_from=0, piece_bytes=200, max_rows=1000)
    assert fast == safe


def rows_of_a_table(prefix: str = "", gap: str = "") -> list[str]:
    p = prefix
    return [
        f'<{p}row r="{n}" spans="1:5"><{p}c r="A{n}"><{p}v>{n}</{p}v></{p}c><{p}c r="B{n}" s="1"><{p}v>{40000 + n}</{p}v>'
        f'</{p}c><{p}c r="C{n}" t="s"><{p}v>{n % 5}</{p}v></{p}c>'
        + (f'<{p}c r="D{n}" s="5"/>' if n % 3 else f'<{p}c r="D{n}" s="0" t="str"><{p}f>A1</{p}f><{p}v>x</{p}v></{p}c>')
        + f'<{p}c r="E{n}" t="b"><{p}v>{n % 2}</{p}v></{p}c></{p}row>{gap}'
        for n in range(1, 401)
    ]


def test_rows_of_a_table_take_the_fast_lane() -> None:
    address_last = [re.sub(r'(<c)( r="[^"]*")([^<>/]*)', r"\1\3\2", row) for row in rows_of_a_table()]
    assert '<c s="1" r="B7">' in address_last[6]
    for xml in (
        sheet(rows_of_a_table()),
        sheet(rows_of_a_table(gap="\n")),
        sheet(rows_of_a_table("x:"), prefix="x:"),
        sheet(address_last),
    ):
        safe, _ = read(xml, learn_from=None, piece_bytes=100_000, max_rows=1000)
        fast, lanes = read(xml, learn_from=0, piece_bytes=10_000, max_rows=1000)
        assert fast == safe
        assert lanes["safe"] <= 110
        assert lanes["fast"] >= 290
