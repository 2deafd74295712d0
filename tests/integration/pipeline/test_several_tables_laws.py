"""Laws of workbooks with several tables: order, undo, growth, projection, replace, plan = run."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pgdatahub.model.results import Outcome
from pgdatahub.model.schema import METADATA_TABLES
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert

if TYPE_CHECKING:
    from tests.integration.pipeline.conftest import Rows, Warehouse

SHEETS = {
    "Sales": "{table: sales, optional: true}",
    '"Q*"': "{table: quarters, sheet_column: quarter}",
    "Ref": "{table: ref, optional: true}",
    '"*"': "{table: rest}",
}
SEEDS = range(2)
Tables: TypeAlias = "dict[str, tuple[tuple[tuple[str, str], ...], list[str]]]"
_schemas = count()


def _yaml(sheets: dict[str, str], *, policy: str = "append") -> str:
    lines = "".join(f"    {key}: {entry}\n" for key, entry in sheets.items())
    return f"m:\n  on_changed: {policy}\n  sheets:\n{lines}"


def _book(chance: random.Random) -> dict[str, Rows]:
    """Return some sheets; the rows of Ref are the same in every workbook, the others are of changing types."""
    values: list[object] = [1, 2.5, "x", True, 2**40, None]
    sheets: dict[str, Rows] = {}
    for name in chance.sample(["Sales", "Q 1", "Q2", "Ref", "Other"], k=chance.randint(1, 4)):
        if name == "Ref":
            sheets[name] = [["code", "what"], ["a", 1], ["b", 2]]
            continue
        headers = chance.sample(["n", "m", "Amount"], k=chance.randint(1, 3))
        rows = [[chance.choice(values) for _ in headers] for _ in range(chance.randint(1, 4))]
        sheets[name] = [headers, *rows, [chance.randint(0, 10**6) for _ in headers]]
    return sheets


def _books(warehouse: Warehouse, seed: int, number: int = 4) -> list[Path]:
    chance = random.Random(seed)  # noqa: S311 - test data
    return [warehouse.write_sheets(f"m/{index}.xlsx", _book(chance)) for index in range(number)]


def _new(warehouse: Warehouse) -> str:
    """Return the name of an empty schema, in which an example has its tables and its history."""
    name = f"example_{next(_schemas)}"
    warehouse.query(f"SELECT '{name}'")
    return name


def _run(warehouse: Warehouse, schema: str, *paths: Path) -> None:
    for path in paths:
        (result,) = warehouse.run(path, schema_name=schema).results
        assert result.failure is None, result.failure


def _tables(warehouse: Warehouse, schema: str) -> Tables:
    found: Tables = {}
    for (name,) in warehouse.query("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema):
        if name in METADATA_TABLES:
            continue
        columns = warehouse.columns(name, schema=schema)
        order = sorted(set(columns) - {"source_file", "load_timestamp"})
        rows = warehouse.rows(name, schema=schema)
        given = [one for one in columns if one not in ("source_file", "load_timestamp")]
        shown = sorted(repr([dict(zip(given, row, strict=True))[one] for one in order]) for row in rows)
        if shown:
            found[name] = (tuple((one, columns[one]) for one in order), shown)
    return found


def _loaded(warehouse: Warehouse, paths: Sequence[Path]) -> Tables:
    schema = _new(warehouse)
    _run(warehouse, schema, *paths)
    return _tables(warehouse, schema)


def _revert(warehouse: Warehouse, schema: str, path: Path, **request: Any) -> None:
    from pgdatahub.config import load_config

    config = load_config(
        overrides={"database_url": warehouse.url, "schema_name": schema}, directory=warehouse.directory
    )
    revert(config, UndoRequest(source_file=str(path), schema=True, **request))


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_order_over_all_tables(warehouse: Warehouse, seed: int) -> None:
    warehouse.configure(_yaml(SHEETS))
    paths = _books(warehouse, seed)
    expected = _loaded(warehouse, paths)
    assert expected
    shuffled = list(paths)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - test data
    assert _loaded(warehouse, shuffled) == expected
    schema = _new(warehouse)
    warehouse.run(schema_name=schema, workers=2)
    assert _tables(warehouse, schema) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_undo_of_a_file_over_all_tables(warehouse: Warehouse, seed: int) -> None:
    warehouse.configure(_yaml(SHEETS))
    paths = _books(warehouse, seed)
    schema = _new(warehouse)
    _run(warehouse, schema, *paths)
    _revert(warehouse, schema, paths[1])
    assert _tables(warehouse, schema) == _loaded(warehouse, [paths[0], *paths[2:]])


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_undo_of_a_part_leaves_the_others(warehouse: Warehouse, seed: int) -> None:
    warehouse.configure(_yaml(SHEETS))
    paths = _books(warehouse, seed)
    schema = _new(warehouse)
    _run(warehouse, schema, *paths)
    before = _tables(warehouse, schema)
    found = warehouse.query(
        f"SELECT table_name FROM {schema}.etl_imports WHERE source_file = %s ORDER BY id LIMIT 1", str(paths[0])
    )
    table = found[0][0]
    _revert(warehouse, schema, paths[0], table=table)
    after = _tables(warehouse, schema)
    without = _loaded(warehouse, paths[1:])
    assert after.get(table) == without.get(table)
    assert {name: rows for name, rows in after.items() if name != table} == {
        name: rows for name, rows in before.items() if name != table
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_growth_of_the_entries(warehouse: Warehouse, seed: int) -> None:
    paths = _books(warehouse, seed)
    small = {"Sales": SHEETS["Sales"], '"Q*"': SHEETS['"Q*"'], '"*"': "{skip: true}"}
    schema = _new(warehouse)
    warehouse.configure(_yaml(small))
    for path in paths:
        warehouse.run(path, schema_name=schema)
    warehouse.configure(_yaml(SHEETS))
    _run(warehouse, schema, *paths)
    assert _tables(warehouse, schema) == _loaded(warehouse, paths)


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_projection_on_one_table(warehouse: Warehouse, seed: int) -> None:
    paths = _books(warehouse, seed)
    warehouse.configure(_yaml(SHEETS))
    expected = _loaded(warehouse, paths)
    others = {key: entry if key == '"Q*"' else "{skip: true}" for key, entry in SHEETS.items()}
    warehouse.configure(_yaml(others))
    schema = _new(warehouse)
    for path in paths:
        warehouse.run(path, schema_name=schema)
    assert _tables(warehouse, schema).get("quarters") == expected.get("quarters")


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_replace_after_any_edits(warehouse: Warehouse, seed: int) -> None:
    warehouse.configure(_yaml(SHEETS, policy="replace"))
    chance = random.Random(seed + 100)  # noqa: S311 - test data
    paths = _books(warehouse, seed)
    schema = _new(warehouse)
    _run(warehouse, schema, *paths)
    for index in (0, 2, 0):
        warehouse.write_sheets(f"m/{index}.xlsx", _book(chance))
        _run(warehouse, schema, paths[index])
    rows = {name: rows for name, (_, rows) in _tables(warehouse, schema).items()}
    fresh = {name: rows for name, (_, rows) in _loaded(warehouse, paths).items()}
    assert {name: len(one) for name, one in rows.items()} == {name: len(one) for name, one in fresh.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_plan_and_run_with_a_bad_part(warehouse: Warehouse, seed: int) -> None:
    sheets = SHEETS | {'"*"': "{table: rest, columns: {n: {type: integer}}}"}
    warehouse.configure(_yaml(sheets))
    _books(warehouse, seed)
    planned = plan(warehouse.config, selection=Selection())
    results = warehouse.run().results
    actions = {Outcome.LOADED: "load", Outcome.SKIPPED: "skip", Outcome.FAILED: "fail"}
    assert planned.actions == {result.source.location: actions[result.outcome] for result in results}
    rows = {table.table: table.rows for table in planned.tables if table.rows}
    assert rows == {
        name: warehouse.query(f"SELECT count(*) FROM {name}")[0][0]
        for name in warehouse.tables().difference(METADATA_TABLES)
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_law_of_path_a_moved_file_changes_path_columns(warehouse: Warehouse, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - test data
    pattern = r"m/(?P<region>[^/]+)/(?P<month>\d{4}-\d{2})?"
    warehouse.configure(f"m:\n  table: t\n  path_columns: '{pattern}'\n")
    book: Rows = [["n"], *([chance.randint(0, 9)] for _ in range(3))]
    places = [f"m/{region}/{name}.xlsx" for region in ("nord", "süd") for name in ("2025-01", "2025-02", "x")]
    first, second = chance.sample(places, k=2)
    warehouse.write(first, book)
    warehouse.load()
    before = warehouse.query("SELECT n, region FROM t ORDER BY n")
    (warehouse.root / second).parent.mkdir(parents=True, exist_ok=True)
    (warehouse.root / second).write_bytes((warehouse.root / first).read_bytes())
    outcomes = {result.source.identity: result.outcome for result in warehouse.run().results}
    values = [found.groups() for path in (first, second) if (found := re.search(pattern, path))]
    assert outcomes[first] is Outcome.SKIPPED
    assert outcomes[second] is (Outcome.SKIPPED if values[0] == values[1] else Outcome.LOADED)
    moved = warehouse.query("SELECT n, region, month FROM t WHERE source_file LIKE %s ORDER BY n", f"%{second}")
    assert moved == [(n, *values[1]) for n, _ in before]


def test_two_runs_over_crossed_tables_never_deadlock(warehouse: Warehouse) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def yaml(first: str, second: str, folder: str) -> str:
        return f"{folder}:\n  sheets:\n    A: {{table: {first}}}\n    B: {{table: {second}}}\n"

    warehouse.configure(yaml("x", "y", "p") + yaml("y", "x", "q"))
    rounds = 12
    for number in range(rounds):
        paths = [
            warehouse.write_sheets(f"{folder}/{number}.xlsx", {"A": [["n"], [number]], "B": [["n"], [number + sign]]})
            for folder, sign in (("p", 1000), ("q", 2000))
        ]
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(lambda path: run(warehouse.config, selection=Selection(paths=(path,))), paths))
        assert [result.failure for report in reports for result in report.results] == [None, None]
    both = sorted([(number,) for number in range(rounds)] + [(number + 2000,) for number in range(rounds)])
    assert sorted(warehouse.rows("x")) == both
    assert warehouse.query("SELECT count(*) FROM y") == [(2 * rounds,)]
