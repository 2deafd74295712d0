"""Notices about files, with the kind by which a summary counts them."""

from __future__ import annotations

from typing import Final

UNDER_MERGED: Final = "values under merged cells not loaded"
OUTDATED_RESULTS: Final = "results of formulas may be out of date (open and save the workbook in Excel)"


class FileNotice(str):
    """A sentence about one file; equal to its text.

    Args:
        text: The sentence, with the names and numbers of this file.
        kind: The sentence without them, the same for all such files.
    """

    __slots__ = ("kind",)

    kind: str

    def __new__(cls, text: str, kind: str = "") -> FileNotice:
        """Return the notice; without a kind, the text is the kind."""
        notice = super().__new__(cls, text)
        notice.kind = kind or text
        return notice


def kind_of(notice: str) -> str:
    """Return the kind of a notice; a plain text, such as a plugin's, is its own kind."""
    return notice.kind if isinstance(notice, FileNotice) else notice
