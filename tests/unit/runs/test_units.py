"""Units of work: what is one, and who comes first."""

from __future__ import annotations

from pgdatahub.config import FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.runs.workers.units import make_units, spread_tables


def _source(identity: str, size: int) -> SourceFile:
    table = TableName(schema="public", name=identity.split("/")[0])
    return SourceFile(location=f"/data/{identity}", identity=identity, table=table, options=FolderOptions(), size=size)


FILES = (_source("a/1.xlsx", 5), _source("a/2.xlsx", 900), _source("b/1.xlsx", 30))


def test_a_file_is_a_unit_and_with_sections_a_folder_is() -> None:
    assert [unit.sources for unit in make_units(FILES, by_folder=False)] == [(file,) for file in FILES]
    assert [unit.sources for unit in make_units(FILES, by_folder=True)] == [FILES[:2], FILES[2:]]


def test_tables_advance_alike_each_with_its_largest_unit_first() -> None:
    sizes = {"a/1": 5, "a/2": 900, "a/3": 80, "b/1": 30, "b/2": 30, "c/1": 30, "d/1": 0, "d/2": 0}
    units = make_units([_source(f"{name}.xlsx", size) for name, size in sizes.items()], by_folder=False)
    spread = [unit.sources[0].identity.removesuffix(".xlsx") for unit in spread_tables(units)]
    assert spread == ["a/2", "b/1", "c/1", "d/1", "d/2", "b/2", "a/3", "a/1"]


def test_neighbours_have_different_tables_where_tables_are_alike() -> None:
    units = make_units(
        [_source(f"{table}/{number}.xlsx", 100) for table in "abc" for number in range(4)], by_folder=False
    )
    tables = [unit.sources[0].table.name for unit in spread_tables(units)]
    assert tables == ["a", "b", "c"] * 4
