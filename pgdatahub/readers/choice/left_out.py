"""Visible sheets with data that the folder's settings leave out: their names, and the sentence that reports them."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from pgdatahub.errors import FileError
from pgdatahub.model.file_notice import FileNotice
from pgdatahub.model.workbooks import sheet_labels
from pgdatahub.readers.choice.sheets import may_hold_data
from pgdatahub.values.cells import TextColumn

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.workbooks import Batch, Workbook

MAX_SHEETS: Final = 200
"""Sheets that are searched for a value; the others of a workbook count as having one."""
MAX_ROWS: Final = 100
"""Rows of a batch where the reader offers no shorter way; empty rows are rarely in a batch, so one batch decides."""
_BATCHES: Final = 10
_LISTED: Final = 10


@runtime_checkable
class _FindsValues(Protocol):
    """A workbook that can tell, without opening a sheet, whether the sheet has a value."""

    def has_values(self, position: int) -> bool: ...


def sheets_left_out(workbook: Workbook, chosen: Collection[int]) -> tuple[str, ...]:
    """Return the labels of the visible sheets with data that are not among ``chosen``, in the workbook's order.

    Each sheet is read up to its first value only. A sheet that cannot be read counts as having data. To be called when
    the chosen sheets have been read, since one sheet at a time is open.
    """
    labels = sheet_labels(workbook.sheets)
    others = [
        position for position, sheet in enumerate(workbook.sheets) if may_hold_data(sheet) and position not in chosen
    ]
    found = [position for position in others[:MAX_SHEETS] if _has_values(workbook, position)]
    # A NUL, which a damaged .xls may have in a name, does not go into the history.
    return tuple(labels[position].replace("\0", "") for position in (*found, *others[MAX_SHEETS:]))


def describe_left_out(names: Sequence[str], source: SourceFile) -> str:
    """Return one sentence: which sheets were not loaded, and the setting that loads them."""
    folder, _, _ = source.identity.rpartition("/")
    one = len(names) == 1
    listed = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else "")
    if source.options.is_routed:
        return FileNotice(
            f"{'1 visible sheet' if one else f'{len(names):,} visible sheets'} with data not loaded: {listed}; an entry "
            f"below sheets: loads {'it' if one else 'them'} or leaves {'it' if one else 'them'} out (skip: true), and "
            f'"*" takes the rest',
            "visible sheets with data not loaded (set an entry below sheets:)",
        )
    return FileNotice(
        f"{'1 visible sheet' if one else f'{len(names):,} visible sheets'} with data not loaded: {listed}; to load "
        f'{"it" if one else "them"}, set sheet: "*" or a list of names for the folder {folder} in etl_config.yaml',
        'visible sheets with data not loaded (set sheet: "*" or a list of names)',
    )


def _has_values(workbook: Workbook, position: int) -> bool:
    try:
        if isinstance(workbook, _FindsValues):
            return workbook.has_values(position)
        batches = workbook.open(position).batches(MAX_ROWS)
        try:
            return any(map(_has_value, islice(batches, _BATCHES)))
        finally:
            if isinstance(batches, Generator):
                batches.close()
    except FileError:
        return True


def _has_value(batch: Batch) -> bool:
    for column in batch.columns.values():
        if isinstance(column, TextColumn):
            if any(column.texts):
                return True
        elif any(value is not None and not (isinstance(value, str) and not value.strip()) for value in column):
            return True
    return False
