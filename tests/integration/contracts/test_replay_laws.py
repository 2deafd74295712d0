"""Laws of replays, for random rules and files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.contracts.cell_checker import Rules, faults_of
from tests.integration.contracts.test_laws import EXAMPLES, Sheets, files, law, rules, yaml
from tests.integration.contracts.test_replay import content, is_clean, replay

if TYPE_CHECKING:
    from tests.integration.contracts.conftest import Bench


@st.composite
def relaxed(draw: st.DrawFn) -> tuple[list[Rules], list[Rules], list[Rules]]:
    """Draw rules, the same without some of them, and without more of them; types stay."""
    first = draw(rules())
    second = [_without(draw, one) for one in first]
    return first, second, [_without(draw, one) for one in second]


def _without(draw: st.DrawFn, one: Rules) -> Rules:
    fewer: dict[str, Any] = {
        "required": False,
        "unique": False,
        "values": (),
        "pattern": None,
        "min": None,
        "max": None,
    }
    return replace(one, **{name: value for name, value in fewer.items() if draw(st.booleans())})


def everything(bench: Bench, table: str) -> tuple[object, ...]:
    """Return what a table and its quarantine hold, without ids and the order of rows."""
    (observed,) = zip(
        *bench.execute("SELECT observed FROM etl_imports WHERE table_name = %s AND status = 'loaded'", table),
        strict=True,
    )
    types = sorted((name, column["type"]) for one in observed for name, column in one.items())
    return content(bench, table), bench.aside(table), bench.counts(table), types


def loaded(bench: Bench, found: list[Rules], sheets: Sheets) -> str:
    table = bench.new_table()
    bench.process(yaml(found, "quarantine"), sheets, table=table)
    return table


@settings(law, max_examples=EXAMPLES // 2)
@given(relaxed(), files())
def test_a_replay_equals_a_reload(bench: Bench, steps: tuple[list[Rules], ...], sheets: Sheets) -> None:
    before, after, _ = steps  # law 12
    table = loaded(bench, before, sheets)
    kept, gone = (len({(one.sheet, one.row) for one in faults_of(sheets, found)}) for found in (after, before))
    result = replay(bench, yaml(after, "quarantine"), table)
    assert (result.rows, result.left) == (gone - kept, kept)
    assert everything(bench, table) == everything(bench, loaded(bench, after, sheets))
    assert is_clean(bench, table)


@settings(law, max_examples=EXAMPLES // 2)
@given(relaxed(), files())
def test_replays_in_steps_equal_one(bench: Bench, steps: tuple[list[Rules], ...], sheets: Sheets) -> None:
    tables = [loaded(bench, steps[0], sheets) for _ in range(2)]  # law 13
    replay(bench, yaml(steps[1], "quarantine"), tables[0], run="first")
    for table in tables:
        replay(bench, yaml(steps[2], "quarantine"), table, run="last")
    assert everything(bench, tables[0]) == everything(bench, tables[1])


@settings(law, max_examples=EXAMPLES // 3)
@given(relaxed(), files(), files())
def test_a_revert_after_replays_is_exact(
    bench: Bench, steps: tuple[list[Rules], ...], one: Sheets, other: Sheets
) -> None:
    contract, after = yaml(steps[0], "quarantine"), yaml(steps[1], "quarantine")
    other = {name: [*content, [77, "7", "77"]] for name, content in other.items()}  # another file than the first
    contents = {"one": one, "other": other}
    for going, kept in (("one", "other"), ("other", "one")):
        table, alone = bench.new_table(), bench.new_table()
        for file, sheets in contents.items():
            bench.process(contract, sheets, table=table, file=file)
        bench.process(contract, contents[kept], table=alone, file=kept)
        for file in contents:
            replay(bench, after, table, file=f"/{file}.", run=file)
        replay(bench, after, alone)
        (past,) = bench.execute(
            "SELECT id FROM etl_imports WHERE table_name = %s AND identity LIKE %s", table, f"%/{going}.%"
        )
        revert(bench.config, UndoRequest(import_id=past[0], schema=True))
        assert everything(bench, table) == everything(bench, alone)
        assert is_clean(bench, table)
