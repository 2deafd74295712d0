"""Comments of cells: the part with their texts, and the drawing with their boxes (ECMA-376 part 1, 18.7; part 4, 19)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.small_part import SmallPart
from pgdatahub.reports.marked.tags import as_text
from pgdatahub.values.cells import cell_address

Cell = tuple[int, int]
"""Row from 1, position of the column from 0."""
_AUTHOR: Final = "pgdatahub"
_MOST: Final = 2000
"""Characters of a comment."""
_BLOCK: Final = 1024
"""Identifiers of shapes of one drawing come in blocks, which ``o:idmap`` lists."""
_SHAPE_TYPE: Final = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPE: Final = (
    '<v:shape id="_x0000_s{shape}" type="#_x0000_t202" style="position:absolute;margin-left:107pt;margin-top:7pt;'
    'width:180pt;height:60pt;z-index:{order};visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">'
    '<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
    '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
    "<x:Anchor>{left}, 15, {top}, 10, {right}, 15, {bottom}, 4</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
_DRAWING: Final = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/>'
    "</o:shapelayout>{shapes}</xml>"
)
_NAMESPACES: Final = (
    b'xmlns:v="urn:schemas-microsoft-com:vml"',
    b'xmlns:o="urn:schemas-microsoft-com:office:office"',
    b'xmlns:x="urn:schemas-microsoft-com:office:excel"',
)
_IDMAP: Final = re.compile(rb"""(<o:idmap\b[^<>]*?\bdata=)(?:"([\d,\s]*)"|'([\d,\s]*)')""")
_SHAPE_ID: Final = re.compile(rb"_x0000_s(\d{1,9})\b")


def commented(part: SmallPart) -> frozenset[str]:
    """Return the addresses of the cells that have a comment; ``part`` is parsed three elements deep."""
    return frozenset(
        one.attributes.get("ref", "").upper() for one in part.elements if one.name == "comment" and one.depth == 3
    )


def new_comments(namespace: str, texts: Mapping[Cell, str]) -> bytes:
    """Return a part with comments."""
    listed = _listed(texts, 0, "")
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><comments xmlns="{namespace}"><authors>'
        f"<author>{_AUTHOR}</author></authors><commentList>{listed}</commentList></comments>"
    ).encode()


def more_comments(part: SmallPart, texts: Mapping[Cell, str]) -> bytes:
    """Return a part with further comments.

    Raises:
        UnmarkableError: The part has another form than that of the standard.
    """
    authors, listed = part.child(part.root, "authors"), part.child(part.root, "commentList")
    if authors is None or listed is None:
        raise UnmarkableError("the comments have an unusual form")
    author = sum(1 for _ in part.children(authors))
    part.append(authors, f"<{part.prefix}author>{_AUTHOR}</{part.prefix}author>")
    part.append(listed, _listed(texts, author, part.prefix))
    return part.render()


def _listed(texts: Mapping[Cell, str], author: int, prefix: str) -> str:
    return "".join(
        f'<{prefix}comment ref="{cell_address(*cell)}" authorId="{author}"><{prefix}text><{prefix}r><{prefix}rPr><{prefix}sz val="9"/><{prefix}rFont val="Tahoma"/></{prefix}rPr>'
        f'<{prefix}t xml:space="preserve">{as_text(text, most=_MOST)}</{prefix}t></{prefix}r></{prefix}text></{prefix}comment>'
        for cell, text in texts.items()
    )


def new_drawing(cells: Iterable[Cell]) -> bytes:
    """Return a drawing with the boxes of comments."""
    return _DRAWING.format(shapes=_SHAPE_TYPE + _shapes(cells, _BLOCK + 1)).encode()


def more_drawing(data: bytes, cells: Iterable[Cell]) -> bytes:
    """Return a drawing with further boxes.

    The drawing is changed as bytes: Excel writes ``<br>`` into drawings, which no parser of XML takes.

    Raises:
        UnmarkableError: The drawing has another form than that of Excel.
    """
    end = data.rfind(b"</xml>")
    idmap = _IDMAP.search(data)
    if end < 0 or not all(namespace in data for namespace in _NAMESPACES):
        raise UnmarkableError("the drawing of the comments has an unusual form")
    used = {int(number) // _BLOCK for number in _SHAPE_ID.findall(data)}
    if idmap is not None:
        used |= {int(number) for number in re.findall(rb"\d{1,6}", idmap[2] or idmap[3] or b"")}
    block = max(used, default=0) + 1
    shapes = _shapes(cells, block * _BLOCK + 1)
    if b'id="_x0000_t202"' not in data:
        shapes = _SHAPE_TYPE + shapes
    data = data[:end] + shapes.encode() + data[end:]
    if idmap is None:
        return data
    blocks = (idmap[2] or idmap[3] or b"").strip()
    listed = b",".join(filter(None, (blocks, str(block).encode())))
    return data[: idmap.start()] + idmap[1] + b'"' + listed + b'"' + data[idmap.end() :]


def _shapes(cells: Iterable[Cell], first: int) -> str:
    return "".join(
        _SHAPE.format(
            shape=first + order,
            order=order + 1,
            row=row - 1,
            column=column,
            left=column + 1,
            right=column + 4,
            top=max(0, row - 2),
            bottom=row + 3,
        )
        for order, (row, column) in enumerate(cells)
    )
