"""Mutated spreadsheets give rows or one of our errors, in bounded time and memory, never anything else."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

import pytest

from pgdatahub.readers.ods import OdsWorkbook
from pgdatahub.readers.xlsx.reader_choice import available_readers
from tests.property.fuzzing import LIMITS, mutated, outcome, seeds, try_mutations

TOKENS: Final = (
    *(b"<", b">", b"/>", b"&", b"&amp;", b"&#0;", b"]]>", b"<!--", b"<![CDATA[", b"<!DOCTYPE x>", b'"', b"\0", b"\xff\xfe"),
    *(b"99999999999", b"-1", b"1E999", b"NaN", b"PT99999999H", b"-PT1H", b"2023-02-30T25:61", b"1904-01-01"),
    *(b' table:number-columns-repeated="16384"', b' table:number-rows-repeated="1048576"', b' table:number-rows-spanned="9"'),
    *(b"<table:table>", b"</table:table>", b"<table:table-row>", b"</table:table-row>", b"<table:table-cell/>", b"<text:p>"),
    *(b"<table:covered-table-cell>", b"<text:s text:c='9999999'/>", b' office:value-type="time"', b' table:formula="x"'),
    *(b' table:visibility="collapse"', b' xmlns:x="y"', b'<?xml version="1.1" encoding="utf-7"?>', b"<office:spreadsheet>"),
)  # fmt: skip


def own_book() -> bytes:
    """Return a spreadsheet of all kinds of cells."""
    urn = "urn:oasis:names:tc:opendocument:xmlns:"
    names = {"office": "office", "table": "table", "text": "text", "style": "style", "number": "datastyle"}
    declared = " ".join(f'xmlns:{prefix}="{urn}{name}:1.0"' for prefix, name in names.items())
    row = (
        '<table:table-row><table:table-cell office:value-type="float" office:value="{0}" table:style-name="z"/>'
        '<table:table-cell office:value-type="string"><text:p>name {0} &amp; <text:s text:c="2"/>x</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2023-03-15T10:30:00" table:style-name="t"/>'
        '<table:table-cell office:value-type="time" office:time-value="PT{0}H30M" table:style-name="t"/>'
        '<table:table-cell table:number-columns-repeated="2" table:formula="of:=1/0" office:value-type="boolean" '
        'office:boolean-value="true"/></table:table-row>'
    )
    rows = "".join(row.format(number) for number in range(300))
    styles = (
        '<number:number-style style:name="N"><number:number number:min-integer-digits="5"/><style:map '
        'style:condition="value()&lt;0" style:apply-style-name="N"/></number:number-style><number:time-style style:name="T">'
        "<number:hours/><number:text>:</number:text></number:time-style>"
        '<style:style style:name="z" style:family="table-cell" style:data-style-name="N"/>'
        '<style:style style:name="t" style:family="table-cell" style:data-style-name="T"/>'
    )
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {declared}><office:automatic-styles>{styles}</office:automatic-styles><office:body>"
            f'<office:spreadsheet><table:table table:name="A">{rows}</table:table><table:table table:name="B">{rows}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return file.getvalue()


def read(data: bytes, chance: random.Random) -> str:
    merged: Literal["fill", "top_left"] = "fill" if chance.random() < 0.3 else "top_left"
    reader = chance.choice(available_readers())
    return outcome(lambda: OdsWorkbook(BytesIO(data), name="x", limits=LIMITS, merged=merged, reader=reader))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_mutated_spreadsheet_gives_rows_or_an_error(tmp_path: Path) -> None:
    books = seeds(own_book(), ".ods")

    def mutate(chance: random.Random) -> bytes:
        def choose(names: Sequence[str]) -> str:
            if chance.random() < 0.7:
                return "content.xml"
            return chance.choice([name for name in names if name.endswith(".xml")])

        return mutated(chance.choice(books), chance, TOKENS, choose)

    outcomes = try_mutations(mutate, read, tmp_path / "failure.ods", default=200, seconds=10, megabytes=300)
    assert len(outcomes) > 1, outcomes
