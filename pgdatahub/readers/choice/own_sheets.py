"""Sheets that pgdatahub writes into marked workbooks: their names, by which a run knows that they are no data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LIST_NAME: Final = "pgdatahub faults"
"""The sheet that lists the faults of a marked workbook; further ones are numbered from 2."""
_OWN: Final = re.compile(r"pgdatahub faults( [1-9][0-9]*)?")


def is_own_sheet(name: str) -> bool:
    """Return whether a sheet has the name of a list of faults, as Excel compares names."""
    return _OWN.fullmatch(name.casefold()) is not None


def own_sheet_name(taken: Iterable[str]) -> str:
    """Return a name for a list of faults that no sheet has."""
    names = {name.casefold() for name in taken}
    number, name = 1, LIST_NAME
    while name in names:
        number += 1
        name = f"{LIST_NAME} {number}"
    return name
