"""Law of contracts: the same cells in another format have the same faults, rows and types."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgdatahub.config import load_config
from pgdatahub.load.staging.checking import read_and_judge
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.runs.checks.check import find_sources
from pgdatahub.testing.workbooks import make_workbook
from tests.unit.readers.ods.conftest import make_ods
from tests.unit.readers.xls import conftest as xls
from tests.unit.readers.xlsb import building as xlsb

if TYPE_CHECKING:
    import pytest

EXAMPLES = 400 if os.environ.get("PGDATAHUB_HEAVY") == "1" else 6
Cell: TypeAlias = "bool | int | float | str | None"

_COLUMNS: dict[str, tuple[list[Cell], list[str]]] = {
    "numeric": ([1, -2, 2.5, 0.1, 2**31, 1e20], ["min: 0", "max: 2.49", "unique: true"]),
    "integer": ([0, 1, 2, 7, -7, 2**31 - 1], ["min: 0, max: 5", "required: true", "values: [1, 2]"]),
    "double": ([1, 2.5, 1e-7], ["max: 2", "min: -1"]),
    "boolean": ([True, False], ["values: ['true']", "required: true"]),
    "text": (["a", "A", "open", "x y", "ö€"], ["pattern: '[a-z]+'", "values: [open, a]", "unique: true"]),
}
_OTHERS: list[Cell] = [None, "x", "7", "2.5", True, 1.5]


@st.composite
def contracts(draw: st.DrawFn) -> tuple[list[str], list[list[Cell]]]:
    """Draw the options of three columns, and rows: often of the type alone, at times with anything."""
    kinds = [draw(st.sampled_from(sorted(_COLUMNS))) for _ in range(3)]
    options = [f"{{type: {kind}, {draw(st.sampled_from(_COLUMNS[kind][1]))}}}" for kind in kinds]
    cells = [
        st.sampled_from([*_COLUMNS[kind][0], *(draw(st.permutations(_OTHERS))[:2] if draw(st.booleans()) else [])])
        for kind in kinds
    ]
    return options, draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=8))


def write_ods(path: Path, rows: list[list[Cell]]) -> None:
    def cell(value: Cell) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, bool):
            return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    path.write_bytes(make_ods(sheets={"Sheet1": body}).getvalue())


def write_xlsb(path: Path, rows: list[list[Cell]]) -> None:
    def cell(column: int, value: Cell) -> bytes:
        if isinstance(value, bool):
            return xlsb.cell(4, column, bytes([value]))
        return xlsb.text(column, value) if isinstance(value, str) else xlsb.real(column, float(value or 0))

    parts = [
        xlsb.row(number) + b"".join(cell(column, value) for column, value in enumerate(row) if value is not None)
        for number, row in enumerate(rows, 1)
    ]
    path.write_bytes(xlsb.workbook([xlsb.sheet(*parts)]).getvalue())


def write_xls(path: Path, rows: list[list[Cell]]) -> None:
    def cell(row: int, column: int, value: Cell) -> bytes:
        if isinstance(value, bool):
            return xls.record(0x205, struct.pack("<HHHBB", row, column, 0, value, 0))
        return xls.label(row, column, value) if isinstance(value, str) else xls.number(row, column, float(value or 0))

    parts = [
        cell(number, column, value)
        for number, row in enumerate(rows)
        for column, value in enumerate(row)
        if value is not None
    ]
    path.write_bytes(xls.compound(xls.book(b"".join(parts))))


def write_xlsx(path: Path, rows: list[list[Cell]]) -> None:
    make_workbook(path, {"Sheet1": rows})


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    report_multiple_bugs=False,
)
@given(contracts(), st.sampled_from(["fail", "quarantine", "blank"]))
def test_a_verdict_is_that_of_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: tuple[list[str], list[list[Cell]]], on_bad: str
) -> None:
    options, rows = drawn
    entries = "".join(f"    {name}: {option}\n" for name, option in zip("abc", options, strict=True))
    (tmp_path / "data" / "sales").mkdir(parents=True, exist_ok=True)
    found: list[Any] = []
    for ending, write, reader in (
        ("xlsx", write_xlsx, "native"),
        ("ods", write_ods, "native"),
        ("ods", write_ods, "python"),
        ("xlsb", write_xlsb, "native"),
        ("xlsb", write_xlsb, "python"),
        ("xls", write_xls, "native"),
        ("xlsx", write_xlsx, "calamine"),
    ):
        path = tmp_path / "data" / "sales" / f"book.{ending}"
        write(path, [["a", "b", "c"], *rows])
        lane = "reader: calamine\n  " if reader == "calamine" else ""
        monkeypatch.setenv("PGDATAHUB_READER", reader if not lane else "native")
        (tmp_path / "etl.yaml").write_text(f"sales:\n  {lane}on_bad: {on_bad}\n  max_bad: 100%\n  columns:\n{entries}")
        config = load_config(config_file=tmp_path / "etl.yaml").model_copy(update={"data_root": str(tmp_path / "data")})
        (source,) = find_sources(config, [path], None)
        file, error = read_and_judge(source, Stages(create_plugin_manager()), config)
        found.append(
            (
                str(error).replace(path.name, "book"),
                [part.contract.report.grouped for part in file.parts.values() if part.contract],
                [(part.tally.rows, dict(part.tally.columns)) for part in file.parts.values()] if not error else [],
            )
        )
    for other in found[1:]:
        assert other == found[0]
