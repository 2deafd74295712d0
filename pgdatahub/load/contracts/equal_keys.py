"""Rows of a file with one key that the order cannot tell apart: by hashes in one reading, and by texts in the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pgdatahub.load.contracts.uniqueness import OtherCells, Place, Suspects, UniqueColumn

Rank: TypeAlias = "Callable[[bytes], Any]"
_SEPARATOR: Final = b"\t"
"""A field of ``COPY`` does not have it."""


def joined(columns: Sequence[Sequence[bytes]]) -> Sequence[bytes]:
    """Return the key of each row as one field; empty if a column of it is."""
    if len(columns) == 1:
        return columns[0]
    return [_SEPARATOR.join(key) if all(key) else b"" for key in zip(*columns, strict=True)]


@dataclass(slots=True)
class EqualKeys:
    """The keys of a file so far.

    Without an order within the file, all rows of one key are faults. With one, only the best rows of a key can be, and only
    if they are several: the second reading finds them, and the third one names them.

    Attributes:
        suspects: The rows of equal keys, as the reading before found them; None in the first reading.
        rank: The order of the values of a column under ``newest``; None without such a column.
    """

    suspects: Suspects | None = None
    rank: Rank | None = None
    _keys: UniqueColumn = field(init=False)
    _ranked: dict[bytes, list[tuple[bytes, Place]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin without rows."""
        self._keys = UniqueColumn(self.suspects)

    @property
    def _compares(self) -> bool:
        """Return whether this reading finds the best rows of the suspected keys."""
        return self.rank is not None and any(isinstance(key, int) for key in self.suspects or ())

    def add(
        self,
        keys: Sequence[bytes],
        newest: Sequence[bytes] | None,
        rows: Sequence[int],
        *,
        section: int,
        position: int,
        sheet: str,
    ) -> Mapping[int, OtherCells]:
        """Add the keys of a batch; return the indexes of the rows at fault, with the other rows of their keys.

        Args:
            keys: The key of each row, empty if it lacks a value.
            newest: The value of the column that orders rows, of each row; None without such a column.
            rows: The numbers of the rows.
            section: The number of the table among those of the part.
            position: The position of the column that is named.
            sheet: The sheet's label.
        """
        if self._compares:
            for index, key in enumerate(keys):
                if key and hash(key) in (self.suspects or ()):
                    place = (section, rows[index], position, sheet)
                    self._ranked.setdefault(key, []).append((b"" if newest is None else newest[index], place))
            return {}
        if self.rank is not None and self.suspects is not None:
            values = newest if newest is not None else [b""] * len(keys)
            keys = [_with_rank(key, value) if key else b"" for key, value in zip(keys, values, strict=True)]
        return self._keys.add(keys, rows, section=section, position=position, sheet=sheet)

    def finish(self) -> Suspects | None:
        """Return the rows for which the file must be read again, None if that is not needed."""
        return (self._ties() or None) if self._compares else self._keys.finish()

    def _ties(self) -> dict[int | bytes, Sequence[Place]]:
        ties: dict[int | bytes, Sequence[Place]] = {}
        for key, found in self._ranked.items():
            best = max(self._order(value) for value, _ in found)
            tied = [(value, place) for value, place in found if self._order(value) == best]
            if len(tied) > 1:
                places = [place for _, place in tied]
                ties.update((_with_rank(key, value), places) for value, _ in tied)
        return ties

    def _order(self, value: bytes) -> tuple[bool, Any]:
        """Return the place of a value in the order; an empty one is below all."""
        return bool(value), self.rank(value) if value and self.rank is not None else 0


def _with_rank(key: bytes, value: bytes) -> bytes:
    return key + _SEPARATOR + _SEPARATOR + value
