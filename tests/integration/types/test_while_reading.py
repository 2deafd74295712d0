"""A file that is loaded while it is being read comes to what the staged way makes of it, and whatever cannot is staged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from traceback import walk_tb
from typing import Any, overload

import psycopg
import pytest
from hypothesis import given

from pgdatahub.errors import CorruptError
from pgdatahub.load.staging.file_hash import file_version, hash_file
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import Staging
from pgdatahub.load.transaction import Loaded
from pgdatahub.load.while_reading import LoadingWhileReading
from pgdatahub.model.events import Event, Notice, RowsRead
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import FileResult, Outcome
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import Workbook
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.postgres.server.connection import Connection
from pgdatahub.postgres.tables.locks import lock_key
from pgdatahub.values.cells import Value
from tests.integration.types.conftest import Columns, Loader
from tests.integration.types.test_laws import Files, few, files


def batchwise(loader: Loader, *, eagerly: bool, rows: int = 1) -> Loader:
    """Return a loader that reads some rows at a time, and loads from the first on if it is an eager one."""
    config = loader.config.model_copy(update={"chunk_size": rows})
    return replace(loader, pipeline=replace(loader.pipeline, config=config, eager_bytes=0 if eagerly else None))


@pytest.fixture(autouse=True)
def ways(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Outcome of each attempt; attempts that fail by a bug would go unseen otherwise."""
    seen: list[str] = []
    attempt = LoadingWhileReading.load

    def recorded(self: LoadingWhileReading, staging: Staging, connection: Connection) -> Loaded:
        try:
            loaded = attempt(self, staging, connection)
        except BaseException as error:
            seen.append(type(error).__name__)
            raise
        seen.append("loaded")
        return loaded

    monkeypatch.setattr(LoadingWhileReading, "load", recorded)
    yield seen
    assert set(seen) <= {"loaded", "NeedsFullReadError", "SchemaError", *DATABASE_ERRORS, "KeyboardInterrupt"}


DATABASE_ERRORS = ("LockNotAvailable", "OperationalError", "ProtocolViolation", "NotNullViolation", "LoadError")


@dataclass(slots=True)
class Watch:
    """Looks, whenever rows were read, whether the table's lock is taken and how much the server has copied."""

    table: str
    connection: psycopg.Connection[Any]
    act: Callable[[int], object] = lambda _rows: None
    locked: list[bool] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)
        if isinstance(event, RowsRead):
            key = lock_key(TableName(schema="public", name=self.table))
            query = (
                "SELECT EXISTS (SELECT FROM pg_locks WHERE granted AND classid = %s AND objid = %s AND objsubid = 1)"
            )
            row = self.connection.execute(query, (key >> 32 & 0xFFFFFFFF, key & 0xFFFFFFFF)).fetchone()
            assert row is not None
            self.locked.append(row[0])
            self.act(event.rows)


def watched(loader: Loader, table: str, act: Callable[[int], object] = lambda _rows: None) -> tuple[Loader, Watch]:
    watch = Watch(table, loader.connection, act)
    return replace(loader, pipeline=replace(loader.pipeline, reporter=watch)), watch


def history(loader: Loader, table: str) -> list[tuple[Any, ...]]:
    """Return what is kept of a table's imports and of its changes, without what differs from load to load."""
    return [
        *loader.execute(
            "SELECT content_sha256, row_count, sheets, counts::text, observed::text, status, seconds > 0"
            " FROM etl_imports WHERE table_name = %s ORDER BY id",
            table,
        ),
        *loader.execute(
            "SELECT change_type, column_name, old_type, new_type, cell, sample"
            " FROM etl_schema_changes WHERE table_name = %s ORDER BY id",
            table,
        ),
        *loader.execute(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
            " WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            table,
        ),
    ]


def said(result: FileResult) -> tuple[object, ...]:
    return (
        result.outcome,
        result.reason.split("(")[0] if result.reason else None,
        result.failure,
        result.rows,
        result.sheets,
        result.changes,
        result.counts,
        [notice.split(" of 20")[0] for notice in result.notices],
    )


def load_both_ways(loader: Loader, drawn: Files, **options: Any) -> None:
    """Load files into one table eagerly and into another staged, and compare all that is to be seen."""
    tables = loader.new_table(), loader.new_table()
    results: list[list[tuple[object, ...]]] = [[], []]
    for way, (table, eagerly) in enumerate(zip(tables, (False, True), strict=True)):
        one = batchwise(loader, eagerly=eagerly)
        for number, columns in enumerate(drawn):
            result = one.process(table, columns, f"f{number}", **options)
            results[way].append(said(result))
    assert json.loads(json.dumps(results[1], default=repr).replace(tables[1], tables[0])) == json.loads(
        json.dumps(results[0], default=repr)
    )
    assert loader.dump(tables[1]) == loader.dump(tables[0])
    assert history(loader, tables[1]) == history(loader, tables[0])
    for table in tables:
        loader.execute(f"DROP TABLE IF EXISTS {table}")


ENDINGS: Mapping[str, tuple[Sequence[Value], Sequence[Value]]] = {
    "more of the same": ([1, 2], [3]),
    "a larger number": ([1, 2], [5_000_000_000]),
    "a number beyond 2^53": ([5_000_000_000], [2**53 + 1]),
    "a fraction": ([1, 2], [0.5]),
    "a fraction after a number beyond 2^53": ([2**53 + 1], [0.5]),
    "a text": ([1, 2], ["n/a"]),
    "a boolean": ([1, 2], [True]),
    "a time of day": ([date(2026, 1, 1)] * 2, [datetime(2026, 1, 1, 12, 30)]),  # noqa: DTZ001 - cells have no zone
    "a first number": ([None, None], [7]),
    "a first text": ([None, None], ["seven"]),
    "nothing": ([1, 2], [None]),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "before",
    [
        [],
        [{"id": [0], "a": [None]}],
        [{"id": [0], "a": [1]}],
        [{"id": [0], "a": [0.5]}],
        [{"id": [0], "a": ["text"]}],
        [{"id": [0]}],
    ],
    ids=["no table", "undecided", "integer", "double", "text", "no such column"],
)
def test_table_equals_the_staged_one_for_any_end_of_file(ending: str, before: list[Columns], loader: Loader) -> None:
    begun, ended = ENDINGS[ending]
    cells = [*begun, *ended]
    load_both_ways(loader, [*before, {"id": list(range(1, len(cells) + 1)), "a": cells}])


@pytest.mark.parametrize(
    ("ending", "way"),
    [
        ("more of the same", "loaded"),
        ("a number beyond 2^53", "loaded"),
        ("a first text", "loaded"),
        ("nothing", "loaded"),
        ("a larger number", "NeedsFullReadError"),
        ("a first number", "NeedsFullReadError"),
        ("a text", "NeedsFullReadError"),
    ],
)
def test_only_what_would_make_another_table_is_staged(
    ending: str, way: str, loader: Loader, table: str, ways: list[str]
) -> None:
    cells = [*ENDINGS[ending][0], *ENDINGS[ending][1]]
    batchwise(loader, eagerly=True).load(table, {"id": list(range(len(cells))), "a": cells})
    assert ways == [way]


@pytest.mark.parametrize("before", [[], [{"id": [0]}], [{"id": [0], "column_2": [5]}]], ids=["new", "without", "with"])
def test_headerless_column_with_a_late_first_value_is_kept(before: list[Columns], loader: Loader) -> None:
    load_both_ways(loader, [*before, {"id": [1, 2, 3], "": [None, None, 9]}])


@pytest.mark.parametrize("policy", [{"new_columns": "freeze"}, {"types": "freeze"}, {"on_changed": "fail"}])
def test_a_contract_that_only_the_end_of_a_file_breaks_is_kept(policy: dict[str, str], loader: Loader) -> None:
    load_both_ways(loader, [{"id": [1]}, {"id": [2, 3, "x"], "": [None, None, 9]}], **policy)


@pytest.mark.parametrize("filled", [False, True], ids=["refused by the server", "filled by a trigger"])
def test_empty_last_cell_is_refused_by_a_not_null_column(filled: bool, loader: Loader, ways: list[str]) -> None:
    told = []
    for eagerly in (False, True):
        table = loader.new_table()
        loader.load(table, {"id": [1], "a": [1]})
        loader.execute(f"ALTER TABLE {table} ALTER COLUMN a SET NOT NULL")
        if filled:
            loader.execute(
                "CREATE OR REPLACE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN new.a = coalesce(new.a, 0); RETURN new; END $$"
            )
            loader.execute(f"CREATE TRIGGER fill BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fill()")
        one = batchwise(loader, eagerly=eagerly)
        told.append(one.fail(table, {"id": [2, 3, 4], "a": [2, 3, None]}).replace(table, "t"))
    assert told[0] == told[1]
    assert "must not be empty" in told[0]
    assert ways == ["SchemaError" if filled else "LoadError"]


@given(drawn=files())
@few(12)
def test_any_files_come_to_the_same_either_way(loader: Loader, drawn: Files) -> None:
    load_both_ways(loader, [*drawn, drawn[0]])


FAT: Columns = {"id": list(range(60)), "text": [f"{row} " + "x" * 30_000 for row in range(60)]}


def test_the_server_copies_while_the_file_is_being_read(loader: Loader, table: str) -> None:
    loader.need(140000)  # pg_stat_progress_copy
    copied: list[int] = []

    # Tests of other databases copy too.
    query = "SELECT tuples_processed FROM pg_stat_progress_copy WHERE datname = current_database()"

    def look(rows: int) -> None:
        end = time.monotonic() + 10
        # The first batch may still be with the client.
        while rows > 20 and not copied and time.monotonic() < end:
            copied.extend(row[0] for row in loader.execute(query) if row[0])

    eager, watch = watched(batchwise(loader, eagerly=True, rows=10), table, look)
    assert eager.load(table, FAT).rows == 60
    assert watch.locked == [True] * 6
    assert 0 < copied[0] < 60
    assert len(loader.texts(table)) == 60


@pytest.mark.parametrize(
    ("first", "columns", "locked"),
    [
        (None, {"id": [1, 2]}, True),
        ({"id": [0]}, {"id": [1, 2]}, True),
        ({"id": [0]}, {"id": [1, 2], "new": [1, 2]}, False),
        ({"id": [0]}, {"id": ["a", "b"]}, False),
    ],
    ids=["a new table", "one that need not change", "a new column", "another type"],
)
def test_table_to_change_is_not_locked_during_reading(
    first: Columns | None, columns: Columns, locked: bool, loader: Loader, table: str
) -> None:
    if first is not None:
        loader.load(table, first)
    eager, watch = watched(batchwise(loader, eagerly=True), table)
    eager.load(table, columns)
    assert watch.locked[-1] is locked


def test_file_that_replaces_its_older_rows_is_staged(loader: Loader, table: str) -> None:
    loader.load(table, {"id": [1]}, "f")
    eager, watch = watched(batchwise(loader, eagerly=True), table)
    eager.load(table, {"id": [2, 3]}, "f", on_changed="replace")
    assert not any(watch.locked)
    assert loader.texts(table) == [("2",), ("3",)]


def test_several_files_of_one_transaction_are_staged(loader: Loader, table: str) -> None:
    eager, watch = watched(batchwise(loader, eagerly=True), table)
    sources = [loader.source(table, {"id": [number, number]}) for number in range(2)]
    assert [result.outcome for result in eager.pipeline.process_together(sources)] == [Outcome.LOADED] * 2
    assert not any(watch.locked)


def test_content_that_turns_out_to_be_loaded_leaves_nothing(loader: Loader, table: str) -> None:
    columns = {"id": [1, 2, 3]}
    loader.load(table, columns)
    before = loader.dump(table), history(loader, table)
    eager, watch = watched(batchwise(loader, eagerly=True), table)
    result = eager.process(table, columns)
    assert any(watch.locked)
    assert result.outcome is Outcome.SKIPPED
    assert "has the same content as" in (result.reason or "")
    assert (loader.dump(table), history(loader, table)) == before


class Torn(Sequence[Value]):
    """Cells of which the last cannot be read."""

    def __init__(self, cells: Sequence[Value], error: Exception) -> None:
        self._cells = cells
        self._error = error

    def __len__(self) -> int:
        return len(self._cells) + 1

    @overload
    def __getitem__(self, index: int) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Value]: ...
    def __getitem__(self, index: int | slice) -> Value | Sequence[Value]:
        if isinstance(index, slice) and index.stop > len(self._cells):
            raise self._error
        return self._cells[index]

    def __repr__(self) -> str:
        return repr(self._cells)


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize(
    "error", [CorruptError("the file is torn", hint="ask for it again"), ZeroDivisionError("a mistake")], ids=type
)
def test_truncated_file_leaves_nothing_and_is_reported(
    error: Exception, existing: bool, loader: Loader, table: str
) -> None:
    if existing:
        loader.load(table, {"id": [0]})
    before = loader.dump(table), history(loader, table)
    told = []
    for eagerly in (False, True):
        one, watch = watched(batchwise(loader, eagerly=eagerly), table)
        result = one.process(table, {"id": Torn(list(range(30)), error)}, "torn")
        assert result.failure is not None
        told.append(replace(result.failure, traceback=None))
        assert any(watch.locked) is eagerly
        assert (loader.dump(table), history(loader, table)) == before
    assert told[0] == told[1]
    if isinstance(error, ZeroDivisionError):
        assert "the plugin 'columns' made a mistake" in told[0].message


def test_whoever_asked_for_the_batch_that_failed_is_not_blamed(loader: Loader, table: str) -> None:
    source = loader.source(table, {"id": Torn([1, 2], ZeroDivisionError("a mistake"))})
    one = batchwise(loader, eagerly=True)

    def bystander(staging: Staging) -> None:
        for _ in staging:
            pass

    with SpoolFile() as spool_file:
        staging = Staging(
            source,
            one.pipeline.stages,
            one.pipeline.config,
            one.pipeline.reporter,
            Spool(spool_file),
            file_sha256=hash_file(source),
            version=file_version(source),
        )
        with closing(staging):
            with pytest.raises(ZeroDivisionError):
                bystander(staging)
            with pytest.raises(ZeroDivisionError) as again:
                staging.finish()
    functions = [frame.f_code.co_name for frame, _ in walk_tb(again.tb)]
    assert "batches" in functions
    assert "bystander" not in functions


def test_a_workbook_is_closed_when_its_reading_is_given_up(loader: Loader, table: str) -> None:
    closed = []

    class Reader:
        @hookimpl
        def pgdatahub_read(self, source: SourceFile) -> Workbook | None:
            workbook = loader.reader.pgdatahub_read(source)

            class Closing:
                def __getattr__(self, name: str) -> object:
                    return getattr(workbook, name)

                def close(self) -> None:
                    closed.append(source.name)

            return Closing()  # type: ignore[return-value]  # it has all that a workbook has

    manager = create_plugin_manager()
    manager.register(Reader(), name="closing")

    def interrupt(rows: int) -> None:
        if rows >= 3:
            raise KeyboardInterrupt

    one, _ = watched(batchwise(loader, eagerly=True), table, interrupt)
    one = replace(one, pipeline=replace(one.pipeline, stages=Stages(manager)))
    with pytest.raises(KeyboardInterrupt):
        one.process(table, {"id": [1, 2, 3, 4, 5]}, "f")
    assert closed == ["f.columns"]
    assert loader.dump(table) == ({}, [])


@pytest.fixture
def other(loader: Loader) -> Iterator[psycopg.Connection[Any]]:
    with closing(psycopg.connect(loader.url)) as connection:
        yield connection


@pytest.mark.parametrize("lock", ["ours", "theirs"])
def test_lock_of_another_session_does_not_delay_reading(
    lock: str, loader: Loader, table: str, other: psycopg.Connection[Any]
) -> None:
    loader.load(table, {"id": [0]})
    if lock == "ours":
        other.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(TableName(schema="public", name=table)),))
    else:
        other.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
    read = []

    def let_go(rows: int) -> None:
        read.append(rows)
        if rows == 4:
            other.rollback()

    eager, watch = watched(batchwise(loader, eagerly=True), table, let_go)
    # It would be waited for until the end of time, or of the lock timeout.
    assert eager.load(table, {"id": [1, 2, 3, 4]}).seconds < 10
    assert read[-1] == 4
    assert watch.notices == []


def test_connection_lost_during_reading_loses_nothing(loader: Loader, table: str) -> None:
    def drop(rows: int) -> None:
        if rows == 30:
            loader.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'pgdatahub' AND datname = current_database()"
            )

    eager, watch = watched(batchwise(loader, eagerly=True, rows=10), table, drop)
    assert eager.load(table, FAT).rows == 60
    assert [notice for notice in watch.notices if "trying again" in notice]
    assert len(loader.texts(table)) == 60
    assert loader.execute("SELECT count(*) FROM etl_imports WHERE table_name = %s", table) == [(1,)]


def test_the_time_of_a_file_is_counted_once(loader: Loader, table: str) -> None:
    eager, _ = watched(batchwise(loader, eagerly=True), table, lambda _rows: time.sleep(0.1))
    began = time.monotonic()
    result = eager.load(table, {"id": [1, 2, 3]})
    took = time.monotonic() - began
    ((kept,),) = loader.execute("SELECT seconds FROM etl_imports WHERE table_name = %s", table)
    assert 0.3 <= kept <= result.seconds <= took
