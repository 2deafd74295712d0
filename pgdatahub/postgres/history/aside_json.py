"""The JSON about rows that were set aside: cells and faults in ``etl_quarantine``, places in ``etl_imports.layout``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.schema import QUARANTINE
from pgdatahub.postgres.history.damaged_rows import JsonFormError, as_list, as_object, parsed, unreadable


def damaged_aside(row: int, sheet: str, file: str, error: Exception) -> HistoryDamagedError:
    """Return the error of a row of ``etl_quarantine``.

    Args:
        row: The number of the row in the sheet.
        sheet: The sheet.
        file: The import, for messages.
        error: The reason.
    """
    return HistoryDamagedError(
        f"row {row} of sheet {sheet} of {file} in {QUARANTINE} was changed by hand: {unreadable(error)}",
        hint="run --reload FILE loads the file and its rows in quarantine again",
    )


def cells_in(content: Any, kinds: str) -> Mapping[str, str]:
    """Return the texts of a row's cells by column.

    Raises:
        JsonFormError: A user changed them.
    """
    cells = as_object(content, "cells")
    if not all(isinstance(text, str) for text in cells.values()):
        raise JsonFormError("the column cells has a value that is not a text")
    if len(cells) != len(kinds):
        raise JsonFormError("the columns cells and kinds are not about the same cells")
    return cells


def faults_in(content: Any) -> tuple[Mapping[str, str], ...]:
    """Return the faults of a row.

    Raises:
        JsonFormError: A user changed them.
    """
    faults = tuple(as_object(entry, "faults") for entry in as_list(content, "faults"))
    if not all(isinstance(fault.get(key), str) for fault in faults for key in ("cell", "column", "rule")):
        raise JsonFormError("the column faults has a fault without cell, column or rule")
    return faults


def layout_in(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the places of an import's tables from a row of ``etl_imports`` with ``id``, ``layout`` and, if known, ``identity``.

    Raises:
        HistoryDamagedError: A user changed the row.
    """
    return {} if row["layout"] is None else parsed(row, "layout", lambda: _checked_layout(row["layout"]))


def _checked_layout(content: Any) -> Mapping[str, Any]:
    layout = as_object(content)
    for entry in layout.values():
        place = as_object(entry)
        if not isinstance(place["section"], int) or not isinstance(place["header_row"], int | None):
            _refuse_places()
        for position, header, name in as_list(place["columns"]):
            if not (isinstance(position, int) and isinstance(header, str | None) and isinstance(name, str)):
                _refuse_places()
        for letter, text in as_object(place.get("cells", {})).values():
            if not (isinstance(letter, str) and isinstance(text, str)):
                _refuse_places()
        for position, header in as_list(place.get("skipped", [])):
            if not (isinstance(position, int) and isinstance(header, str)):
                _refuse_places()
    return layout


def _refuse_places() -> NoReturn:
    raise JsonFormError("a place is not of the form that pgdatahub writes")
