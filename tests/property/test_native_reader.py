"""The compiled core gives the cells that the parser gives, or both refuse: many sheets, damaged ones, and pieces of any size."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Final

import pytest

from pgdatahub.errors import FileError
from pgdatahub.readers.xlsx.native.strings import read_native_strings
from pgdatahub.readers.xlsx.reader_choice import core_problem
from pgdatahub.readers.xlsx.shared_strings import read_shared_strings
from pgdatahub.values.cells import column_letters
from tests.property.judging import MUTATIONS, PIECES, SEED, SHEETS, dice, parts_of_workbooks
from tests.property.worksheets import LIMITS, STRINGS, STYLES, Part, read

pytestmark = pytest.mark.skipif(core_problem() is not None, reason=f"no compiled core: {core_problem()}")

WORKBOOKS: Final = (".xlsx", ".xlsm")
LARGEST: Final = 20_000
"""Bytes of a part of a workbook that is mutated."""
NAMESPACE: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

TEXTS: Final = (
    *(
        "plain",
        "",
        " ",
        "  two  ",
        "a&amp;b",
        "&lt;&gt;&quot;&apos;",
        "&#65;&#x42;",
        "&#10;",
        "&#13;",
        "line\nend\r\n",
        "\t",
    ),
    *(
        "_x0041_",
        "_x0000_",
        "_xD83D__xDE00_",
        "_xD800_",
        "_x005F_x0041_",
        "_x",
        "_xZZZZ_",
        "x_x000D_",
        "\\",
        "\\N",
        "]]",
        "a>b",
    ),
    *(
        "\u00e9",
        "\u00a0",
        "\u3000",
        "\u2003x",
        "\ufeff",
        "\U0001f600",
        "\u0085",
        "\x7f",
        "long " * 30,
        "<![CDATA[a<b&c]]>",
        "a<!-- b -->c",
    ),
)
NUMBERS: Final = (
    *(
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "7",
        "007",
        "+5",
        ".5",
        "5.",
        "-.5",
        "43.0",
        "4.3E1",
        "1e5",
        "1E-5",
        "1e-400",
        "1E400",
    ),
    *(
        "0.1",
        "0.10",
        "0.30000000000000004",
        "0.10000000000000001",
        "123456.789",
        "1234567890123456.5",
        "9007199254740993",
    ),
    *(
        "9007199254740992.0",
        "9007199254740994.0",
        "1e16",
        "1E22",
        "1.7976931348623157E308",
        "12345678901234567890",
        "-" + "9" * 25,
    ),
    *(
        "60",
        "60.5",
        "59.999999999",
        "60.99999999999",
        "0.99999999",
        "0.5",
        "1.5",
        "2958465",
        "2958465.9999999999",
        "2958466",
        "45351",
    ),
    *(
        "45351.5",
        "45351.000005787",
        "-1",
        "-1.25",
        "1e8",
        "99999999.5",
        "100000000",
        " 7 ",
        "\n7",
        "7\t",
        "nan",
        "INF",
        "x",
        "1,5",
        "1_0",
    ),
)
TIMES: Final = (
    *(
        "2024-02-29",
        "2024-02-29T00:00:00",
        "2024-02-29T13:37:05.120Z",
        "2023-02-29",
        "T01:02",
        "23:59:59,5",
        "PT36H",
        "-P1DT1.5S",
    ),
    *("", " ", "later", "24:00", "P", "2024-02-29T13:37+01:00", "2024-02-29T13:37:05.1234567"),
)


def test_generated_sheets_give_the_cells_of_the_parser() -> None:
    for index in range(SHEETS):
        chance = dice(f"{SEED} {index}")
        judge(generated_sheet(chance), chance, f"sheet {SEED} {index}")


def test_mutated_sheets_give_the_cells_of_the_parser() -> None:
    originals = [*sheets_of_workbooks(), *(generated_sheet(dice(f"original {index}")) for index in range(50))]
    for index in range(MUTATIONS):
        chance = dice(f"mutation {SEED} {index}")
        judge(mutated(chance.choice(originals), chance), chance, f"mutation {SEED} {index}")


def test_mutated_strings_are_those_of_the_parser() -> None:
    originals = [*strings_of_workbooks(), *(generated_strings(dice(f"original {index}")) for index in range(50))]
    for index in range(MUTATIONS // 4):
        chance = dice(f"strings {SEED} {index}")
        xml = chance.choice(originals)
        if chance.random() < 0.8:
            xml = mutated(xml, chance)
        assert native_strings(xml) == parsed_strings(xml), f"strings {SEED} {index}"


@pytest.mark.parametrize("stray", ["=si>", "xsi>", "si>", "<t>x</t></si>", "</si>", "x"])
def test_shared_strings_with_stray_text_are_refused(stray: str) -> None:
    xml = f'<sst xmlns="{NAMESPACE}"><si><t>a</t></si>{stray}<t>b</t></si><si><t>c</t></si></sst>'.encode()
    assert native_strings(xml) == parsed_strings(xml) == "refused"


@pytest.mark.parametrize("encoding", ["UTF8", "utf-8", "US-ASCII", "ISO-8859-1", "windows-1252", "UTF-16", "unknown"])
def test_names_of_encodings_mean_what_they_mean_to_the_parser(encoding: str) -> None:
    for text in ("plain", "caf\u00e9"):
        row = f'<row r="1"><c r="A1" t="str"><v>{text}</v></c></row>'
        start = f'<?xml version="1.0" encoding="{encoding}"?><worksheet xmlns="{NAMESPACE}">'
        xml = f"{start}<sheetData>{row}</sheetData></worksheet>".encode()
        expected = read(xml, reader="parser")[0]
        assert read(xml, reader="native")[0] == read(xml, reader="python")[0] == expected


def test_any_end_of_a_piece_gives_the_same_cells() -> None:
    for index in range(3):
        xml = generated_sheet(dice(f"ends {index}"), damage=False)
        expected = read(xml, reader="parser")[0]
        for size in (*range(1, 60), *range(60, len(xml), 97)):
            assert read(xml, reader="native", piece_bytes=size)[0] == expected, size


def test_any_size_of_a_batch_gives_the_same_cells() -> None:
    for index in range(5):
        xml = generated_sheet(dice(f"batches {index}"), damage=False)
        expected = read(xml, reader="parser")[0]
        for rows in range(1, 30):
            assert read(xml, reader="native", max_rows=rows)[0] == expected, rows


def judge(xml: bytes, chance: random.Random, name: str) -> None:
    """Compare the core with the parser."""
    piece_bytes, max_rows = chance.choice(PIECES), chance.choice((1, 2, 7, 1000))
    expected = read(xml, reader="parser")[0]
    found = read(xml, reader="native", piece_bytes=piece_bytes, max_rows=max_rows)[0]
    assert found == expected, f"{name}: {xml!r}"


# ── generated parts ───────────────────────────────────────────────────────────────────────────────────────────────────


def generated_sheet(chance: random.Random, *, damage: bool = True) -> bytes:
    """Return a sheet of a few rows in the forms that writers use, and now and then in others."""
    prefix = "x:" if chance.random() < 0.1 else ""
    addressed, faulty = chance.random() < 0.8, damage and chance.random() < 0.15
    plan = [
        (position, chance.choice(_KINDS), chance.choice(("", *(f' s="{style}"' for style in range(len(STYLES) + 1)))))
        for position in sorted(chance.sample(range(40), chance.randrange(1, 7)))
    ]
    rows, number = [], 0
    for _ in range(chance.randrange(1, 25)):
        number += chance.choice((1, 1, 1, 1, 2, 30)) if addressed else 1
        cells = []
        for position, kind, style in plan:
            if addressed and chance.random() < 0.1:
                continue
            make = chance.choice(_KINDS) if chance.random() < 0.08 else kind
            address = f' r="{column_letters(position)}{number}"' if addressed else ""
            cells.append(_cell(chance, prefix, address, style, make(chance, prefix, faulty)))
        attributes = chance.choice(
            ("", "", "", ' spans="1:6"', ' ht="15.5" customHeight="1"', ' hidden="1"', ' a:dyDescent="0"')
        )
        tag = f'{prefix}row r="{number}"{attributes}' if addressed else f"{prefix}row{attributes}"
        inner = chance.choice(("", "", "", "\n")).join(cells)
        rows.append(f"<{tag}>{inner}</{prefix}row>" if inner or chance.random() < 0.5 else f"<{tag}/>")
        if chance.random() < 0.02:
            rows.append(chance.choice(("\n", "<!-- <row r='1'/> -->", "<?x y?>", "<other/>", " ", "text", "&amp;")))
    declared = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    start = f'<?xml version="1.0" encoding="UTF-8"?><{prefix}worksheet {declared}="{NAMESPACE}" xmlns:a="u">'
    after = chance.choice(
        ("", "", f'<{prefix}rowBreaks count="1"><{prefix}brk id="3"/></{prefix}rowBreaks>', "<!-- end -->")
    )
    end = f"</{prefix}sheetData>{after}</{prefix}worksheet>"
    return f"{start}<{prefix}sheetData>{''.join(rows)}{end}".encode()


Content = tuple[str, str]
"""The attribute ``t`` of a cell and what stands in the cell."""


def _cell(chance: random.Random, prefix: str, address: str, style: str, content: Content) -> str:
    kind, inner = content
    attributes = [address, style, kind]
    if chance.random() < 0.1:
        chance.shuffle(attributes)
    tag = f"{prefix}c{''.join(attributes)}"
    if chance.random() < 0.01:
        tag = chance.choice((tag.replace('"', "'"), tag + " ", tag + ' cm="1"', tag.replace(" ", "\n")))
    return f"<{tag}/>" if not inner and chance.random() < 0.5 else f"<{tag}>{inner}</{prefix}c>"


def _number(chance: random.Random, prefix: str, faulty: bool) -> Content:
    roll = chance.random()
    if roll < 0.3:
        text = repr(chance.uniform(-(10 ** chance.randrange(9)), 10 ** chance.randrange(9)))
    elif roll < 0.5:
        text = str(chance.randrange(-1000, 100_000))
    else:
        text = chance.choice(NUMBERS[: None if faulty else -5])
        if text == "1E400" and not faulty:
            text = "1E300"
    return chance.choice(("", "", ' t="n"')), f"<{prefix}v>{text}</{prefix}v>"


def _shared(chance: random.Random, prefix: str, faulty: bool) -> Content:
    return ' t="s"', f"<{prefix}v>{chance.randrange(len(STRINGS) + faulty)}</{prefix}v>"


def _boolean(chance: random.Random, prefix: str, faulty: bool) -> Content:
    return ' t="b"', f"<{prefix}v>{chance.choice(('0', '1', 'true', ' 1 ', '2')[: 5 if faulty else 4])}</{prefix}v>"


def _inline(chance: random.Random, prefix: str, _faulty: bool) -> Content:
    space = chance.choice(("", ' xml:space="preserve"'))
    text = f"<{prefix}t{space}>{chance.choice(TEXTS)}</{prefix}t>"
    if chance.random() < 0.1:
        run = f"<{prefix}r><{prefix}rPr><{prefix}b/></{prefix}rPr>{text}</{prefix}r>"
        text = f"{run}{run}<{prefix}rPh sb='0' eb='1'><{prefix}t>no</{prefix}t></{prefix}rPh>"
    return ' t="inlineStr"', f"<{prefix}is>{text}</{prefix}is>"


def _formula(chance: random.Random, prefix: str, faulty: bool) -> Content:
    start = chance.choice(
        (f"<{prefix}f>A1&amp;B1</{prefix}f>", f'<{prefix}f t="shared" si="0"/>', f"<{prefix}f>A1>1</{prefix}f>")
    )
    roll = chance.random()
    if roll < 0.3:
        kind, value = _number(chance, prefix, faulty)
        return kind, start + value
    if roll < 0.8:
        return ' t="str"', f"{start}<{prefix}v>{chance.choice(TEXTS)}</{prefix}v>"
    return chance.choice(("", ' t="str"')), start + chance.choice(("", f"<{prefix}v></{prefix}v>", f"<{prefix}v/>"))


def _other(chance: random.Random, prefix: str, faulty: bool) -> Content:
    return chance.choice(
        (
            ("", ""),
            (' t="e"', f"<{prefix}v>{chance.choice(('#N/A', '#DIV/0!', ' #REF! ', '&amp;', ' '))}</{prefix}v>"),
            (' t="d"', f"<{prefix}v>{chance.choice(TIMES)}</{prefix}v>"),
            (' t="d"', f"<{prefix}v>{chance.choice(TIMES)}</{prefix}v>"),
            ("", f"<{prefix}v>1</{prefix}v><{prefix}extLst><ext><v>2</v></ext></{prefix}extLst>"),
            (' t="x"' if faulty else ' t="str"', f"<{prefix}v>9</{prefix}v>"),
        )
    )


_KINDS: Final[tuple[Callable[[random.Random, str, bool], Content], ...]] = (
    _number,
    _number,
    _shared,
    _boolean,
    _inline,
    _formula,
    _other,
)


def generated_strings(chance: random.Random) -> bytes:
    """Return a part of shared strings."""
    items = []
    for _ in range(chance.randrange(20)):
        space = chance.choice(("", ' xml:space="preserve"'))
        text = f"<t{space}>{chance.choice(TEXTS)}</t>"
        runs = f"<r><rPr><b/></rPr>{text}</r><r>{text}</r><rPh sb='0' eb='1'><t>no</t></rPh>"
        items.append(f"<si>{text if chance.random() < 0.8 else runs}</si>{chance.choice(('', '', chr(10)))}")
    return f'<?xml version="1.0" encoding="UTF-8"?><sst xmlns="{NAMESPACE}">{"".join(items)}</sst>'.encode()


# ── other people's parts ──────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1)
def sheets_of_workbooks() -> Sequence[bytes]:
    """Return small sheets of the workbooks that are there."""
    return list(parts_of_workbooks(WORKBOOKS, "xl/worksheets/sheet", LARGEST))


def strings_of_workbooks() -> Sequence[bytes]:
    """Return small parts of shared strings of the workbooks that are there."""
    return list(parts_of_workbooks(WORKBOOKS, "xl/sharedStrings", LARGEST))


TOKENS: Final = (
    *(
        b"<",
        b">",
        b"/>",
        b"</",
        b"&",
        b"&amp;",
        b"&#0;",
        b"&#65;",
        b"&x;",
        b"]]>",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"<?x?>",
        b'"',
        b"'",
    ),
    *(
        b" ",
        b"\n",
        b"\r",
        b"\0",
        b"\x01",
        b"\xff",
        b"\xc3",
        b"\xef\xbf\xbf",
        b"\xed\xa0\x80",
        b"=",
        b":",
        b"x:",
        b' xmlns="u"',
        b' x:a="1"',
    ),
    *(
        b' t="s"',
        b' t="d"',
        b' t="str"',
        b' t="inlineStr"',
        b' s="1"',
        b' s="99999999999"',
        b' r="A1"',
        b' r="XFE1"',
        b' r="AAAA1"',
    ),
    *(
        b"<v>",
        b"</v>",
        b"<v/>",
        b"<f>",
        b"</f>",
        b"<f/>",
        b"<c>",
        b"</c>",
        b"<c/>",
        b"<row>",
        b"</row>",
        b"<is><t>",
        b"</t></is>",
    ),
    *(
        b"</sheetData>",
        b"<sheetData>",
        b"<si>",
        b"</si>",
        b"<t>",
        b"</t>",
        b"<r>",
        b"</r>",
        b"1E999",
        b"NaN",
        b"-1",
        b"9" * 30,
    ),
)


def mutated(xml: bytes, chance: random.Random) -> bytes:
    """Return a part with one to four changes: tokens, bytes, cuts, copies."""
    data = bytearray(xml)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if not data:
            break
        at, other = chance.randrange(len(data)), chance.randrange(len(data))
        roll = chance.random()
        if roll < 0.2:  # another text
            start = data.find(b">", at) + 1
            end = data.find(b"<", start)
            if 0 < start <= end:
                data[start:end] = chance.choice((*TEXTS, *NUMBERS, *TIMES)).encode()
        elif roll < 0.3:  # a cell or a row twice, or not at all
            name = chance.choice((b"c", b"row", b"si"))
            start = data.find(b"<%s" % name, at)
            end = data.find(b"</%s>" % name, start) + 3 + len(name)
            if 0 <= start < end - 3 - len(name):
                data[start:end] = chance.choice((b"", bytes(data[start:end]) * 2))
        elif roll < 0.42:
            data[at:at] = chance.choice(TOKENS)
        elif roll < 0.5:
            data[at : at + chance.randrange(1, 12)] = chance.choice(TOKENS)
        elif roll < 0.65:
            data[at] = chance.choice((chance.randrange(256), data[at] ^ (1 << chance.randrange(8))))
        elif roll < 0.75:
            del data[at : at + chance.randrange(1, 40)]
        elif roll < 0.8:
            del data[at:]
        elif roll < 0.9:
            data[at:at] = data[other : other + chance.randrange(1, 200)]
        else:
            token = chance.choice((b"<", b'"', b"<row", b"</c>", b"<v>", b"</v>", b" r="))
            found = data.find(token, at)
            if found >= 0:
                data[found : found + len(token)] = chance.choice(TOKENS)
    return bytes(data)


def native_strings(xml: bytes) -> object:
    """Return the strings that the core reads, and how many were cleaned; or that it refuses."""
    try:
        with closing(read_native_strings(Part(xml), LIMITS)) as strings:
            cleaned = strings.cleaned
            return [(strings.lookup(index), index in cleaned) for index in range(len(strings))]
    except FileError:
        return "refused"


def parsed_strings(xml: bytes) -> object:
    """Return the strings that the Python reader reads, and how many were cleaned; or that it refuses."""
    try:
        with closing(read_shared_strings(Part(xml), LIMITS)) as strings:
            return [(strings.lookup(index), index in strings.cleaned) for index in range(len(strings))]
    except FileError:
        return "refused"
