"""Choice of the sheets to load: the folder's ``sheet`` setting, applied to the sheets of a workbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from pgdatahub.errors import SheetError
from pgdatahub.readers.choice.own_sheets import is_own_sheet

if TYPE_CHECKING:
    from pgdatahub.config import FolderOptions
    from pgdatahub.model.workbooks import SheetInfo, Workbook

_LISTED: Final = 20  # names in an error message; some workbooks have a sheet for every day of the year


def choose_sheets(sheets: Sequence[SheetInfo], options: FolderOptions) -> tuple[int, ...]:
    """Return the positions (from 0) of the sheets to load, each once, in the order in which the setting names them.

    Each entry of the setting is looked up as a name, as Excel compares names (without regard to case), then without outer
    white space, and only then used as a glob. A glob matches visible sheets alone, in the workbook's order; a name
    reaches hidden sheets too. Without a setting, the first visible sheet is chosen. Lists of faults that pgdatahub writes into
    workbooks are chosen by name only.

    Raises:
        SheetError: The workbook has no such sheet, has several of that name, or has none at all; the message lists them.
    """
    if options.sheet is None:
        visible = [position for position, sheet in enumerate(sheets) if may_hold_data(sheet)]
        if not visible:
            raise SheetError(_without_data(sheets), hint=listing(sheets))
        return (visible[0],)
    chosen: dict[int, None] = {}
    for wanted in options.sheet:
        chosen |= dict.fromkeys(matching_sheets(wanted, sheets))
    return tuple(chosen)


def matching_sheets(wanted: str, sheets: Sequence[SheetInfo]) -> Sequence[int]:
    """Return the positions of the sheets that one entry of the setting means; see :func:`choose_sheets`."""
    keys: tuple[Callable[[str], str], ...] = (str.casefold, _loosely)
    for key in keys:
        named = [position for position, sheet in enumerate(sheets) if key(sheet.name) == key(wanted)]
        if len(named) > 1:
            raise ambiguous(wanted, named, sheets)
        if named:
            return named
    pattern = _loosely(wanted)
    matching = [
        position
        for position, sheet in enumerate(sheets)
        if may_hold_data(sheet) and fnmatchcase(_loosely(sheet.name), pattern)
    ]
    if not matching:
        raise SheetError(f"no sheet {wanted!r}", hint=listing(sheets))
    return matching


def may_hold_data(sheet: SheetInfo) -> bool:
    """Return whether a sheet is chosen without being named: it is visible, and no list of faults of a marked workbook."""
    return sheet.visible and not is_own_sheet(sheet.name)


def _without_data(sheets: Sequence[SheetInfo]) -> str:
    if any(sheet.visible for sheet in sheets):
        return "the workbook has only lists of faults, which pgdatahub wrote for the sender of another workbook"
    return "the workbook has no visible sheet"


def _loosely(name: str) -> str:
    return name.strip().casefold()


def ambiguous(wanted: str, named: Sequence[int], sheets: Sequence[SheetInfo]) -> SheetError:
    """Return the error for a name that several sheets have."""
    found = ", ".join(f"sheet {position + 1} {_shown(sheets[position])}" for position in named[:_LISTED])
    return SheetError(
        f"{len(named)} sheets have the name {wanted!r}: {found}",
        hint='rename one of them in the workbook, or load all visible sheets with sheet: "*"',
    )


def listing(sheets: Sequence[SheetInfo]) -> str:
    """Return the sheets of a workbook, for messages."""
    if not sheets:
        return "it has no sheet with cells at all"
    names = [_shown(sheet) for sheet in sheets[:_LISTED]]
    more = f" and {len(sheets) - _LISTED} more" if len(sheets) > _LISTED else ""
    return f"the sheets are: {', '.join(names)}{more}"


def _shown(sheet: SheetInfo) -> str:
    return f"{sheet.name!r}{'' if sheet.visible else ' (hidden)'}"


def needs_second_reading(workbook: Workbook) -> bool:
    """Return whether the sheet that is open must be read again, now that the reader knows its end.

    A reader may offer ``needs_second_reading()`` for this: the built-in one, since merged areas stand behind the rows.
    """
    asks = getattr(workbook, "needs_second_reading", None)
    return asks is not None and bool(asks())
