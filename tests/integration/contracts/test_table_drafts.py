"""``config --contract TABLE``: the options that it prints are read, and the table's files keep them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pgdatahub.config.column_options import COLUMN_TYPE, ColumnOptions
from pgdatahub.config.folder_file import read_folders
from pgdatahub.model.results import Outcome
from pgdatahub.runs.checks.draft import draft_of_table
from pgdatahub.values.sql_types import SqlType

if TYPE_CHECKING:
    from tests.integration.contracts.conftest import Bench

TYPES = {
    "double precision": "double",
    "DOUBLE  PRECISION": "double",
    "float8": "double",
    "float4": "real",
    "int8": "bigint",
    "int4": "integer",
    "int": "integer",
    "decimal": "numeric",
    "bool": "boolean",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "character varying(20)": None,
    "timestamp(3) without time zone": None,
    "timestamp with time zone": None,
    "interval day to second(3)": None,
    "smallint": None,
    "bit(3)": None,
    "integer[]": None,
    "numeric(12,2)": None,
    '"char"': None,
    'public."Order Status"': None,
}
"""The server's spelling → the type of the options; None for itself."""


def drafted(bench: Bench, table: str) -> str:
    """Return the options below the folder of a draft."""
    lines = draft_of_table(bench.config, table).splitlines()
    assert lines[0].startswith("# drafted from table")
    assert lines[1] == f"{table}:"
    return "\n".join(line.removeprefix("  ") for line in lines[2:])


def test_spellings_of_the_server_are_types(bench: Bench) -> None:
    bench.execute(
        """DO $$ BEGIN CREATE TYPE "Order Status" AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN END $$"""
    )
    table = bench.new_table()
    names = [f"c{number} {written}" for number, written in enumerate(TYPES)]
    contract = "columns:\n" + "".join(
        f"  {name!r}: {{type: {written!r}}}\n" for name, written in zip(names, TYPES, strict=True)
    )
    result = bench.process(contract, [names, [None] * len(TYPES)], table=table)
    assert result.outcome is Outcome.LOADED, result.failure
    columns = read_folders(bench.directory / "etl_config.yaml").options_for([table]).columns
    assert [columns[name].type for name in names] == [kind or written for written, kind in TYPES.items()]
    stored = [
        bench.execute("SELECT format_type(%s::regtype::oid, NULL)", written.partition("(")[0])[0][0]
        for written in TYPES
        if "(" not in written
    ]
    made = [kind for kind, written in zip(bench.types(table).values(), TYPES, strict=True) if "(" not in written]
    assert made == stored
    # The draft of this table is read, and gives each column its type again.
    again = bench.new_table()
    result = bench.process(drafted(bench, table), [names, [None] * len(TYPES)], table=again)
    assert result.outcome is Outcome.LOADED, result.failure
    assert bench.types(again) == bench.types(table)


@pytest.mark.parametrize("wrong", ["text; DROP TABLE x", 'a"b', '"%s"', '"{}"', "double precison", "int(", '"a"b"'])
def test_a_text_that_is_not_a_type_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser words the message
        COLUMN_TYPE[1](wrong)


def test_synonyms_are_one_type() -> None:
    assert ColumnOptions(type=COLUMN_TYPE[1]("Float8")) == ColumnOptions(type="double")
    assert ColumnOptions(type=COLUMN_TYPE[1]("int8")).sql_type is SqlType.BIGINT_WIDE


def test_a_table_keeps_the_contract_drafted_from_it(bench: Bench) -> None:
    rows: list[list[Any]] = [
        ["Order ID", "amount", "Amount", "Größe (cm)", "day", "at", "ok", None, "amount", "nothing"],
        [1, 1.5, 2**40, "x", date(2024, 1, 31), datetime.fromisoformat("2024-01-31 08:00"), True, "free", "t", None],
        [2, 0.1, 3, "y", date(2024, 2, 1), datetime.fromisoformat("2024-01-31"), False, None, "u", None],
    ]
    table = bench.new_table()
    assert bench.process("", rows, table=table).outcome is Outcome.LOADED
    contract = drafted(bench, table)
    assert "  Order ID: {type: integer}" in contract.splitlines()
    again = bench.new_table()
    result = bench.process(contract, rows, table=again)
    assert result.outcome is Outcome.LOADED, (result.failure, contract)
    assert bench.dump(again) == bench.dump(table)
    assert bench.process(contract, rows, table=table, file="g").outcome is not Outcome.FAILED
    result = bench.process(contract, [[*rows[0], "new"], [*rows[1], 1]], table=table, file="h")
    assert result.failure is not None
    assert [fault.rule for fault in result.failure.faults] == ["unknown-column"]


def test_a_contract_drafted_from_a_table_keeps_names(bench: Bench) -> None:
    rows: list[list[Any]] = [["Order ID", "Nr", "Menge"], [1, 2, 3]]
    contract = "columns: {Order ID: {rename: id}, number: {aliases: [Nr]}, Menge: {rename: quantity}}"
    table = bench.new_table()
    assert bench.process(contract, rows, table=table).outcome is Outcome.LOADED
    assert list(bench.types(table)) == ["id", "number", "quantity"]
    again = bench.new_table()
    assert bench.process(drafted(bench, table), rows, table=again).outcome is Outcome.LOADED
    assert bench.dump(again) == bench.dump(table)
