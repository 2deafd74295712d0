"""Effects of a column's settings on its cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pgdatahub.config import ColumnOptions, FolderOptions
from pgdatahub.errors import CellError
from pgdatahub.model.batches import NormalizedBatch, Table
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Batch
from pgdatahub.plugins.normalize import pgdatahub_normalize
from pgdatahub.values.cells import UNCACHED, Column, ErrorValue, Kind, TextColumn
from pgdatahub.values.sql_types import SqlType


def normalize(cells: Mapping[str, Column], /, **options: Any) -> NormalizedBatch:
    source = SourceFile(
        location="/data/t/a.xlsx",
        identity="t/a.xlsx",
        table=TableName(schema="public", name="t"),
        options=FolderOptions(**options),
        size=1,
    )
    length = max(map(len, cells.values()))
    batch = Batch(rows=range(2, 2 + length), columns=dict(enumerate(cells.values())))
    table = Table(sheet="S", headers=dict(enumerate(cells)), header_row=1)
    return pgdatahub_normalize(batch=batch, table=table, source=source)


def texts(batch: NormalizedBatch) -> dict[str, list[bytes]]:
    return {column.name: list(column.texts) for column in batch.columns}


def test_rename_aliases_and_skip_go_by_header_or_name() -> None:
    columns: dict[str, Column] = {"Betrag": [1], "Kunde": ["x"], "Intern": ["y"]}
    options = {
        "Amount": ColumnOptions(aliases=("Betrag",)),
        "kunde": ColumnOptions(rename="customer"),
        "Intern": ColumnOptions(skip=True),
    }
    assert texts(normalize(columns, columns=options)) == {"amount": [b"1"], "customer": [b"x"]}


def test_nulls_of_the_folder_and_of_the_column_are_empty() -> None:
    columns: dict[str, Column] = {"a": ["n/a", "-", "x"], "b": TextColumn(kind=Kind.TEXT, texts=[b"n/a", b"-", b"x"])}
    batch = normalize(columns, nulls=("n/a",), columns={"b": ColumnOptions(nulls=("-",))})
    assert texts(batch) == {"a": [b"", b"-", b"x"], "b": [b"", b"", b"x"]}


def test_a_null_of_digits_is_a_number_however_it_is_written() -> None:
    columns: dict[str, Column] = {
        "a": TextColumn(kind=Kind.NUMBER, texts=[b"-999.0", b"-9.99E2", b"9", b"-999"]),
        "b": [-999.0, -999, "-999", 9],
    }
    assert texts(normalize(columns, nulls=("-999",))) == {"a": [b"", b"", b"9", b""], "b": [b"", b"", b"", b"9"]}


def test_without_its_nulls_a_column_of_numbers_stays_one() -> None:
    (column,) = normalize({"a": [1, "n/a", 2]}, nulls=("n/a", "-")).columns
    assert column.observed.type is SqlType.INTEGER


def test_a_configured_type_is_kept_and_a_misfit_is_named() -> None:
    options = {"a": ColumnOptions(type="double", decimal=",")}
    (column,) = normalize({"a": ["1,5", 2]}, columns=options).columns
    assert (column.configured_type, list(column.texts)) == (SqlType.DOUBLE, [b"1.5", b"2"])
    with pytest.raises(CellError) as caught:
        normalize({"b": [1, 2], "a": ["1,5", "1.5"]}, columns=options)
    assert caught.value.where == "S › B3"
    assert '"1.5" is not a valid DOUBLE PRECISION' in caught.value.message


def test_a_number_beyond_a_double_is_named_by_its_cell() -> None:
    with pytest.raises(CellError) as caught:
        normalize({"a": [1, 2, 3], "b": TextColumn(kind=Kind.NUMBER, texts=[b"1", b"", b"1E400"])})
    assert caught.value.where == "S › B4"


def test_error_cells_follow_their_policy() -> None:
    columns: dict[str, Column] = {"a": [1, ErrorValue("#N/A"), ErrorValue("#REF!")]}
    blank = normalize(columns)
    assert texts(blank) == {"a": [b"1", b"", b""]}
    assert (blank.counts, blank.examples) == ({"error cells": 2}, {"error cells": "S!A3"})
    assert texts(normalize(columns, errors="text")) == {"a": [b"1", b"#N/A", b"#REF!"]}
    with pytest.raises(CellError, match="#N/A") as caught:
        normalize(columns, errors="fail")
    assert caught.value.where == "S › A3"


def test_uncached_formulas_follow_their_policy() -> None:
    with pytest.raises(CellError, match="no computed value") as caught:
        normalize({"a": [1, UNCACHED]})
    assert caught.value.where == "S › A3"
    assert texts(normalize({"a": [1, UNCACHED]}, uncached="blank")) == {"a": [b"1", b""]}


def test_removed_characters_are_counted_in_an_emptied_text() -> None:
    batch = normalize({"a": ["a\0b", "\0", 5]})
    assert texts(batch) == {"a": [b"ab", b"", b"5"]}
    assert batch.counts == {"texts with characters that PostgreSQL cannot store": 2}
