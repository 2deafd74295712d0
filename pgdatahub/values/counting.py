"""Numbers with their nouns, in messages."""

from __future__ import annotations


def count(number: int, noun: str, singular: str = "", plural: str = "") -> str:
    """Return a number with its noun, and the verb that fits them: ``1 row``, ``2,000 rows``, ``1 row is``, ``2 rows are``.

    Args:
        number: The number.
        noun: The noun in the singular; its plural ends in ``s``.
        singular: The verb after one.
        plural: The verb after any other number.
    """
    counted, verb = (f"1 {noun}", singular) if number == 1 else (f"{number:,} {noun}s", plural)
    return f"{counted} {verb}" if verb else counted
