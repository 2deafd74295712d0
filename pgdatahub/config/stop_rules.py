"""Rules for the end of a table, as ``stop_at`` writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PATTERN: Final = re.compile(r"(?:(?P<header>[^=/][^=]*)=)?/(?P<pattern>.+)/", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """One way to find the row that ends a table; case does not matter.

    Attributes:
        written: The rule as written.
        text: The whole text of a cell in the table's first column; None for a pattern.
        pattern: A regular expression that is searched in the texts of cells; None for a text.
        header: The header of the column whose cells are searched; None for all.
    """

    written: str
    text: str | None = None
    pattern: str | None = None
    header: str | None = None

    @property
    def is_blank(self) -> bool:
        """Return whether an empty row ends the table."""
        return self.text == "blank"


def parse_stop(written: str) -> StopRule:
    """Return the rule that a text means: ``blank``, ``/pattern/``, ``HEADER=/pattern/``, or the text of a cell."""
    match = _PATTERN.fullmatch(written.strip())
    if match is None:
        return StopRule(written=written, text=written.strip().casefold())
    header = match["header"].strip() if match["header"] else None
    return StopRule(written=written, pattern=match["pattern"], header=header)
