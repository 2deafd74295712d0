"""The laws of types against a real server: order never matters, text is one, a plan is what a run does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import permutations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from pgdatahub.model.explain import deciding_evidence
from pgdatahub.model.results import Outcome
from pgdatahub.model.schema import AlterType, SchemaChange
from pgdatahub.postgres.tables.ddl import canonical_text, conversion
from pgdatahub.values.cells import Value
from pgdatahub.values.numbers import canonical_number, integer_or_float
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType, widens_to
from pgdatahub.values.type_fit import real_holds
from tests.integration.types.conftest import Loader

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Ask for many examples; the default is a few seconds' worth."""


def few(examples: int) -> settings:
    return settings(
        max_examples=examples * 20 if THOROUGH else examples,
        deadline=None,
        # Every example has tables of its own; what the fixture keeps is the connection.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


small = st.integers(-(2**31) + 1, 2**31 - 1)
safe = st.integers(-(2**53), 2**53)
wide = st.integers(-(2**63) + 1, 2**63 - 1) | st.sampled_from([2**53 + 1, -(2**53) - 1])
huge = st.integers(-(10**40), 10**40)
doubles = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.5, 0.1, 1e15, 1e308, 5e-324, 1e20])
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**9), max_value=10**9)
dates = st.dates(date(1899, 12, 31), date(9999, 12, 31))
moments = st.datetimes(datetime(1899, 12, 31), datetime(9999, 12, 31))  # noqa: DTZ001 - workbooks know no time zones
spans = st.timedeltas(timedelta(days=-(10**6)), timedelta(days=10**6))
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6).filter(
    lambda text: not text.isspace()
) | st.sampled_from(["1", "1.0", "n/a", "true", "2024-01-01", "\\N", "a\tb", "NULL"])

KINDS: Mapping[str, st.SearchStrategy[Value]] = {
    "small": small,
    "safe": safe,
    "wide": wide,
    "huge": huge,
    "double": doubles,
    "decimal": decimals,
    "boolean": st.booleans(),
    "date": dates,
    "timestamp": moments,
    "time": st.times(),
    "interval": spans,
    "text": texts,
}
Files = Sequence[Mapping[str, Sequence[Value]]]


@st.composite
def files(draw: st.DrawFn) -> Files:
    """Draw a few files of one table: each column of each file of one kind or two, or empty, or missing."""
    drawn = []
    for number in range(draw(st.integers(2, 3))):
        rows = draw(st.integers(1, 3))
        columns: dict[str, list[Value]] = {"file": [number] * rows}
        for name in ("a", "b", "c"):
            if draw(st.integers(0, 4)):
                kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=2))
                cell = st.one_of(st.none(), *(KINDS[kind] for kind in kinds))
                columns[name] = draw(st.lists(cell, min_size=rows, max_size=rows))
        drawn.append(columns)
    return drawn


@given(drawn=files())
@few(8)
def test_the_order_of_files_does_not_matter(loader: Loader, drawn: Files) -> None:
    found = []
    for ordered in permutations(drawn):
        table = loader.new_table()
        for columns in ordered:
            loader.load(table, columns)
        found.append((dict(sorted(loader.types(table).items())), sorted(map(repr, loader.texts(table)))))
        loader.execute(f"DROP TABLE {table}")
    assert all(one == found[0] for one in found)


@given(drawn=files())
@few(12)
def test_every_cell_is_in_the_table_as_its_text(loader: Loader, drawn: Files) -> None:
    """Whatever the files before and after made of the column."""
    table = loader.new_table()
    for columns in drawn:
        loader.load(table, columns)
    types = loader.types(table)
    loader.load(table, {name: ["x"] for name in types})
    assert set(loader.types(table).values()) == {"text"}
    names = sorted(types)
    expected: list[tuple[str | None, ...]] = []
    for columns in [*drawn, {name: ["x"] for name in names}]:
        rows = range(len(columns[next(iter(columns))]))
        expected += [tuple(_text(columns[name][row]) if name in columns else None for name in names) for row in rows]
    assert loader.texts(table) == expected
    loader.execute(f"DROP TABLE {table}")


def _text(value: Value) -> str | None:
    from pgdatahub.values.copytext import unescape

    _, text = type_value(value)
    return unescape(text) or None


WIDENINGS = [
    (narrow, broad)
    for narrow in SqlType
    for broad in SqlType
    if widens_to(narrow, broad) and narrow.sql != broad.sql and narrow is not SqlType.UNDECIDED
]
OF_TYPE: Mapping[SqlType, st.SearchStrategy[Value]] = {
    SqlType.INTEGER: small,
    SqlType.BIGINT: safe,
    SqlType.BIGINT_WIDE: wide,
    SqlType.REAL: st.sampled_from([0.1, 0.5, -2.25, 1e-7, 3.4e38, 16777216, 0.3]),
    SqlType.DOUBLE: safe | doubles,
    SqlType.NUMERIC: huge | decimals | doubles,
    SqlType.BOOLEAN: st.booleans(),
    SqlType.DATE: dates,
    SqlType.TIMESTAMP: moments | dates,
    SqlType.TIME: st.times(),
    SqlType.INTERVAL: spans,
    SqlType.TEXT: texts,
}


@given(data=st.data())
@few(10)
def test_widened_value_equals_value_encoded_for_the_wider_type(loader: Loader, data: st.DataObject) -> None:
    for narrow, broad in WIDENINGS:
        fields = [type_value(value)[1] for value in data.draw(st.lists(OF_TYPE[narrow], min_size=1, max_size=5))]
        loader.execute("DROP TABLE IF EXISTS pairs")
        loader.execute(f"CREATE TEMP TABLE pairs (narrow {narrow.sql}, broad {broad.sql})")
        with loader.connection.cursor().copy("COPY pairs FROM STDIN (FORMAT text, NULL '')") as copy:
            for field in fields:
                copy.write(b"%s\t%s\n" % (field, field))
        column = sql.Identifier("narrow")
        query = sql.SQL("SELECT narrow::text, ({widened})::text, broad::text, {text} FROM pairs").format(
            widened=conversion(column, narrow, broad), text=canonical_text(column, narrow)
        )
        for field, (_, widened, encoded, text) in zip(fields, loader.connection.execute(query).fetchall(), strict=True):
            assert widened == encoded, (narrow, broad)
            assert text.encode("utf-8") == _plain(field), (narrow, broad)


def _plain(field: bytes) -> bytes:
    from pgdatahub.values.copytext import unescape

    return unescape(field).encode()


@given(
    values=st.lists(
        st.integers(-(2**31), 2**31) | st.floats(width=32, allow_nan=False, allow_infinity=False) | doubles,
        max_size=200,
    )
)
@few(30)
def test_real_is_accepted_only_if_the_server_writes_it_as_is(loader: Loader, values: list[float]) -> None:
    numbers = [integer_or_float(value) if isinstance(value, float) else value for value in values]
    # Beyond a real the server refuses.
    numbers = [number for number in numbers if abs(number) < 3.4028235e38 and (abs(number) > 1e-44 or not number)]
    texts = [canonical_number(number).decode() for number in numbers]
    query = (
        # As trim_scale() does, from PostgreSQL 13 on.
        r"SELECT regexp_replace(given::real::text::numeric::text, '(\.[0-9]*[1-9])0+$|\.0+$', '\1')"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS g (given, n)"
    )
    stored = [row[0] for row in loader.execute(query + " ORDER BY n", texts)]
    assert [real_holds(number) for number in numbers] == [
        one == other for one, other in zip(stored, texts, strict=True)
    ]


@given(
    values=st.lists(
        doubles | st.integers(-(2**80), 2**80).map(float) | st.integers(2**53, 2**60).map(float), max_size=500
    )
)
@few(40)
def test_a_double_has_the_digits_that_the_server_writes(loader: Loader, values: list[float]) -> None:
    query = "SELECT given::text::numeric::text FROM unnest(%s::float8[]) WITH ORDINALITY AS g (given, n) ORDER BY n"
    assert [row[0] for row in loader.execute(query, values)] == [canonical_number(value).decode() for value in values]


def _said(changes: Sequence[SchemaChange]) -> list[object]:
    """Return changes as people and the server know them: of a bigint, only a plan may know that it is beyond 2^53."""
    return [
        (change.name, change.old.sql, change.new.sql, deciding_evidence(change))
        if isinstance(change, AlterType)
        else change
        for change in changes
    ]


@given(before=files(), drawn=files(), again=st.booleans())
@few(6)
def test_a_run_does_what_its_plan_said(loader: Loader, before: Files, drawn: Files, again: bool) -> None:
    from pgdatahub.load.staging.file_hash import file_version, hash_file
    from pgdatahub.load.staging.spool import Spool, SpoolFile
    from pgdatahub.load.staging.staged_file import stage
    from pgdatahub.model.files import SourceFile
    from pgdatahub.model.schema import TableName
    from pgdatahub.postgres.server.engine import transaction
    from pgdatahub.runs.plans.parts import simulate_file
    from pgdatahub.runs.plans.simulation import TableSimulation

    table = loader.new_table()
    for columns in before:
        loader.load(table, columns)
    sources: list[SourceFile] = [loader.source(table, columns) for columns in [*drawn, *(drawn if again else ())]]

    def simulate() -> tuple[list[object], dict[str, str]]:
        database = loader.pipeline.database
        assert database is not None
        with transaction(database.engine, read_only=True) as connection, SpoolFile() as spool_file:
            simulation = TableSimulation(
                table=TableName(schema="public", name=table),
                stages=loader.pipeline.stages,
                config=loader.config,
                connection=connection,
                history=loader.pipeline.history,
            )
            simulation.begin()
            told: list[object] = []
            for source in sources:
                staged = stage(
                    source,
                    loader.pipeline.stages,
                    loader.config,
                    loader.pipeline.reporter,
                    Spool(spool_file),
                    file_sha256=hash_file(source),
                    version=file_version(source),
                )
                (simulated,) = simulate_file(staged, {simulation.table: simulation}, {})
                told.append(_said(simulated.plan.changes) if simulated.plan else "not loaded")
            assert simulation.current is not None
            columns = {column.name: column.type.sql for column in simulation.current.columns}
            return told, {name: kind for name, kind in columns.items() if name not in ("source_file", "load_timestamp")}

    told, columns = simulate()
    results = [loader.pipeline.process(source) for source in sources]
    assert [result.failure for result in results] == [None] * len(results)
    assert loader.types(table) == columns
    done = [_said(result.changes) if result.outcome is Outcome.LOADED else "not loaded" for result in results]
    assert done == told
    assert simulate() == (["not loaded"] * len(sources), columns)
    loader.execute(f"DROP TABLE {table}")
