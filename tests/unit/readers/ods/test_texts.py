"""The text of cells: what belongs to it, and its white space (ODF 1.3 part 3, 6.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pgdatahub.values.cells import Value

Cells = Callable[..., dict[str, Value]]


def string(content: str) -> str:
    cell = f'<table:table-cell office:value-type="string">{content}</table:table-cell>'
    return f"<table:table-row>{cell}</table:table-row>"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<text:p>a</text:p>", "a"),
        ("<text:p>a<text:s/>b</text:p>", "a b"),
        ('<text:p>4<text:s text:c="4"/>spaces</text:p>', "4    spaces"),
        ("<text:p><text:s/>lead, trail<text:s/></text:p>", " lead, trail "),
        ("<text:p>two <text:s/>spaces</text:p>", "two  spaces"),
        ("<text:p>end <text:s/></text:p>", "end  "),
        ("<text:p>x<text:tab/>y</text:p>", "x\ty"),
        ("<text:p>x<text:line-break/>y</text:p>", "x\ny"),
        ("<text:p>p1</text:p><text:p/><text:p>p3</text:p>", "p1\n\np3"),
        ("<text:p>a <text:span>b<text:span> c</text:span></text:span> <text:a xlink:href='x'>d</text:a></text:p>", "a b c d"),
        ("<text:p>\n   x\n  y\n</text:p>\n  <text:p>z</text:p>\n", "x y\nz"),
        ("\n  <text:p>x</text:p>\n", "x"),
        ("<text:p>\n  a\n  <text:span>b</text:span>\tc\n</text:p>", "a b c"),
        ("<text:p>\n</text:p><text:p>a</text:p>", "\na"),
        # As LibreOffice writes "kept " and "x\n y", and as others write spaces.
        ("<text:p>kept </text:p>", "kept "),
        ("<text:p>x</text:p><text:p> y</text:p>", "x\n y"),
        ("<text:p>a  b</text:p>", "a  b"),
        ("<text:p>no\u00a0break</text:p>", "no\u00a0break"),
        ("<text:h>head</text:h>", "head"),
        ("<text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>", "item"),
        ("<text:p>&lt;a&gt; &amp; b\\c</text:p>", "<a> & b\\c"),
        ("<text:p>sheet <text:sheet-name>Data</text:sheet-name></text:p>", "sheet Data"),
        ("<text:p><text:bookmark text:name='x'/>a</text:p>", "a"),
    ],
)  # fmt: skip
def test_text_is_that_of_the_paragraphs(cells: Cells, content: str, text: str) -> None:
    assert cells(string(content)) == {"A1": text}


@pytest.mark.parametrize(
    "content",
    [
        "<office:annotation><dc:date>2019-05-21T00:00:00</dc:date><text:p>note</text:p></office:annotation>",
        "<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame>",
        "<draw:custom-shape><text:p>shape</text:p></draw:custom-shape>",
        "<office:forms><form:form><form:text><text:p>form</text:p></form:text></form:form></office:forms>",
        "<table:detective><table:operation>x</table:operation></table:detective>",
        "<table:table><table:table-row><table:table-cell><text:p>sub</text:p></table:table-cell></table:table-row></table:table>",
        "bare text",
    ],
)
def test_text_has_nothing_of_comments_and_drawings(cells: Cells, content: str) -> None:
    assert cells(string(f"{content}<text:p>value</text:p>")) == {"A1": "value"}
    assert cells(string(content)) == {}


@pytest.mark.parametrize(
    "content",
    [
        "<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame>",
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>n</text:p></text:note-body></text:note>",
        "<office:annotation><text:p>note</text:p></office:annotation>",
        "<draw:frame><svg:title>title</svg:title></draw:frame>",
    ],
)
def test_paragraph_has_nothing_of_notes_and_drawings(cells: Cells, content: str) -> None:
    assert cells(string(f"<text:p>va{content}lue</text:p>")) == {"A1": "value"}


def test_ruby_text_is_not_part_of_the_text(cells: Cells) -> None:
    ruby = "<text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>reading</text:ruby-text></text:ruby>"
    assert cells(string(f"<text:p>{ruby}!</text:p>")) == {"A1": "base!"}


def test_comment_on_a_number_does_not_matter(cells: Cells) -> None:
    note = "<office:annotation><text:p>note</text:p></office:annotation><text:p>5</text:p>"
    row = f'<table:table-row><table:table-cell office:value-type="float" office:value="5">{note}</table:table-cell></table:table-row>'
    assert cells(row) == {"A1": 5}


def test_string_value_comes_before_the_text_shown(cells: Cells) -> None:
    shown = '<table:table-cell office:value-type="string" office:string-value="a&#10;b"><text:p>shown</text:p></table:table-cell>'
    assert cells(f"<table:table-row>{shown}</table:table-row>") == {"A1": "a\nb"}


def test_cell_without_a_type_has_its_text(cells: Cells) -> None:
    assert cells("<table:table-row><table:table-cell><text:p>7</text:p></table:table-cell></table:table-row>") == {
        "A1": "7"
    }


@pytest.mark.parametrize("content", ["<text:p/>", "<text:p> \n </text:p>", "<text:p><text:s/></text:p>", "<text:p>\u2003</text:p>", ""])  # fmt: skip
def test_white_space_alone_is_an_empty_cell(cells: Cells, content: str) -> None:
    assert cells(string(content)) == {}


def test_tracked_changes_are_not_cells(cells: Cells) -> None:
    changes = (
        "<table:tracked-changes><table:cell-content-change><table:previous><table:change-track-table-cell "
        'office:value-type="string"><text:p>old</text:p></table:change-track-table-cell></table:previous>'
        "</table:cell-content-change></table:tracked-changes>"
    )
    assert cells(string("<text:p>new</text:p>"), before=changes) == {"A1": "new"}


def test_shapes_of_a_sheet_are_not_cells(cells: Cells) -> None:
    shapes = (
        "<table:shapes><draw:frame><draw:text-box><text:p>floating</text:p></draw:text-box></draw:frame></table:shapes>"
    )
    assert cells(f"<office:forms/>{shapes}{string('<text:p>a</text:p>')}") == {"A1": "a"}
