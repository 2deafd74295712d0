from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Literal

import pytest

from pgdatahub.config import ColumnOptions, FolderOptions, options
from pgdatahub.config.folder_file import read_folders
from pgdatahub.errors import ConfigError
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
    assert set(explained) == {field.name for field in fields(kind)} - {
        "columns",
        "column_layers",
        "sheets",
        "cell_columns",
    }
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


def two_levels(outer: str, inner: str, tmp_path: Path) -> FolderOptions:
    path = tmp_path / "etl_config.yaml"
    path.write_text(f"a:\n  columns:\n    {outer}\n  b:\n    columns:\n      {inner}\n")
    return read_folders(path).options_for(["a", "b"])


@pytest.mark.parametrize(
    ("outer", "inner", "type_", "nulls", "name"),
    [
        ("Order ID: {type: bigint}", "order_id: {nulls: x}", "bigint", ("x",), "order_id"),
        ("order_id: {nulls: x}", "Order ID: {type: bigint}", "bigint", ("x",), "order_id"),
        ("order_id: {type: text, rename: a}", "Order ID: {type: bigint, rename: b}", "bigint", (), "b"),
        ("Order ID: {type: text, rename: a}", "order_id: {type: bigint, rename: b}", "bigint", (), "b"),
        ("order_id: {rename: a}", "Order ID: {type: text}", "text", (), "a"),
        ("OrderNr: {type: bigint, aliases: [Order ID]}", "order_id: {nulls: x}", "bigint", ("x",), "ordernr"),
        ("OrderNr: {type: bigint}", "ordernr: {nulls: x, aliases: [Order ID]}", "bigint", ("x",), "ordernr"),
    ],
)
def test_all_entries_that_mean_a_column_apply(
    outer: str, inner: str, type_: str, nulls: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    folder = two_levels(outer, inner, tmp_path)
    names = ColumnNames([(0, "Order ID")], rename=folder.renames, levels=folder.rename_levels)
    column = folder.column_options(names)(0)
    assert (column.type, column.nulls, names.name(0)) == (type_, nulls, name)


def test_a_name_wins_over_a_header_in_one_folder(tmp_path: Path) -> None:
    folder = two_levels("Amount: {type: text, trim: true}", "Other: {type: text}", tmp_path)
    assert folder.column_options(ColumnNames([(0, "Amount")]))(0).trim
    both = two_levels(
        "Other: {trim: true}", "amount_2: {type: text}\n      Amount: {type: numeric, nulls: x}", tmp_path
    )
    of = both.column_options(ColumnNames([(0, "Amount"), (1, "Amount")]))
    assert [of(0).type, of(1).type, of(1).nulls] == ["numeric", "text", ("x",)]


def test_entries_of_one_column_that_contradict_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"etl_config.yaml:6.*decimal and thousands are the same"):
        two_levels("Order ID: {type: numeric, decimal: ','}", "order_id: {thousands: ','}", tmp_path)


def test_an_entry_may_need_another_one_of_its_column(tmp_path: Path) -> None:
    folder = two_levels("Order ID: {type: numeric}", "order_id: {decimal: ','}", tmp_path)
    assert folder.column_options(ColumnNames([(0, "Order ID")]))(0).decimal == ","
