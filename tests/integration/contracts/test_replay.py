"""Rows that were set aside, loaded later as part of their import under other settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pgdatahub.config.folder_file import read_folders
from pgdatahub.errors import FileError, ReplayError
from pgdatahub.load.replays.replay import ImportReplay, Replayer
from pgdatahub.model.imports import Status
from pgdatahub.model.results import Outcome
from pgdatahub.postgres.server.engine import transaction
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from pgdatahub.values.cells import UNCACHED, ErrorValue

if TYPE_CHECKING:
    from tests.integration.contracts.conftest import Bench

Q = "on_bad: quarantine\nmax_bad: 100%\n"
INTEGER = "columns: {a: {type: integer}}"


def column(*values: Any, header: str = "a") -> list[list[Any]]:
    return [[header], *([value] for value in values)]


def replay(
    bench: Bench,
    contract: str,
    table: str,
    *,
    file: str = "",
    folder: str = "",
    force: bool = False,
    run: str = "replay",
) -> ImportReplay:
    """Replay the oldest loaded import of a table, or of a file, that has rows set aside, else the oldest one."""
    settings = bench.directory / "etl_config.yaml"
    indented = "\n".join(f"  {line}" for line in contract.splitlines())
    settings.write_text(f"{folder or table}:\n{indented}\n" if contract.strip() else "")
    loading = bench.pipeline.loading
    config = loading.config.model_copy(update={"folders": read_folders(settings)})
    database = bench.pipeline.database
    assert database is not None
    replayer = Replayer(loading=replace(loading, config=config, run_id=run), force=force)
    with transaction(database.engine) as connection:
        imports = [
            past
            for past in loading.history.select_imports(connection)
            if past.table.name == table and file in past.identity
        ]
        past = next((one for one in imports if one.quarantined and one.status == Status.LOADED), imports[0])
        return replayer.replay(past, connection)


def content(bench: Bench, table: str) -> tuple[dict[str, str], list[tuple[str | None, ...]]]:
    """Return the columns and the rows of a table, neither in their order."""
    types, rows = bench.dump(table)
    return types, sorted(rows, key=repr)


def is_clean(bench: Bench, table: str) -> bool:
    result = verify(bench.config, tables=[table])
    return not any(one.differences for one in result.tables)


def revert_first(bench: Bench, table: str, *, schema: bool = True) -> None:
    ids = bench.execute("SELECT min(id) FROM etl_imports WHERE table_name = %s AND status = 'loaded'", table)
    revert(bench.config, UndoRequest(import_id=ids[0][0], schema=schema))


def test_rows_that_pass_come_into_their_import(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "columns: {a: {type: integer, max: 5}}", column(1, 7, "x", 9), table=table)
    before = bench.execute("SELECT content_sha256, settings FROM etl_imports WHERE table_name = %s", table)
    result = replay(bench, Q + "columns: {a: {type: integer, max: 8}}", table)
    assert (result.rows, result.left) == (1, 2)
    assert bench.dump(table) == ({"a": "integer"}, [("1",), ("7",)])
    assert bench.counts(table) == [(2, 2)]
    assert [(row[1], row[5]) for row in bench.aside(table)] == [(4, {"type A4"}), (5, {"max A5"})]
    assert bench.execute("SELECT count(DISTINCT (source_file, load_timestamp)) FROM " + table) == [(1,)]
    assert bench.execute("SELECT content_sha256, settings FROM etl_imports WHERE table_name = %s", table) == before
    ((entries,),) = bench.execute("SELECT replays FROM etl_imports WHERE table_name = %s", table)
    assert [(one["run_id"], one["rows"]) for one in entries] == [("replay", 1)]
    assert entries[0]["settings"] != before[0][1]
    assert is_clean(bench, table)


def test_a_revert_takes_replayed_rows_along(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + INTEGER, column(1), table=table, file="first")
    first = bench.dump(table)
    bench.process(Q + "columns: {a: {values: [2, 3]}}", column(2, "x", 3), table=table, file="second")
    ids = bench.execute("SELECT max(id) FROM etl_imports WHERE table_name = %s", table)
    assert replay(bench, Q, table).rows == 1
    assert content(bench, table) == ({"a": "text"}, [("1",), ("2",), ("3",), ("x",)])
    assert is_clean(bench, table)
    revert(bench.config, UndoRequest(import_id=ids[0][0], schema=True))
    assert bench.dump(table) == first
    assert bench.aside(table) == []


def test_a_change_by_hand_is_found_after_a_replay(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "columns: {a: {max: 5, type: integer}}", column(1, 2, 3, 7, 8), table=table)
    replay(bench, Q + INTEGER, table)
    assert is_clean(bench, table)
    bench.execute(f"UPDATE {table} SET a = 4 WHERE a = 3 RETURNING a")
    with pytest.raises(Exception, match="1 was written later than the others"):
        revert_first(bench, table)
    assert not is_clean(bench, table)


def test_unique_looks_at_the_table_and_the_quarantine(bench: Bench) -> None:
    table = bench.new_table()
    contract = Q + "columns: {a: {type: text, unique: true}, b: {type: integer}}"
    rows: list[list[Any]] = [["a", "b"], ["1", 1], ["2", 2], ["2", 3], ["1", "x"], ["4", "x"], ["5", 5]]
    bench.process(contract, rows, table=table)
    assert bench.counts(table) == [(1, 5)]  # 5
    # Row 5 repeats the value of row 2, which is set aside too; rows 3 and 4 each other.
    result = replay(bench, contract.replace("type: integer", "nulls: [x], type: integer"), table)
    assert (result.rows, result.left) == (1, 4)
    assert content(bench, table)[1] == [("4", None), ("5", "5")]
    result = replay(bench, Q + "columns: {a: {type: text}, b: {nulls: [x], type: integer}}", table, run="second")
    assert (result.rows, result.left) == (4, 0)
    # Now all is in the table, and another value of the quarantine would meet it.
    assert is_clean(bench, table)


def test_a_value_of_a_loaded_row_keeps_a_row_aside(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(
        Q + "columns: {a: {type: integer}, b: {max: 3, type: integer}}", [["a", "b"], [1, 1], [1, 9]], table=table
    )
    result = replay(bench, Q + "columns: {a: {type: integer, unique: true}, b: {type: integer}}", table)
    assert (result.rows, result.left) == (0, 1)
    assert [row[5] for row in bench.aside(table)] == [{"unique A3"}]


@pytest.mark.parametrize(
    "contract",
    [
        "columns: {a: {type: bigint}}",
        "columns: {a: {type: integer, rename: b}}",
        "columns: {a: {type: integer, skip: true}}",
        "columns: {a: {type: integer}}\nheader_row: 1\nskip_rows: 1",
        "columns: {a: {type: integer}}\nsheet: Sheet1",
        "columns: {a: {type: integer}}\nrow_column: nr",
    ],
)
def test_settings_of_another_reading_are_refused(bench: Bench, contract: str) -> None:
    table = bench.new_table()
    bench.process(Q + INTEGER, column(1, "x"), table=table)
    with pytest.raises(ReplayError) as refused:
        replay(bench, Q + contract, table)
    assert "run --reload FILE" in (refused.value.hint or "")
    assert bench.counts(table) == [(1, 1)]


@pytest.mark.parametrize(
    ("value", "loaded_as", "before", "after"),
    [
        ("1.234", "1234", "type: integer", "type: integer, thousands: ., decimal: ','"),
        ("n/a", None, "type: integer", "type: integer, nulls: [n/a]"),
        (UNCACHED, None, "type: integer", "type: integer}}\nuncached: blank\nx: {y: {"),
        ("31.12.2024", "2024-12-31", "type: date", "type: date, format: '%d.%m.%Y'"),
    ],
)
def test_the_meaning_of_cells_may_change(
    bench: Bench, value: Any, loaded_as: str | None, before: str, after: str
) -> None:
    table = bench.new_table()
    rows: list[list[Any]] = [["a", "b"], [None, 1], [value, 2]]
    bench.process(f"{Q}columns: {{a: {{{before}}}}}", rows, table=table)
    assert bench.counts(table) == [(1, 1)]
    contract = f"{Q}columns: {{a: {{{after}}}}}".replace("\nx: {y: {}}", "")
    assert replay(bench, contract, table).rows == 1
    assert sorted(bench.dump(table)[1], key=repr) == sorted([(loaded_as, "2"), (None, "1")], key=repr)


def test_errors_may_become_text(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "errors: fail", [["a"], ["x"], [ErrorValue("#N/A")]], table=table)
    assert bench.counts(table) == [(1, 1)]
    assert replay(bench, Q + "errors: text", table).rows == 1
    assert content(bench, table) == ({"a": "text"}, [("#N/A",), ("x",)])


def test_emptied_cells_are_refused(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(f"on_bad: blank\n{INTEGER}", column(1, 2, "x"), table=table)
    with pytest.raises(ReplayError, match="empty cells"):
        replay(bench, Q, table)


def test_rows_of_a_reverted_import_are_refused(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + INTEGER, column(1, "x"), table=table)
    revert_first(bench, table, schema=False)
    with pytest.raises(ReplayError, match="the import is reverted"):
        replay(bench, Q, table)


def test_an_import_with_a_newer_one_needs_force(bench: Bench) -> None:
    table = bench.new_table()
    contract = f"{Q}on_changed: append\ncolumns: {{a: {{type: integer, max: 5}}}}"
    bench.process(contract, column(1, 7), table=table)
    bench.process(contract, column(1, 2), table=table)
    relaxed = f"{Q}on_changed: append\n{INTEGER}"
    with pytest.raises(ReplayError, match="loaded again since"):
        replay(bench, relaxed, table)
    assert replay(bench, relaxed, table, force=True).rows == 1
    assert bench.counts(table) == [(2, 0), (2, 0)]


def test_a_column_that_is_missing_refuses_all_rows(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + INTEGER, column(1, "x"), table=table)
    with pytest.raises(FileError):
        replay(bench, Q + f"{INTEGER[:-1]}, z: {{required: column}}}}", table)
    assert bench.counts(table) == [(1, 1)]


def test_replayed_rows_widen_and_an_undo_narrows(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "columns: {b: {values: ['1']}}", [["a", "b"], [1, 1], [2, 2.5]], table=table, file="f")
    bench.process(Q, [["a", "b"], [3, 4]], table=table, file="g")
    assert bench.types(table) == {"a": "integer", "b": "integer"}
    assert replay(bench, Q, table).rows == 1
    assert bench.types(table) == {"a": "integer", "b": "double precision"}
    changes = bench.execute(
        "SELECT change_type, column_name, cell FROM etl_schema_changes WHERE table_name = %s AND old_type IS NOT NULL",
        table,
    )
    assert changes == [("alter_type", "b", "Sheet1!B3")]
    assert is_clean(bench, table)
    revert_first(bench, table)
    assert bench.dump(table) == ({"a": "integer", "b": "integer"}, [("3", "4")])


def test_a_fixed_file_replaces_replayed_rows(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "columns: {a: {type: integer, max: 5}}", column(1, 7), table=table)
    assert replay(bench, Q + INTEGER, table).rows == 1
    result = bench.process(Q + INTEGER, column(4), table=table)
    assert result.outcome is Outcome.LOADED, result.failure
    assert bench.dump(table)[1] == [("4",)]
    assert bench.aside(table) == []
    assert is_clean(bench, table)


def test_a_second_replay_finds_nothing(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "columns: {a: {type: integer, max: 5}}", column(1, 7), table=table)
    assert replay(bench, Q + INTEGER, table).rows == 1
    again = replay(bench, Q + INTEGER, table, run="another")
    assert (again.rows, again.left) == (0, 0)


def test_an_unconfirmed_commit_is_not_repeated(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(Q + "columns: {a: {type: integer, max: 5}}", column(1, 7, 8, "x"), table=table)
    assert replay(bench, Q + INTEGER, table).rows == 2
    assert replay(bench, Q + "columns: {a: {type: integer, nulls: [x]}}", table).rows == 2
    assert bench.counts(table) == [(3, 1)]


def test_sheets_and_ranges_keep_their_places(bench: Bench) -> None:
    table = bench.new_table()
    sheets: dict[str, list[list[Any]]] = {
        "S": [[None, "t"], [None, "A", "A", None], [None, 1, "x", "free"], [None, 2, 3, None]],
        "T": [[None, "u"], [None, "A", "A"], [None, 9, 1]],
    }
    contract = (
        f"{Q}sheet: '*'\nrange: 'B2:D9'\nsheet_column: sheet\nrow_column: nr\ncell_columns: {{title: B1}}\n"
        "columns: {a_2: {type: integer}, column_3: {values: [other]}}"
    )
    loaded = bench.process(contract, sheets, table=table)
    assert loaded.outcome is Outcome.LOADED, loaded.failure
    assert bench.counts(table) == [(2, 1)]
    relaxed = contract.replace("type: integer", "type: integer, nulls: [x]").replace("[other]", "[free]")
    assert replay(bench, relaxed, table).rows == 1
    other = bench.new_table()
    bench.process(relaxed, sheets, table=other)
    assert content(bench, table) == content(bench, other)


K = Q + "key: [k]\n"
KEYED = "columns: {k: {type: integer}, v: {type: integer, max: %s}}"


def test_a_key_decides_as_for_a_load(bench: Bench) -> None:
    table = bench.new_table()
    old: list[list[Any]] = [["k", "v"], [1, 10], [2, 900], [3, 30]]
    new: list[list[Any]] = [["k", "v"], [1, 900], [2, 21], [4, 40]]
    bench.process(K + KEYED % 99, old, table=table, file="1")
    bench.process(K + KEYED % 99, new, table=table, file="2")
    assert content(bench, table)[1] == [("1", "10"), ("2", "21"), ("3", "30"), ("4", "40")]
    assert replay(bench, K + KEYED % 999, table).rows == 1  # of the older file, whose row loses
    assert content(bench, table)[1] == [("1", "10"), ("2", "21"), ("3", "30"), ("4", "40")]
    assert replay(bench, K + KEYED % 999, table, run="2").rows == 1
    assert content(bench, table)[1] == [("1", "900"), ("2", "21"), ("3", "30"), ("4", "40")]
    assert is_clean(bench, table)
    last = bench.execute("SELECT max(id) FROM etl_imports WHERE table_name = %s", table)[0][0]
    revert(bench.config, UndoRequest(import_id=last))
    assert content(bench, table)[1] == [("1", "10"), ("2", "900"), ("3", "30")]
    assert is_clean(bench, table)


def test_rows_that_tie_for_their_key_stay(bench: Bench) -> None:
    table = bench.new_table()
    rows: list[list[Any]] = [["k", "v"], [1, 10], [1, 900], [2, 901], [2, 902], [3, 903]]
    bench.process(K + KEYED % 99, rows, table=table)
    result = replay(bench, K + KEYED % 999, table)
    assert (result.rows, result.left) == (1, 4)
    assert content(bench, table)[1] == [("3", "903")]
    assert [row[5] for row in bench.aside(table)] == [{"key A2"}, {"key A3"}, {"key A4"}, {"key A5"}]
    assert is_clean(bench, table)


def test_a_row_that_meets_its_own_import_stays(bench: Bench) -> None:
    table = bench.new_table()
    rows: list[list[Any]] = [["k", "v"], [1, 10], [1, 900], [3, 903]]
    bench.process(f"{K}duplicates: last\n{KEYED % 99}", rows, table=table)
    result = replay(bench, f"{K}duplicates: last\n{KEYED % 999}", table)
    assert (result.rows, result.left) == (1, 1)
    assert [(fault.rule, fault.expected) for fault in result.faults] == [("key", "k")]
    assert content(bench, table)[1] == [("1", "10"), ("3", "903")]
    assert [row[5] for row in bench.aside(table)] == [{"key A3"}]
    assert is_clean(bench, table)


def test_a_key_of_other_settings_refuses_a_replay(bench: Bench) -> None:
    table = bench.new_table()
    bench.process(K + KEYED % 99, [["k", "v"], [1, 10], [2, 900]], table=table)
    with pytest.raises(FileError, match="rekey"):
        replay(bench, Q + KEYED % 999, table)


def test_a_part_of_a_file_is_replayed_by_itself(bench: Bench) -> None:
    table, beside = bench.new_table(), bench.new_table()
    contract = (
        f"{Q}sheets:\n  S: {{columns: {{a: {{type: integer, max: MAX}}}}}}\n"
        f"  'T*': {{table: {beside}, columns: {{a: {{type: integer, max: MAX}}}}}}"
    )
    sheets = {"S": column(1, 7, "x"), "T1": column(2, 8), "T2": column(9, 3)}
    bench.process(contract.replace("MAX", "5"), sheets, table=table)
    assert (bench.counts(table), bench.counts(beside)) == ([(1, 2)], [(2, 2)])
    result = replay(bench, contract.replace("MAX", "8"), table)
    assert (result.rows, result.left) == (1, 1)
    assert (content(bench, table)[1], bench.counts(beside)) == ([("1",), ("7",)], [(2, 2)])
    with pytest.raises(ReplayError):
        replay(bench, contract.replace("MAX", "8").replace("'T*': {", "'T*': {skip_rows: 1, "), beside, folder=table)
    result = replay(bench, contract.replace("MAX", "8"), beside, folder=table)
    assert (result.rows, result.left) == (1, 1)
    assert content(bench, beside)[1] == [("2",), ("3",), ("8",)]
    assert is_clean(bench, table)
    assert is_clean(bench, beside)
