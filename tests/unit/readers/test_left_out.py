"""Sheets that a folder's settings leave out: found by reading their beginning, and reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgdatahub.config import FolderOptions
from pgdatahub.errors import CorruptError
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Batch, SheetInfo
from pgdatahub.readers.choice.left_out import MAX_SHEETS, describe_left_out, sheets_left_out


@dataclass(kw_only=True)
class Rows:
    """A sheet of a reader that offers no shorter way to its first value."""

    name: str
    cells: Sequence[Any]
    taken: list[int]
    hidden_columns: frozenset[int] = frozenset()
    notices: tuple[str, ...] = ()

    def batches(self, max_rows: int) -> Iterator[Batch]:
        for start in range(0, len(self.cells), max_rows):
            cells = self.cells[start : start + max_rows]
            if "damage" in cells:
                raise CorruptError("damaged")
            self.taken.append(len(cells))
            yield Batch(rows=range(start + 1, start + 1 + len(cells)), columns={0: cells})


@dataclass(kw_only=True)
class Book:
    cells: Sequence[Sequence[Any]]
    taken: list[int] = field(default_factory=list)

    @property
    def sheets(self) -> Sequence[SheetInfo]:
        return [SheetInfo(name=f"S{number}") for number in range(len(self.cells))]

    def open(self, position: int) -> Rows:
        return Rows(name=f"S{position}", cells=self.cells[position], taken=self.taken)

    def close(self) -> None:
        pass


def test_any_reader_is_asked_for_the_first_value_only() -> None:
    book = Book(cells=[[1], [None, " ", ""], [None, 0] * 100_000, [], ["damage"], [None] * 1_000_000])
    assert sheets_left_out(book, (0,)) == ("S2", "S4")
    assert sum(book.taken) < 2000


def test_sheets_beyond_the_limit_count_as_having_data() -> None:
    book = Book(cells=[[1]] + [[]] * (MAX_SHEETS + 2))
    assert sheets_left_out(book, (0,)) == (f"S{MAX_SHEETS + 1}", f"S{MAX_SHEETS + 2}")


def test_the_sentence_names_the_first_sheets_and_the_folder() -> None:
    source = SourceFile(
        location="/d/a/b/c.xlsx",
        identity="a/b/c.xlsx",
        table=TableName(schema="public", name="a_b"),
        options=FolderOptions(),
        size=1,
    )
    assert describe_left_out(["Feb"], source).startswith("1 visible sheet with data not loaded: Feb; to load it, set")
    sentence = describe_left_out([f"W{week}" for week in range(1, 53)], source)
    assert "52 visible sheets with data not loaded: W1, W2, " in sentence
    assert "W10 and 42 more; to load them, set sheet: " in sentence
    assert "for the folder a/b in etl_config.yaml" in sentence
