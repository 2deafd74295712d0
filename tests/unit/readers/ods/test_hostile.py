"""Spreadsheets that are damaged or made to harm: a clear error, in bounded time and memory."""

from __future__ import annotations

import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO

import pytest

from pgdatahub.errors import CorruptError, FileError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.ods.sheet import OdsSheet
from pgdatahub.readers.xlsx.reader_choice import Reader, available_readers
from pgdatahub.values.cells import Value

Cells = Callable[..., dict[str, Value]]
MakeOds = Callable[..., BytesIO]
Read = Callable[..., OdsSheet]
MIB = 1024 * 1024
ONE = '<table:table-cell office:value-type="float" office:value="1"/>'


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """No attack may take more than 10 s."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < 10


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    """No attack may take more than 200 MiB of Python's memory; tracing takes ten times as long as reading."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * MIB


def read_all(file: BytesIO, limits: Limits | None = None) -> int:
    workbook = OdsWorkbook(file, name="a.ods", limits=limits or Limits())
    return sum(
        len(batch.rows) for position in range(len(workbook.sheets)) for batch in workbook.open(position).batches(10_000)
    )


def row(content: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{content}</table:table-row>'


def test_repeated_row_does_not_take_memory(make: MakeOds, bounded_memory: None) -> None:  # noqa: ARG001
    assert read_all(make(row(ONE * 20, 1_048_576))) == 1_048_576


def test_repeated_values_without_bound_are_refused(make: MakeOds) -> None:
    wide = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="16384"/>'
    with pytest.raises(CorruptError, match="row 1 repeats values"):
        read_all(make(row(wide, 1_048_576)))
    with pytest.raises(CorruptError, match="repeats values"):
        read_all(make(row(wide) * 300))
    with pytest.raises(CorruptError, match="values beyond row 16,777,216"):
        read_all(make(row(ONE, 16_777_217)))
    assert read_all(make(row("<table:table-cell/>", 99_999_999_999))) == 0


def test_spaces_without_bound_are_refused(make: MakeOds) -> None:
    spaces = '<text:s text:c="99999999999"/>'
    content = f'<table:table-cell office:value-type="string"><text:p>{spaces}</text:p></table:table-cell>'
    with pytest.raises(CorruptError, match=r"Data › A1: the text has more than 1,048,576"):
        read_all(make(row(content)))


@pytest.mark.parametrize("repeat", ["A" * (2 * MIB), "<text:span>ab</text:span>" * 700_000])
def test_text_of_megabytes_is_refused(make: MakeOds, repeat: str) -> None:
    content = f'<table:table-cell office:value-type="string"><text:p>{repeat}</text:p></table:table-cell>'
    with pytest.raises(CorruptError, match="the text has more than"):
        read_all(make(row(content)), Limits(ratio=5000))


@pytest.mark.parametrize(
    "element", ["text:span", "draw:g", "table:table-row-group", "table:table", "office:x", "table:table-cell"]
)
def test_deep_nesting_is_refused(make: MakeOds, element: str) -> None:
    nested = f"<{element}>" * 100_000 + f"</{element}>" * 100_000
    cell = f'<table:table-cell office:value-type="string"><text:p>{nested}</text:p></table:table-cell>'
    for body in (nested, row(nested), row(cell)):
        with pytest.raises(CorruptError, match="nests elements more than 64 deep"):
            read_all(make(body))


@pytest.mark.parametrize("part", ["content", "styles", "META-INF/manifest"])
def test_document_types_and_entities_are_refused(make: MakeOds, part: str) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    parts = {"manifest": None, part: laughs} if part.startswith("META") else {part: laughs}
    with pytest.raises(CorruptError, match="has a DTD"):
        read_all(make(**parts))


def test_part_that_unfolds_a_thousandfold_is_refused(make: MakeOds) -> None:
    with pytest.raises(CorruptError, match="as only a zip bomb does"):
        read_all(make(" " * (64 * MIB)), Limits(ratio_from=MIB))


def test_attributes_by_the_hundred_thousand_are_bounded(make: MakeOds) -> None:
    attributes = " ".join(f'a{index}="1"' for index in range(200_000))
    read_all(make(row(f"<table:table-cell {attributes}/>")))
    with pytest.raises(CorruptError, match="a tag or comment of more than"):
        read_all(make(row(f"<table:table-cell {attributes * 3}/>".replace('"1"a', '"1" b'))))


def test_comment_of_megabytes_is_refused(make: MakeOds) -> None:
    with pytest.raises(CorruptError, match="a tag or comment of more than"):
        read_all(make(f"<!--{'-x' * 4 * MIB}-->"))


def test_namespaces_by_the_hundred_thousand_are_bounded(make: MakeOds) -> None:
    declared = " ".join(f'xmlns:n{index}="u{index}"' for index in range(50_000))
    assert read_all(make(before=f"<x {declared}/>", sheets={"A": row(ONE)})) == 1


def test_many_sheets_are_read_in_one_go(make: MakeOds) -> None:
    assert read_all(make(sheets={f"S{index}": row(ONE) for index in range(2000)})) == 2000


def test_sheets_by_the_hundred_thousand_are_refused(make: MakeOds) -> None:
    with pytest.raises(CorruptError, match="more than 100,000 sheets"):
        read_all(make(before="<table:table/>" * 100_001), Limits(ratio=5000))


def test_merged_areas_by_the_million_are_bounded(make: MakeOds, read: Read) -> None:
    cell = '<table:table-cell office:value-type="float" office:value="1" table:number-rows-spanned="2"/>'
    sheet = read(make(row(cell * 1000) * 11), merged="fill", limits=Limits(merged_areas=10_000))
    with pytest.raises(CorruptError, match="more than 10,000 merged areas"):
        list(sheet.batches(1000))


def test_damage_names_the_sheet(make: MakeOds, read: Read) -> None:
    good = make(row(ONE) * 50_000)
    with zipfile.ZipFile(good) as archive:
        content = archive.read("content.xml")
    broken = content.replace(b"</table:table-row>", b"</table:row>", 40_000).replace(
        b"</table:row>", b"</table:table-row>", 39_999
    )
    with pytest.raises(CorruptError, match=r"a\.ods › Data › row 40000: the part content\.xml is not well-formed"):
        list(read(make(content=broken)).batches(1000))


@pytest.mark.parametrize("reader", [reader for reader in available_readers() if reader != "parser"])
@pytest.mark.parametrize("bad", [b"a\1b", b"caf\xe9", b"x & y", b"&#1;"])
def test_bad_characters_name_the_cell(make: MakeOds, read: Read, bad: bytes, reader: Reader) -> None:
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = make(row(ONE) + row(ONE + text.format("ok")) + row(ONE + text.format("BAD")))
    with zipfile.ZipFile(rows) as archive:
        content = archive.read("content.xml").replace(b"BAD", bad)
    with pytest.raises(CorruptError, match=r"a\.ods › Data › B3: the part content\.xml is not well-formed") as caught:
        list(read(make(content=content), reader=reader).batches(1000))
    assert "remove it where the file comes from" in str(caught.value.hint)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_cut_content_is_refused(make: MakeOds, share: float) -> None:
    with zipfile.ZipFile(make(row(ONE) * 1000)) as archive:
        content = archive.read("content.xml")
    with pytest.raises(CorruptError, match="not well-formed"):
        read_all(make(content=content[: int(len(content) * share)]))


def test_archive_cut_anywhere_is_refused(make: MakeOds) -> None:
    data = make(row(ONE)).getvalue()
    for size in range(0, len(data) - 1, 7):
        with pytest.raises(FileError):
            read_all(BytesIO(data[:size]))
