"""The key of a folder as rules for the rows of a batch: each row has a key, not too long, and the file has it once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pgdatahub.load.contracts.cell_rules import empty_cells
from pgdatahub.load.contracts.equal_keys import EqualKeys, joined
from pgdatahub.load.contracts.judged_column import Broken, also_in, no_hint
from pgdatahub.model.batches import NormalizedColumn
from pgdatahub.values.copytext import unescape
from pgdatahub.values.evidence import NOTHING
from pgdatahub.values.sql_types import SqlType
from pgdatahub.values.type_fit import NUMBERS

if TYPE_CHECKING:
    from pgdatahub.config.key_rule import KeyRule

RANKED: Final = NUMBERS | {SqlType.BOOLEAN, SqlType.DATE, SqlType.TIMESTAMP, SqlType.TIME, SqlType.INTERVAL}
"""Types whose values the program orders as the server does."""
MAX_KEY_BYTES: Final = 2000
"""Of the texts of a key together; an entry of an index holds 2,704 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyColumns:
    """The columns of a key in a table on a sheet.

    Attributes:
        rule: The key and the order.
        positions: Name of a column in the rows of the sheet → its position.
        further: The columns of the key, and the one that orders rows, that are not in the rows of the sheet.
        required: The columns that must have values anyway.
        equal: The keys of the file so far; None if the database alone can compare them.
        section: The number of the table among those of the part.
        sheet: The sheet's label.
    """

    rule: KeyRule
    positions: Mapping[str, int]
    further: Collection[str]
    required: Collection[str]
    equal: EqualKeys | None
    section: int
    sheet: str

    def broken(
        self,
        columns: Mapping[int, NormalizedColumn],
        rows: Sequence[int],
        refused: Mapping[int, Collection[int]],
        further: Mapping[str, NormalizedColumn],
    ) -> Iterator[tuple[str, Broken]]:
        """Yield the broken rules of a batch, each with the name of the column that is named.

        Args:
            columns: Position → the cells of the batch.
            rows: The numbers of its rows.
            refused: Position → the indexes of cells that are faults already.
            further: Name → the fields of a further column.
        """
        own = {name: self._texts(columns, name, len(rows)) for name in self.rule.key if name in self.positions}
        for name, fields in own.items():
            known = refused.get(self.positions[name], ())
            missing = [] if name in self.required else [at for at in empty_cells(fields) if at not in known]
            if missing:
                yield name, ("required", None, missing, no_hint)
        if not own or not len(rows):
            return
        first = next(iter(own))
        texts = (*own.values(), *(further[name].texts for name in self.rule.key if name in self.further))
        long = _long_keys(texts)
        if long:
            yield first, ("key-length", f"{MAX_KEY_BYTES:,} bytes", long, no_hint)
        if self.equal is None:
            return
        ordered = self.rule.column
        newest = self._texts(columns, ordered, len(rows)) if ordered in self.positions else None
        if ordered is not None and ordered in self.further:
            newest = further[ordered].texts
        position = self.positions[first]
        twice = self.equal.add(joined(texts), newest, rows, section=self.section, position=position, sheet=self.sheet)
        if twice:
            hint: Callable[[int], str | None] = lambda index: also_in(twice[index], self.sheet)  # noqa: E731
            yield first, ("key", ", ".join(self.rule.key), sorted(twice), hint)

    def _texts(self, columns: Mapping[int, NormalizedColumn], name: str | None, rows: int) -> Sequence[bytes]:
        column = columns.get(self.positions[name]) if name is not None else None
        return column.texts if column is not None else _empty(name or "", rows).texts


def _empty(name: str, rows: int) -> NormalizedColumn:
    return NormalizedColumn(name=name, header=None, texts=[b""] * rows, observed=NOTHING)


def _long_keys(columns: Sequence[Sequence[bytes]]) -> list[int]:
    """Return the indexes of the rows whose key is too long for an index."""
    if sum(max(map(len, texts)) for texts in columns) <= MAX_KEY_BYTES:
        return []
    return [
        index
        for index, key in enumerate(zip(*columns, strict=True))
        if sum(map(len, key)) > MAX_KEY_BYTES and sum(len(unescape(text).encode()) for text in key) > MAX_KEY_BYTES
    ]
