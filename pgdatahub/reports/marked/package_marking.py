"""Marked copy of an Office Open XML workbook: marks are written into the package, and all other parts are copied as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from pgdatahub.model.files import MarkedOrigin
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.package import Package
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.list_sheet import link_to, list_sheet
from pgdatahub.reports.marked.marks import MAX_COLOURED, MAX_COMMENTS, Faults, cells_of, lines_of
from pgdatahub.reports.marked.package_writer import PackageWriter
from pgdatahub.reports.marked.parts import ChangedParts
from pgdatahub.reports.marked.properties import add_origin
from pgdatahub.reports.marked.relations import ContentTypes, Relations, relations_name
from pgdatahub.reports.marked.sheet_marks import SPREADSHEET, SheetMarks
from pgdatahub.reports.marked.sheet_views import deselected, selects_tab
from pgdatahub.reports.marked.small_part import SmallPart
from pgdatahub.reports.marked.styles import MarkedStyles, empty_styles
from pgdatahub.reports.marked.workbook_part import NewSheet, WorkbookPart

ADVICE: Final = (
    "Correct the coloured cells, save the workbook and send it back, if possible under its old name.",
    "This sheet is not data and is never loaded; you may delete it.",
)
_SIGNATURES: Final = "the digital signature is left out, since it would be broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A marked copy that was written.

    Attributes:
        cells: The number of coloured cells.
        comments: The number of comments.
        remarks: Sentences about that which the copy lacks.
    """

    cells: int
    comments: int = 0
    remarks: tuple[str, ...] = ()


def mark_package(
    file: BinaryIO, out: BinaryIO, faults: Faults, limits: Limits, *, origin: MarkedOrigin | None = None
) -> Marked:
    """Write the marked copy of a workbook.

    Args:
        file: The workbook, open for reading at any position.
        out: An empty file, open for writing at any position.
        faults: The faults of the workbook.
        limits: The limits on its resources.
        origin: The workbook as the copy names it.

    Raises:
        UnmarkableError: The package has a form that cannot be marked safely.
        FileError: The package is damaged.
    """
    package = Package(file, limits)
    parts = ChangedParts(package=package, limits=limits, types=ContentTypes(package, limits))
    workbook = WorkbookPart(package, limits)
    relations = Relations(package, workbook.name, limits)
    base = relations.type_base("worksheet")
    styles = _open_styles(parts, workbook, relations, base)
    lines = lines_of(faults, workbook.labels)
    cells = cells_of(lines)
    left = MAX_COMMENTS
    for position, marked in sorted(cells.items()):
        entry = workbook.entries[position]
        if entry.kind != "worksheet" or entry.part not in package:
            raise UnmarkableError(f"the sheet {entry.name} has no part")
        sheet = SheetMarks(parts, entry.part, marked, base=base, namespace=workbook.namespace)
        sheet.comments = dict(list(sheet.comments.items())[:left])
        left -= len(sheet.comments)
        sheet.rewrite(styles.marked)
    _deselect(parts, workbook)
    name = parts.fresh_name("xl/worksheets/pgdatahub{}.xml")
    identifier = relations.add(f"{base}/worksheet", name)
    parts.types.add(name, f"{SPREADSHEET}.worksheet+xml")
    workbook.add_sheet(NewSheet(name=workbook.free_name(), relationship=identifier))
    parts.replace(workbook.name, lambda: (workbook.render(),))
    parts.replace_later(relations.name, relations.render)
    of_package = Relations(package, "", limits)
    remarks = _drop_signatures(parts, of_package)
    if origin is not None and (remark := add_origin(parts, of_package, origin)) is not None:
        remarks = (*remarks, remark)
    if of_package.changed:
        parts.replace_later(of_package.name, of_package.render)
    coloured = sum(map(len, cells.values()))
    said = (faults.summary, *ADVICE, *remarks, *_limits_reached(coloured, MAX_COMMENTS - left))
    writer = PackageWriter(out)
    parts.write(file, writer)
    targets = [
        link_to(workbook.entries[line.position].name, line.cell) if line.position is not None and line.is_cell else None
        for line in lines
    ]
    writer.write(name, list_sheet(lines, targets, said, styles.listed, workbook.namespace))
    writer.finish()
    return Marked(cells=coloured, comments=MAX_COMMENTS - left, remarks=remarks)


def _open_styles(parts: ChangedParts, workbook: WorkbookPart, relations: Relations, base: str) -> MarkedStyles:
    """Read the styles, which are written behind the sheets; a workbook without styles gets the part."""
    found = next((one for one in parts.package.relationships(workbook.name) if one.type == "styles"), None)
    if found is not None and found.target in parts.package:
        name = found.target
        styles = MarkedStyles(SmallPart.read(parts.package.open(name), parts.limits, depth=3))
    elif found is not None:
        raise UnmarkableError("the styles are missing")
    else:
        usual = "xl/styles.xml"  # some programs look nowhere else
        name = usual if usual not in parts.package else parts.fresh_name("xl/pgdatahubStyles{}.xml")
        styles = MarkedStyles(SmallPart(empty_styles(workbook.namespace), name, parts.limits, depth=3))
        relations.add(f"{base}/styles", name)
        parts.types.add(name, f"{SPREADSHEET}.styles+xml")
    parts.replace_later(name, styles.render)
    return styles


def _deselect(parts: ChangedParts, workbook: WorkbookPart) -> None:
    """Deselect all sheets but the list: an edit goes into all selected sheets."""
    for part in {entry.part for entry in workbook.all_entries if entry.kind != "missing"}:
        if part not in parts.package or parts.is_replaced(part) or part.lower().endswith(".bin"):
            continue
        if selects_tab(parts.open(part)):
            parts.replace(part, lambda part=part: deselected(parts.open(part)))  # type: ignore[misc]


def _drop_signatures(parts: ChangedParts, of_package: Relations) -> tuple[str, ...]:
    """Leave the signatures of the package out; return a remark about them."""
    origins = [one for one in parts.package.relationships("") if one.type == "origin"]
    if not origins:
        return ()
    gone: set[str] = set()
    for origin in origins:
        gone |= {origin.target, relations_name(origin.target)}
        gone |= {one.target for one in parts.package.relationships(origin.target)}
    of_package.remove(one.identifier for one in origins)
    parts.drop(gone)
    parts.types.remove(gone)
    return (_SIGNATURES,)


def _limits_reached(coloured: int, comments: int) -> Iterator[str]:
    if coloured >= MAX_COLOURED:
        yield f"Only the first {MAX_COLOURED:,} cells are coloured."
    if comments >= MAX_COMMENTS:
        yield f"Only the first {MAX_COMMENTS:,} cells have a comment."
