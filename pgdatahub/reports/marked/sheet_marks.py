"""Marks of one sheet of a package: coloured cells, and comments beside those that the sheet has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pgdatahub.reports.marked.comments import Cell, commented, more_comments, more_drawing, new_comments, new_drawing
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.parts import ChangedParts
from pgdatahub.reports.marked.relations import Relations
from pgdatahub.reports.marked.small_part import SmallPart, read_all
from pgdatahub.reports.marked.worksheet import WorksheetRewriter
from pgdatahub.values.cells import cell_address

SPREADSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
"""The beginning of the content types of a workbook's parts."""
_VML: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"


class SheetMarks:
    """The marks of one sheet.

    Args:
        parts: The parts of the package.
        part: The part of the sheet.
        cells: The cells → what is expected of them.
        base: The beginning of the types of relationships.
        namespace: The namespace of the workbook's parts.

    Raises:
        UnmarkableError: The comments have an unusual form.
    """

    def __init__(
        self, parts: ChangedParts, part: str, cells: Mapping[Cell, list[str]], *, base: str, namespace: str
    ) -> None:
        self._parts = parts
        self._part = part
        self._cells = cells
        self._base = base
        self._namespace = namespace
        self._relations = Relations(parts.package, part, parts.limits)
        self._comments_part: tuple[str, SmallPart] | None = None
        self._drawings: dict[str, str] = {}
        taken: set[str] = set()
        for found in parts.package.relationships(part):
            if found.target not in parts.package:
                continue
            if found.type == "comments":
                if self._comments_part is not None:
                    raise UnmarkableError(f"the part {part} has two parts with comments")
                existing = SmallPart.read(parts.package.open(found.target), parts.limits, depth=3)
                self._comments_part = (found.target, existing)
                taken |= commented(existing)
            elif found.type == "threadedComment":
                thread = SmallPart.read(parts.package.open(found.target), parts.limits)
                taken |= {one.attributes.get("ref", "").upper() for one in thread.children(thread.root)}
            elif found.type == "vmlDrawing":
                self._drawings[found.identifier] = found.target
        self.comments = {cell: "\n".join(texts) for cell, texts in cells.items() if cell_address(*cell) not in taken}
        """The comments to write; the caller may leave some out."""

    def rewrite(self, restyle: Callable[[int], int]) -> None:
        """Have the sheet and its comments written.

        Args:
            restyle: Returns the style of a marked cell for that of the cell.
        """
        rows: dict[int, set[int]] = {}
        for row, position in self._cells:
            rows.setdefault(row, set()).add(position)
        frozen = {row: frozenset(positions) for row, positions in rows.items()}
        identifier = self._relations.fresh_id()
        drawing = f'<legacyDrawing xmlns:r="{self._base}" r:id="{identifier}"/>' if self.comments else None
        found: list[str | None] = [None]

        def pieces() -> Iterator[bytes]:
            rewriter = WorksheetRewriter(self._parts.open(self._part), frozen, restyle, drawing)
            yield from rewriter.pieces()
            found[0] = rewriter.found_drawing
            if self.comments and rewriter.found_drawing is None:
                name = self._parts.fresh_name("xl/drawings/pgdatahub{}.vml")
                self._relations.add(f"{self._base}/vmlDrawing", name, identifier)
                self._parts.replace_later(name, lambda: new_drawing(self.comments))
            elif self.comments and rewriter.found_drawing not in self._drawings:
                raise UnmarkableError(f"the part {self._part} refers to a drawing that is missing")

        self._parts.replace(self._part, pieces)
        if not self.comments:
            return
        self._add_comments()
        self._parts.replace_later(self._relations.name, self._relations.render)
        for key, target in self._drawings.items():
            self._parts.replace_later(target, lambda key=key, target=target: self._drawing(target, key == found[0]))  # type: ignore[misc]

    def _drawing(self, part: str, is_of_comments: bool) -> bytes:
        data = read_all(self._parts.package.open(part))
        return more_drawing(data, self.comments) if is_of_comments else data

    def _add_comments(self) -> None:
        if self._comments_part is not None:
            name, existing = self._comments_part
            self._parts.replace(name, lambda: (more_comments(existing, self.comments),))
            return
        name = self._parts.fresh_name("xl/pgdatahubComments{}.xml")
        self._relations.add(f"{self._base}/comments", name)
        self._parts.types.add(name, f"{SPREADSHEET}.comments+xml")
        self._parts.types.require_default("vml", _VML)
        self._parts.replace_later(name, lambda: new_comments(self._namespace, self.comments))
