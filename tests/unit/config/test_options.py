from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields, replace
from typing import Literal

import pytest

from pgdatahub.config import ColumnOptions, FolderOptions, options
from pgdatahub.values.identifiers import ColumnNames
from pgdatahub.values.sql_types import SqlType


def test_the_defaults_fail_only_for_unknown_values() -> None:
    folder = FolderOptions()
    assert (folder.sheet, folder.header_row, folder.skip_rows, folder.stop_at) == (None, "first", 0, None)
    assert (folder.errors, folder.uncached, folder.merged, folder.hidden) == ("blank", "fail", "top_left", "load")
    assert (folder.on_changed, folder.new_columns, folder.types) == ("append", "evolve", "evolve")


@pytest.mark.parametrize("kind", [FolderOptions, ColumnOptions])
def test_every_option_is_explained_in_one_line(kind: type[FolderOptions | ColumnOptions]) -> None:
    explained = options(kind)
    assert set(explained) == {field.name for field in fields(kind)} - {"columns", "sheets", "cell_columns"}
    for option in explained.values():
        assert option.help
        assert "\n" not in option.help
        assert option.expects
        assert all(option.parse(choice) == choice for choice in option.choices)


def test_every_type_that_can_be_asked_for_is_one_of_the_lattice() -> None:
    for name in options(ColumnOptions)["type"].choices:
        assert isinstance(ColumnOptions(type=name).sql_type, SqlType)
    assert ColumnOptions().sql_type is None


def test_options_are_frozen_and_can_be_pickled() -> None:
    folder = FolderOptions(sheet=("a",), columns={"x": ColumnOptions(type="date")})
    assert pickle.loads(pickle.dumps(folder)) == folder  # noqa: S301 - bytes of our own
    with pytest.raises(FrozenInstanceError):
        folder.skip_rows = 3  # type: ignore[misc]  # that is the point


def test_an_alias_means_the_column_it_is_an_alias_of() -> None:
    folder = FolderOptions(
        columns={
            "Net Amount": ColumnOptions(aliases=("Betrag", "Montant"), type="numeric"),
            "city": ColumnOptions(rename="town", aliases=("Stadt",)),
        }
    )
    names = ColumnNames([(0, "Betrag"), (1, "Stadt"), (2, "other")], rename=folder.renames)
    of = folder.column_options(names)
    assert [names.name(position) for position in range(3)] == ["net_amount", "town", "other"]
    assert (of(0).type, of(1).rename, of(2)) == ("numeric", "town", ColumnOptions())


def test_a_column_beside_its_alias_keeps_its_own_name() -> None:
    folder = FolderOptions(columns={"Amount": ColumnOptions(aliases=("Betrag",))})
    names = ColumnNames([(0, "Betrag"), (1, "Amount")], rename=folder.renames)
    assert [names.name(0), names.name(1)] == ["amount_2", "amount"]
    assert names.clashes == (("Betrag", "Amount"),)


def test_a_column_is_found_by_header_as_written_or_by_name() -> None:
    folder = FolderOptions(columns={"Amount": ColumnOptions(type="numeric"), "order_date": ColumnOptions(type="date")})
    names = ColumnNames([(0, "Amount"), (1, "Order Date")], rename=folder.renames)
    of = folder.column_options(names)
    assert [of(0).type, of(1).type, of(2).type] == ["numeric", "date", None]


def test_the_fingerprint_changes_only_with_options_shaping_rows() -> None:
    plain = FolderOptions()
    assert len(plain.fingerprint) == 64
    assert FolderOptions(errors="blank").fingerprint == plain.fingerprint
    for other in (
        replace(plain, errors="text"),
        replace(plain, sheet=("x",)),
        replace(plain, nulls=("-",)),
        replace(plain, columns={"a": ColumnOptions(skip=True)}),
    ):
        assert other.fingerprint != plain.fingerprint
    for same in (
        replace(plain, on_changed="replace"),
        replace(plain, new_columns="freeze"),
        replace(plain, table="t"),
        replace(plain, schema="s"),
    ):
        assert same.fingerprint == plain.fingerprint


@pytest.mark.parametrize("header_row", ["first", 1])
def test_fingerprint_of_the_default_header_row_is_pinned(header_row: Literal["first", 1]) -> None:
    # Imports of all versions have this fingerprint; another one would call them loaded with other settings.
    pinned = "cc67d3d7c37bdbdec5e333b809b39d4633d52a9851cd33273c5ed7fbb3423148"
    assert FolderOptions(header_row=header_row).fingerprint == pinned


def test_the_fingerprint_does_not_hang_on_the_order_of_columns() -> None:
    one, two = ColumnOptions(skip=True), ColumnOptions(type="date")
    assert (
        FolderOptions(columns={"a": one, "b": two}).fingerprint
        == FolderOptions(columns={"b": two, "a": one}).fingerprint
    )
