"""Tally of a file while its batches are read."""

from __future__ import annotations

from pgdatahub.load.staging.tally import Tally
from pgdatahub.model.batches import NormalizedBatch, NormalizedColumn
from pgdatahub.values.cells import Kind
from pgdatahub.values.evidence import NOTHING, Evidence, Observed
from pgdatahub.values.sql_types import SqlType


def batch(*names: str, rows: int = 0, **more: object) -> NormalizedBatch:
    columns = tuple(NormalizedColumn(name=name, header=name, texts=[b""] * rows, observed=NOTHING) for name in names)
    return NormalizedBatch(columns=columns, rows=rows, **more)  # type: ignore[arg-type]  # counts, examples, notices


def test_columns_keep_the_order_of_the_sheet_over_batches() -> None:
    tally = Tally()
    for columns in (("b", "d"), ("b", "c", "d", "e"), ("a", "b", "d"), ("a", "b", "c", "d", "d2", "e")):
        tally.add(batch(*columns))
    assert list(tally.columns) == ["a", "b", "c", "d", "d2", "e"]


def test_columns_of_a_second_sheet_come_behind_the_others() -> None:
    tally = Tally()
    tally.add(batch("a", "b"))
    tally.add(batch("b", "c"))
    tally.add(batch("x", "y"))
    assert list(tally.columns) == ["a", "b", "c", "x", "y"]


def test_what_batches_show_of_a_column_is_joined() -> None:
    tally = Tally()
    for kind in (Kind.INTEGER, Kind.NUMBER):
        observed = Observed(evidence={kind: Evidence(count=2, cell="S!A2", sample="1")}, largest=1, largest_cell="S!A2")
        column = NormalizedColumn(name="a", header="A", texts=[b"1", b"1"], observed=observed)
        tally.add(NormalizedBatch(columns=(column,), rows=2))
    assert tally.rows == 4
    assert tally.columns["a"].type is SqlType.DOUBLE
    assert tally.columns["a"].header == "A"


def test_counts_add_up_and_keep_their_first_example() -> None:
    tally = Tally()
    tally.count({"error cells": 2}, {"error cells": "S!A2"})
    tally.count({"error cells": 3, "blank rows": 1}, {"error cells": "S!A9"})
    assert tally.counts == {"error cells": 5, "blank rows": 1}
    assert tally.examples == {"error cells": "S!A2"}


def test_a_notice_of_every_batch_is_kept_once() -> None:
    tally = Tally()
    for _ in range(3):
        tally.add(batch("a", notices=("twice the same header",)))
    tally.note(["another"])
    assert tally.notices == ("twice the same header", "another")
