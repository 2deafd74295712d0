"""A column with rules, and the cells of a batch that break them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeAlias

from pgdatahub.config import ColumnOptions
from pgdatahub.load.contracts.cell_rules import CellRule, empty_cells
from pgdatahub.load.contracts.server_types import form_of, judge_of
from pgdatahub.load.contracts.uniqueness import OtherCells, UniqueColumn
from pgdatahub.model.batches import NormalizedColumn
from pgdatahub.values.cells import cell_address
from pgdatahub.values.copytext import unescape
from pgdatahub.values.evidence import NOTHING

Broken: TypeAlias = "tuple[str, str | None, Sequence[int], Callable[[int], str | None]]"
"""A broken rule: its name, the expected value, the indexes of the cells, and index → hint."""
_NAMED: Final = 3
"""Other cells of a value that a hint names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedColumn:
    """A column with rules, at its position in the sheet.

    Attributes:
        position: Its position, from 0.
        name: Its SQL name.
        header: Its header as written, if any.
        options: Its options.
        rules: The rules for single cells.
    """

    position: int
    name: str
    header: str | None
    options: ColumnOptions
    rules: tuple[CellRule, ...]

    def empty(self, rows: int) -> NormalizedColumn:
        """Return the column of a batch that has no value of it, and no header."""
        return NormalizedColumn(name=self.name, header=self.header, texts=[b""] * rows, observed=NOTHING)

    def broken(
        self,
        column: NormalizedColumn,
        rows: Sequence[int],
        refused: Collection[int],
        *,
        unique: UniqueColumn | None,
        section: int,
        sheet: str,
    ) -> Iterator[Broken]:
        """Yield the broken rules of a batch.

        Args:
            column: The cells of the batch.
            rows: The numbers of its rows.
            refused: The indexes of cells that are faults already, and empty.
            unique: The values of the column so far, if they must be unique.
            section: The number of the table among those of the part.
            sheet: The sheet's label.
        """
        misfits = self._misfits(column)
        if misfits:
            yield "type", self.options.server_type, misfits, no_hint
            # As any cell of another type, it is looked at no further.
            refused = {*refused, *misfits}
            texts = [b"" if index in refused else text for index, text in enumerate(column.texts)]
            column = replace(column, texts=texts)
        for rule in self.rules:
            indexes = rule.faulty(column)
            if indexes:
                yield rule.name, rule.expected, indexes, lambda index, rule=rule: rule.hint(column.texts[index])  # type: ignore[misc]
        if self.options.required == "true":
            indexes = [index for index in empty_cells(column.texts) if index not in refused]
            if indexes:
                yield "required", None, indexes, no_hint
        if unique is not None and len(rows):
            twice = unique.add(self._forms(column.texts), rows, section=section, position=self.position, sheet=sheet)
            if twice:
                yield "unique", None, sorted(twice), lambda index: also_in(twice[index], sheet)

    def _forms(self, texts: Sequence[bytes]) -> Sequence[bytes]:
        """Return the fields in a form in which equal values of the column's type are equal."""
        wanted = self.options.server_type
        form = form_of(wanted) if wanted is not None else None
        if form is None:
            return texts
        return [form(unescape(text)).encode("utf-8", "surrogatepass") if text else text for text in texts]

    def _misfits(self, column: NormalizedColumn) -> list[int]:
        """Return the indexes of the cells that a type of the server does not hold."""
        wanted = self.options.server_type
        holds = judge_of(wanted) if wanted is not None else None
        if holds is None:
            return []
        unfit = {text for text in set(column.texts) if text and not holds(unescape(text))}
        return [index for index, text in enumerate(column.texts) if text in unfit] if unfit else []


def no_hint(_index: int) -> None:
    """Return no hint."""
    return


def also_in(others: OtherCells, sheet: str) -> str:
    """Return the hint that names the first other cells of a value."""
    named = [
        cell_address(row, position) if label == sheet else f"{label} › {cell_address(row, position)}"
        for _, row, position, label in islice(others, _NAMED)
    ]
    more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
    return f"also in {', '.join(named)}{more}"
