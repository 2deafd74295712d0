"""Units of work: what is one, and who comes first."""

from __future__ import annotations

from pgdatahub.config import FolderOptions
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.runs.units import largest_first, make_units


def _source(identity: str, size: int) -> SourceFile:
    table = TableName(schema="public", name=identity.split("/")[0])
    return SourceFile(location=f"/data/{identity}", identity=identity, table=table, options=FolderOptions(), size=size)


FILES = (_source("a/1.xlsx", 5), _source("a/2.xlsx", 900), _source("b/1.xlsx", 30))


def test_a_file_is_a_unit_and_with_sections_a_folder_is() -> None:
    assert [unit.sources for unit in make_units(FILES, by_folder=False)] == [(file,) for file in FILES]
    assert [unit.sources for unit in make_units(FILES, by_folder=True)] == [FILES[:2], FILES[2:]]


def test_largest_units_come_first_in_stable_order() -> None:
    units = make_units((*FILES, _source("c/1.xlsx", 30)), by_folder=False)
    assert [unit.sources[0].identity for unit in largest_first(units)] == [
        "a/2.xlsx",
        "b/1.xlsx",
        "c/1.xlsx",
        "a/1.xlsx",
    ]
