"""Which sheets of a workbook are loaded: what the folder's ``sheet`` setting means for the sheets there are."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pgdatahub.errors import SheetError

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions
    from pgdatahub.model.flow import SheetInfo

_LISTED = 20  # names in an error message; some workbooks have a sheet for every day of the year


def choose_sheets(sheets: Sequence[SheetInfo], options: FolderOptions) -> tuple[str, ...]:
    """Return the exact names of the sheets to load, each once, in the order in which they were asked for.

    What is asked for is looked up as a name first, as written, then without regard to case and outer white space, and
    only then taken as a glob. A glob means visible sheets alone, in the workbook's order; a name reaches hidden sheets
    too. Where nothing is asked for, it is the first visible sheet.

    Raises:
        SheetError: The workbook has no such sheet, or none at all; the message lists those it has.
    """
    if options.sheet is None:
        visible = [sheet.name for sheet in sheets if sheet.visible]
        if not visible:
            raise SheetError("the workbook has no visible sheet", hint=_listing(sheets))
        return (visible[0],)
    chosen: dict[str, None] = {}
    for wanted in options.sheet:
        chosen |= dict.fromkeys(_matching(wanted, sheets))
    return tuple(chosen)


def _matching(wanted: str, sheets: Sequence[SheetInfo]) -> Sequence[str]:
    for key in (str, _loosely):
        for sheet in sheets:
            if key(sheet.name) == key(wanted):
                return (sheet.name,)
    pattern = _loosely(wanted)
    matching = [sheet.name for sheet in sheets if sheet.visible and fnmatchcase(_loosely(sheet.name), pattern)]
    if not matching:
        raise SheetError(f"no sheet {wanted!r}", hint=_listing(sheets))
    return matching


def _loosely(name: str) -> str:
    return name.strip().casefold()


def _listing(sheets: Sequence[SheetInfo]) -> str:
    if not sheets:
        return "it has no sheet with cells at all"
    names = [f"{sheet.name!r}{'' if sheet.visible else ' (hidden)'}" for sheet in sheets[:_LISTED]]
    more = f" and {len(sheets) - _LISTED} more" if len(sheets) > _LISTED else ""
    return f"the sheets are: {', '.join(names)}{more}"
