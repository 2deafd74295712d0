"""The compiled core gives the cells of OpenDocument tables that the parser gives, or both refuse."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import pytest

from pgdatahub.errors import FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods.cells import Converter
from pgdatahub.readers.ods.content import Content
from pgdatahub.readers.ods.native_source import NativeSource, table_names
from pgdatahub.readers.ods.sheet_list import list_sheets
from pgdatahub.readers.ods.sheet_parser import SheetParser
from pgdatahub.readers.ods.sheet_source import PythonSource
from pgdatahub.readers.ods.styles import Styles
from pgdatahub.readers.tables.merged_areas import Area
from pgdatahub.readers.xlsx.reader_choice import core_problem
from tests.property.judging import MUTATIONS, PIECES, SEED, SHEETS, cells_of, damaged, dice, parts_of_workbooks
from tests.property.worksheets import Part

pytestmark = pytest.mark.skipif(core_problem() is not None, reason=f"no compiled core: {core_problem()}")

LARGEST: Final = 40_000
"""Bytes of a part of a spreadsheet that is mutated."""
LIMITS: Final = Limits(cell_bytes=300, row_bytes=3000, token_bytes=20_000, columns=60, depth=20, repeated_cells=100_000)
URN: Final = "urn:oasis:names:tc:opendocument:xmlns:"
DECLARED: Final = (
    *((name, f"{URN}{name}:1.0") for name in ("office", "table", "text", "style")),
    *(("number", f"{URN}datastyle:1.0"), ("draw", f"{URN}drawing:1.0"), ("dc", "http://purl.org/dc/elements/1.1/")),
    ("calcext", "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"),
)
_HOURS: Final = "<number:hours/><number:text>:</number:text><number:minutes/>"
_BY_SIZE: Final = "".join(
    f'<style:map style:condition="value(){condition}" style:apply-style-name="{style}"/>'
    for condition, style in (("&lt;1", "N2"), ("&gt;=40000", "N1"))
)
DATA_STYLES: Final = (
    '<number:number-style style:name="N0"><number:number number:min-integer-digits="5"/></number:number-style>',
    '<number:date-style style:name="N1"><number:year/><number:text>-</number:text><number:month/></number:date-style>',
    f'<number:time-style style:name="N2">{_HOURS}</number:time-style>',
    f'<number:time-style style:name="N3" number:truncate-on-overflow="false">{_HOURS}</number:time-style>',
    f'<number:number-style style:name="N4"><number:number number:min-integer-digits="3"/>{_BY_SIZE}</number:number-style>',
)
STYLES: Final = "".join(DATA_STYLES) + "".join(
    f'<style:style style:name="ce{index}" style:family="table-cell" style:data-style-name="N{index}"/>'
    for index in range(len(DATA_STYLES))
)
TEXTS: Final = (
    *("plain", "", " ", "  two  ", "a&amp;b", "&lt;&gt;&quot;&apos;", "&#65;&#x42;", "&#10;", "&#13;", "line\nend\r\n", "\t"),
    *("_x0041_", "_x0000_", "\\", "\\N", "]]", "a>b", "\u00e9", "\u00a0", "\u3000", "\u2003x", "&#160;", "&#32;", "\ufeff"),
    *("\U0001f600", "\u0085", "\x7f", "long " * 30, "TRUE", "FALSE", "#N/A", "Err:502", "#REF!", "#hash", "1", "é" * 200),
    *("a<text:s/>b", '<text:s text:c="3"/>', 'x<text:s text:c="0"/>', "a<text:tab/>b", "a<text:line-break/>b", "<text:s/>"),
    *("<text:span>a</text:span>b", "a<text:span text:style-name='T1'>b<text:s/></text:span>", "<text:a>link</text:a>"),
    *("a<text:note><text:p>n</text:p></text:note>", "<text:s>x</text:s>", "a<office:annotation/>b", "a<dc:x>y</dc:x>"),
)  # fmt: skip
NUMBERS: Final = (
    *("0", "-0", "1", "-1", "7", "007", "+5", ".5", "5.", "43.0", "4.3E1", "1e5", "1E-5", "0.1", "0.30000000000000004"),
    *("123456.789", "9007199254740993", "9007199254740994.0", "1E22", "12345678901234567890", "60", "60.5", "0.99999999"),
    *("0.5", "1.5", "2958465", "2958466", "45351", "45351.5", "45351.000005787", "-1.25", "99999999.5", "100000000", "1E300"),
    *(" 7 ", "\n7", "", " ", "nan", "INF", "-inf", "1E400", "x", "1,5"),
)  # fmt: skip
DATES: Final = (
    *("2024-02-29", "2024-02-29T00:00:00", "2024-02-29T13:37:05.120Z", "2024-02-29T13:37", "2023-02-29", "1899-12-30T08:30:00"),
    *("1899-12-29T12:00:00", "1899-12-31", "2024-02-29T13:37:05,1234567", "2024-02-29T23:30:00-01:00", "2024-02-29Z", "0001-01-01"),
    *("9999-12-31T23:59:59.9999999", "2024-02-29T24:00", "2024-02-29+25:99", "-0044-03-15", "later", "", " ", " 2024-02-29"),
    *("2024-02-29T13:37:05.", "2024-02-29T13:37+24:00", "2024-02-29T13:37:05.12345678901234567890123456789012345678901"),
)  # fmt: skip
TIMES: Final = (
    *("PT08H30M00S", "PT36H", "PT12H", "PT0S", "-PT1H", "+PT1H", "P1D", "P1DT1H", "-PT36H", "PT08H30M00.1234567S", "PT1.S", "PT"),
    *("P", "P1DT", "PT1D", "PT99999999999H", "P1Y", "08:30", "", " ", "PT23H59M59.9999999S", "PT2400000000H", "PT1,5S", "-PT0S"),
)  # fmt: skip
TOKENS: Final = (
    *(b"<", b">", b"/>", b"</", b"&", b"&amp;", b"&#0;", b"&#65;", b"&x;", b"]]>", b"<!--", b"<![CDATA[", b"<?x?>", b'"', b"'"),
    *(b" ", b"\n", b"\r", b"\0", b"\x01", b"\xff", b"\xc3", b"\xef\xbf\xbf", b"=", b":", b"x:", b' xmlns="u"', b' x:a="1"'),
    *(b' table:number-columns-repeated="3"', b' table:number-rows-repeated="4"', b' table:style-name="ce1"', b"<text:p>"),
    *(b' office:value-type="time"', b' office:value-type="float"', b' table:formula="x"', b' office:value="1"', b"</text:p>"),
    *(b"<table:table-row>", b"</table:table-row>", b"<table:table-cell/>", b"</table:table-cell>", b"<table:covered-table-cell/>"),
    *(b"<text:s/>", b' table:visibility="collapse"', b' calcext:value-type="error"', b' office:string-value="s"', b"1E999"),
    *(b"</table:table>", b"<table:table-row-group>", b"</table:table-row-group>", b"<table:table-column/>", b"PT9999999999H"),
)  # fmt: skip


_VALUES: Final = re.compile(rb'"[^"<]*"|>[^<]*<')
"""Values of attributes, and texts."""
_WORDS: Final = (
    "float",
    "string",
    "date",
    "time",
    "boolean",
    "error",
    "collapse",
    "ce0",
    "ce1",
    "ce4",
    "true",
    "1",
    "2",
    "60",
)


def test_generated_tables_give_the_cells_of_the_parser() -> None:
    for index in range(SHEETS):
        chance = dice(f"{SEED} {index}")
        judge(generated(chance), chance, f"table {SEED} {index}")


def test_mutated_tables_give_the_cells_of_the_parser() -> None:
    originals = [*contents(), *(generated(dice(f"original {index}")) for index in range(50))]
    for index in range(MUTATIONS):
        chance = dice(f"mutation {SEED} {index}")
        judge(mutated(chance.choice(originals), chance), chance, f"mutation {SEED} {index}")


def test_any_end_of_a_piece_gives_the_same_table() -> None:
    for index in range(4):
        xml = generated(dice(f"ends {index}"), damage=False)
        expected = read(xml, native=False)
        assert expected != "refused"
        for size in (*range(1, 60), *range(60, len(xml), 197)):
            assert read(xml, native=True, piece_bytes=size) == expected, size


def test_any_size_of_a_batch_gives_the_same_table() -> None:
    for index in range(5):
        xml = generated(dice(f"batches {index}"), damage=False)
        expected = read(xml, native=False)
        for rows in range(1, 30):
            assert read(xml, native=True, max_rows=rows) == expected, rows


def test_rows_of_libreoffice_take_the_core() -> None:
    cell = '<table:table-cell office:value-type="float" office:value="1" calcext:value-type="float"><text:p>1</text:p></table:table-cell>'
    formula = (
        '<table:table-cell table:style-name="ce1" table:formula="of:=IF([.A1]&gt;0;&quot;a&quot;;[.B1])" office:value-type="string" '
        'office:string-value="a" calcext:value-type="string"><text:p>a</text:p></table:table-cell>'
    )
    comment = (
        "<table:table-cell office:value-type='string'><office:annotation draw:x='1'><dc:x>2024</dc:x><text:p>c</text:p>"
        "</office:annotation><text:p>x</text:p></table:table-cell>"
    )
    row = f'<table:table-row table:style-name="ro1">{cell}{formula}{comment}<table:table-cell/></table:table-row>'
    group = f"<table:table-row-group table:display='false'>{row * 100}</table:table-row-group>"
    odd = "<table:table-row><table:table-cell><text:p>a\nb</text:p></table:table-cell></table:table-row>"
    source, _ = open_source(
        document(f"<table:table-header-rows>{row}</table:table-header-rows>{row * 500}{odd}{group}"), 10_000, 100
    )
    assert isinstance(source, NativeSource)
    _, numbers, hidden = cells_of(source.batches(100), 100)
    assert numbers == list(range(1, 603))
    assert hidden == set(range(503, 603))
    assert source.native_rows == 601


def mutated(xml: bytes, chance: random.Random) -> bytes:
    """Return a document with damage, mostly behind its head, or with other values in it."""
    at = max(xml.find(b"table-row"), 0) if chance.random() < 0.8 else 0
    if chance.random() < 0.3:
        return xml[:at] + damaged(xml[at:], chance, TOKENS)
    places = [match.span() for match in _VALUES.finditer(xml, at)]
    for start, end in sorted(chance.sample(places, min(len(places), chance.choice((1, 1, 2, 5)))), reverse=True):
        value = chance.choice((*NUMBERS, *DATES, *TIMES, *TEXTS[:40], *_WORDS)).encode()
        if xml[start : start + 1] == b">":
            xml = xml[: start + 1] + value + xml[end - 1 :]
        elif b"<" not in value:
            xml = xml[: start + 1] + value.replace(b'"', b"") + xml[end - 1 :]
    return xml


def judge(xml: bytes, chance: random.Random, name: str) -> None:
    """Compare the core with the parser."""
    piece_bytes, max_rows, fill = chance.choice(PIECES), chance.choice((1, 2, 7, 1000)), chance.random() < 0.2
    expected = read(xml, native=False, max_rows=max_rows, fill=fill)
    found = read(xml, native=True, piece_bytes=piece_bytes, max_rows=max_rows, fill=fill)
    assert found == expected, f"{name}: {xml!r}"


class Chunked(Content):
    """Content whose tables come in pieces that end anywhere behind the first row's tag."""

    piece_bytes = 1000

    def table(self, number: int) -> Iterator[bytes]:
        """Yield a document with one table in it."""
        data = b"".join(super().table(number))
        head = data.find(b"table-row")
        head = data.find(b">", head) + 1 if head > 0 else len(data)
        yield data[:head]
        for start in range(head, len(data), self.piece_bytes):
            yield data[start : start + self.piece_bytes]


def open_source(
    xml: bytes, piece_bytes: int, max_rows: int, *, native: bool = True, fill: bool = False
) -> tuple[NativeSource | PythonSource, SheetParser]:
    """Open the first table, as a sheet does."""
    content = Chunked(lambda: Part(xml), LIMITS, size=len(xml))
    content.piece_bytes = piece_bytes
    styles = Styles()
    listed = list_sheets(content, "content.xml", styles, LIMITS)
    table = listed.sheets[0].table if listed.sheets else 0
    areas: list[Area] | None = [] if fill else None
    number = 0 if content.is_searchable else table
    parser = SheetParser("content.xml", LIMITS, styles, Converter(listed.null_date), table=number, areas=areas)
    pieces = content.table(table) if content.is_searchable else content.whole()
    document = table_names(content) if native else None
    if document is None:
        return PythonSource(parser, pieces), parser
    source = NativeSource(
        parser,
        pieces,
        document,
        styles,
        LIMITS,
        null_date=listed.null_date,
        notes_areas=fill,
        part_bytes=len(xml),
        batch_rows=max_rows,
    )
    return source, parser


def read(xml: bytes, *, native: bool, piece_bytes: int = 1000, max_rows: int = 1000, fill: bool = False) -> object:
    """Return all that reading a table gives, or that it fails."""
    try:
        source, parser = open_source(xml, piece_bytes, max_rows, native=native, fill=fill)
        cells, numbers, hidden = cells_of(source.batches(max_rows), max_rows)
    except FileError:
        return "refused"
    return cells, numbers, hidden, parser.columns.hidden, parser.covered, parser.first_covered, parser._areas


@lru_cache(maxsize=1)
def contents() -> Sequence[bytes]:
    """Return small contents of the spreadsheets that are there."""
    return list(parts_of_workbooks([".ods"], "content.xml", LARGEST))


def document(inner: str, *, table: str = "", columns: str = "", before: str = "") -> bytes:
    """Return a document with a table of rows."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in DECLARED)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{declared}><office:automatic-styles>{STYLES}'
        f"</office:automatic-styles><office:body><office:spreadsheet>{before}"
        f'<table:table table:name="A"{table}>{columns}{inner}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    ).encode()


def generated(chance: random.Random, *, damage: bool = True) -> bytes:
    """Return a table of a few rows in the forms that writers use, and now and then in others."""
    faulty = damage and chance.random() < 0.2
    plan = [(chance.choice(_KINDS), chance.randrange(-2, len(DATA_STYLES) + 1)) for _ in range(chance.randrange(1, 7))]
    rows = []
    for _ in range(chance.randrange(1, 20)):
        cells = []
        for kind, style in plan:
            if chance.random() < 0.1:
                repeated = chance.choice(("", ' table:number-columns-repeated="2"'))
                covered = chance.choice(("table-cell", "covered-table-cell"))
                cells.append(f"<table:{covered}{repeated}/>")
                continue
            make = chance.choice(_KINDS) if chance.random() < 0.1 else kind
            cells.append(_cell(chance, make, style, faulty))
        if chance.random() < 0.3:
            cells.append(f'<table:table-cell table:number-columns-repeated="{chance.randrange(1, 99999)}"/>')
        attributes = chance.choice(
            (*("", "", "", ' table:style-name="ro1"', ' table:visibility="collapse"', ' table:visibility="visible"'),
             *(' table:default-cell-style-name="ce1"', ' table:number-rows-repeated="2"', ' table:visibility="filter"'))
        )  # fmt: skip
        inner = chance.choice(("", "", "", "\n ")).join(cells)
        rows.append(f"<table:table-row{attributes}>{inner}</table:table-row>")
        if chance.random() < 0.05:
            rows.append(chance.choice(
                (*("\n", "<table:table-row/>", '<table:table-row table:number-rows-repeated="100"/>', "<text:soft-page-break/>"),
                 *('<table:table-row table:number-rows-repeated="1048576"><table:table-cell/></table:table-row>', " "),
                 *(("text", "<!-- x -->", "&amp;", '<table:table-row table:x=">"/>', "<table:table-column/>") if faulty else ()))
            ))  # fmt: skip
    if chance.random() < 0.2:
        at = chance.randrange(len(rows))
        shown = chance.choice(("", ' table:display="false"'))
        rows[at] = f"<table:table-row-group{shown}>{rows[at]}</table:table-row-group>"
    if chance.random() < 0.1:
        rows[0] = f"<table:table-header-rows>{rows[0]}</table:table-header-rows>"
    columns = chance.choice(
        ("", '<table:table-column table:number-columns-repeated="2" table:default-cell-style-name="ce0"/><table:table-column/>',
         '<table:table-column table:visibility="collapse"/><table:table-column table:default-cell-style-name="ce4"/>')
    )  # fmt: skip
    table = ' xmlns:other="u"' if chance.random() < 0.05 else ""
    return document("".join(rows), table=table, columns=columns)


def _cell(chance: random.Random, kind: str, style: int, faulty: bool) -> str:
    attributes = [f' table:style-name="ce{style}"'] if style >= 0 else []
    text = chance.choice(TEXTS[: None if faulty else -4]) if chance.random() < 0.2 else chance.choice(TEXTS[:7])
    calc = kind
    if kind == "float":
        number = chance.choice(NUMBERS[: None if faulty else -5])
        if chance.random() < 0.5:
            number = repr(round(chance.uniform(-1e5, 1e5), chance.randrange(12)))
        attributes += [
            f' office:value-type="{chance.choice(("float", "percentage", "currency"))}"',
            f' office:value="{number}"',
        ]
    elif kind == "date":
        attributes += [' office:value-type="date"', f' office:date-value="{chance.choice(DATES)}"']
    elif kind == "time":
        attributes += [' office:value-type="time"', f' office:time-value="{chance.choice(TIMES)}"']
    elif kind == "boolean":
        value = chance.choice(("true", "false", "1", "0", "TRUE", "3.5", "", "x" if faulty else "true"))
        attributes += [' office:value-type="boolean"', f' office:boolean-value="{value}"']
    elif kind == "string":
        attributes += [
            chance.choice((' office:value-type="string"', ' office:value-type="string"', "", ' office:value-type="x"'))
        ]
        if chance.random() < 0.05:
            attributes.append(f' office:string-value="{chance.choice(("", "s", "a&amp;b", " ", "x&#10;y"))}"')
    if chance.random() < 0.15:
        attributes.append(
            chance.choice((' table:formula="of:=A1"', ' table:formula="of:=IF(A1&gt;1;&quot;x&quot;;0)"'))
        )
    if chance.random() < 0.5:
        attributes.append(f' calcext:value-type="{"error" if chance.random() < 0.1 else calc}"')
    if chance.random() < 0.1:
        attributes.append(f' table:number-columns-repeated="{chance.choice((1, 2, 2, 3, 3, "x", 0))}"')
    if chance.random() < 0.05:
        spans = (' table:number-columns-spanned="2"', ' table:number-rows-spanned="2" table:number-columns-spanned="1"')
        attributes.append(chance.choice((*spans, ' table:protected="true"', " office:currency='EUR'", ' x="1"')))
    if chance.random() < 0.1:
        chance.shuffle(attributes)
    inner = f"<text:p>{text}</text:p>" if text or chance.random() < 0.5 else chance.choice(("", "<text:p/>"))
    if chance.random() < 0.1:
        inner = chance.choice(
            (*(inner * 2, f"<office:annotation><text:p>c</text:p></office:annotation>{inner}", f"{inner}<draw:g><draw:x/></draw:g>"),
             *(f"\n {inner}\n", f"<text:list><text:list-item>{inner}</text:list-item></text:list>", f"<text:h>{text}</text:h>"))
        )  # fmt: skip
    name = "covered-table-cell" if chance.random() < 0.02 else "table-cell"
    return f"<table:{name}{''.join(attributes)}>{inner}</table:{name}>"


_KINDS: Final = ("float", "float", "date", "time", "boolean", "string", "string", "string")
