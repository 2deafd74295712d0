"""Counts and notices about the rows and columns of a sheet that are not in its table."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgdatahub.errors import CellError


@dataclass(slots=True, kw_only=True)
class LayoutCounts:
    """Counts of the rows and columns that were left out of a sheet or are hidden; complete after the last batch.

    Attributes:
        counts: Numbers of ``blank rows`` (between the header and the last row), ``hidden rows``, ``hidden columns``, ``rows
            above the header``, ``skipped rows`` and ``rows below the end``. A row without a value counts as a blank row
            or not at all. Hidden rows and columns count even if they are loaded.
        examples: For each key of ``counts`` the first row or column, as ``row 17`` or ``column C``.
        notices: Notices for the user.
        faults: Headers that cannot be used; the caller must refuse the file. Complete before the first batch.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    faults: list[CellError] = field(default_factory=list)

    def add(self, key: str, number: int, example: str) -> None:
        """Count ``number`` more of ``key``."""
        if number:
            self.counts[key] = self.counts.get(key, 0) + number
            self.examples.setdefault(key, example)
