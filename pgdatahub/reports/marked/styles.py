"""Styles of a marked workbook: copies of cell styles with a fill, and the styles of the list."""

from __future__ import annotations

from typing import Final

from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.list_sheet import SheetStyles
from pgdatahub.reports.marked.small_part import Element, SmallPart
from pgdatahub.reports.marked.tags import is_closed, with_attributes

_COLOUR: Final = "FFFFC7CE"
"""The light red of Excel's own style "Bad"."""
_MAX_STYLES: Final = 65_490
"""Excel opens no workbook with more cell styles."""
_ORDER: Final = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles",
                 "colors", "extLst")  # fmt: skip
"""Children of ``styleSheet`` in their order (ECMA-376 part 1, 18.8.39)."""
_FIRST: Final = {
    "fonts": ("font", '<{0}font><{0}sz val="11"/><{0}name val="Calibri"/></{0}font>'),
    "fills": (
        "fill",
        "".join(f'<{{0}}fill><{{0}}patternFill patternType="{one}"/></{{0}}fill>' for one in ("none", "gray125")),
    ),
    "borders": ("border", "<{0}border/>"),
    "cellStyleXfs": ("xf", '<{0}xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'),
    "cellXfs": ("xf", '<{0}xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'),
}
"""The name of the entries of a list, and those that a workbook without the list has in effect."""


def empty_styles(namespace: str) -> bytes:
    """Return a part for a workbook that has no styles."""
    normal = '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    start = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{start}<styleSheet xmlns="{namespace}">{normal}</styleSheet>'.encode()


class MarkedStyles:
    """The part with the styles, to which styles are added.

    Args:
        part: The part, parsed three elements deep.

    Raises:
        UnmarkableError: The part has another form than that of the standard.
    """

    def __init__(self, part: SmallPart) -> None:
        if part.root.name != "styleSheet":
            raise UnmarkableError("the styles have an unusual form")
        self._part = part
        self._entries: dict[str, list[str]] = {}
        self._lists: dict[str, Element | None] = {}
        children = {one.name: one for one in part.children(part.root)}
        for name, (entry, first) in _FIRST.items():
            found = self._lists[name] = children.get(name)
            self._entries[name] = [] if found is not None else [first.format(part.prefix)]
            if found is not None and any(one.name != entry for one in part.children(found)):
                raise UnmarkableError("the styles have an unusual form")
        self._children = children
        self._counts = {
            name: sum(1 for _ in part.children(found)) if found is not None else (2 if name == "fills" else 1)
            for name, found in self._lists.items()
        }
        xfs = self._lists["cellXfs"]
        self._formats = [] if xfs is None else list(part.children(xfs))
        self._fill = self._add("fills", f'<{{0}}fill><{{0}}patternFill patternType="solid"><{{0}}fgColor rgb="{_COLOUR}"/>'
                               '<{0}bgColor indexed="64"/></{0}patternFill></{0}fill>')  # fmt: skip
        self._marked: dict[int, int] = {}
        bold = self._add("fonts", '<{0}font><{0}b/><{0}sz val="11"/><{0}name val="Calibri"/></{0}font>')
        link = self._add(
            "fonts", '<{0}font><{0}u/><{0}sz val="11"/><{0}color rgb="FF0563C1"/><{0}name val="Calibri"/></{0}font>'
        )
        plain = self._add("fonts", '<{0}font><{0}sz val="11"/><{0}name val="Calibri"/></{0}font>')
        self.listed = SheetStyles(
            remark=self._add_format(font=plain, wrap=False),
            heading=self._add_format(font=bold, wrap=False),
            link=self._add_format(font=link, wrap=False),
            text=self._add_format(font=plain),
            bad=self._add_format(font=plain, fill=self._fill),
        )
        """The styles of the list."""

    def marked(self, style: int) -> int:
        """Return the style of a marked cell that had a style."""
        if style not in self._marked:
            self._marked[style] = self._add("cellXfs", self._copy(style))
        return self._marked[style]

    def _copy(self, style: int) -> str:
        """Return a copy of a cell style with the fill."""
        if not 0 <= style < len(self._formats):
            return f'<{{0}}xf numFmtId="0" fontId="0" fillId="{self._fill}" borderId="0" applyFill="1"/>'
        element = self._formats[style]
        tag = with_attributes(
            self._part.tag(element), {b"fillId": str(self._fill).encode(), b"applyFill": b"1"}
        )  # fmt: skip
        rest = self._part.raw(element)[len(self._part.tag(element)) :]
        return (tag if is_closed(tag) else tag + rest).decode().replace("{", "{{").replace("}", "}}")

    def _add_format(self, *, font: int, fill: int = 0, wrap: bool = True) -> int:
        fills = f'fillId="{fill}"' + (' applyFill="1"' if fill else "")
        alignment = f'<{{0}}alignment vertical="top" wrapText="{int(wrap)}"/>'
        return self._add(
            "cellXfs",
            f'<{{0}}xf numFmtId="49" fontId="{font}" {fills} borderId="0" xfId="0" applyFont="1" applyNumberFormat="1" '
            f'applyAlignment="1">{alignment}</{{0}}xf>',
        )

    def _add(self, name: str, entry: str) -> int:
        position = self._counts[name]
        if position >= _MAX_STYLES:
            raise UnmarkableError("the workbook has as many styles as Excel allows")
        self._entries[name].append(entry.format(self._part.prefix))
        self._counts[name] += 1
        return position

    def render(self) -> bytes:
        """Return the part with the added styles."""
        part, prefix = self._part, self._part.prefix
        for name, entries in self._entries.items():
            found, content = self._lists[name], "".join(entries)
            if found is not None:
                part.append(found, content)
                part.set(found, count=str(self._counts[name]))
                continue
            content = f'<{prefix}{name} count="{self._counts[name]}">{content}</{prefix}{name}>'
            behind = (self._children[later] for later in _ORDER[_ORDER.index(name) + 1 :] if later in self._children)
            following = next(behind, None)
            if following is not None:
                part.insert(following.start, content)
            else:
                part.append(part.root, content)
        return part.render()
