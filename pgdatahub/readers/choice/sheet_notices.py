"""Notices about a sheet that readers of several formats give."""

from __future__ import annotations

from pgdatahub.model.file_notice import OUTDATED_RESULTS, FileNotice


def describe_cleaned(count: int, sheet: str, address: str) -> FileNotice:
    """Return a notice about cells with characters that no database can store.

    Args:
        count: The number of the cells, at least 1.
        sheet: The label of the sheet.
        address: The address of the first cell.
    """
    text = (
        f"{count:,} {'cell' if count == 1 else 'cells'} held characters that PostgreSQL cannot store "
        f"(NUL or half a surrogate pair), which were removed; the first is {sheet} › {address}"
    )
    return FileNotice(text, "characters removed that PostgreSQL cannot store (NUL, half a surrogate pair)")


def describe_outdated(count: int, sheet: str, address: str | None) -> FileNotice:
    """Return a notice about results of formulas in a workbook that asks to be calculated when it is opened.

    Args:
        count: The number of the formulas, at least 1.
        sheet: The label of the sheet.
        address: The address of the first formula, if it is known.
    """
    place = f"; the first is {sheet} › {address}" if address else ""
    text = (
        f"{count:,} {'formula has a stored result' if count == 1 else 'formulas have stored results'} that may be"
        f" out of date: the workbook asks to be calculated when it is opened{place} (open and save it in Excel)"
    )
    return FileNotice(text, OUTDATED_RESULTS)
