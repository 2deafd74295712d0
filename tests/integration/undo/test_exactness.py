"""The promise: after reverting B, with its schema, the tables are what loading all but B gives."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from psycopg import sql

from pgdatahub.runs.run import Selection, run
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert, revert_schema
from tests.integration.undo.conftest import Hub, write_workbook

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
EXAMPLES = 300 if THOROUGH else 12

NUMBERS = count()
MOMENT = datetime(2024, 1, 1)  # noqa: DTZ001 - workbooks know no time zones

KINDS: Mapping[str, st.SearchStrategy[Any]] = {
    "small": st.integers(-(2**31) + 1, 2**31 - 1),
    "safe": st.integers(-(2**53), 2**53),
    # Written as digits: the writer of workbooks would round them.
    "double": st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    "tenths": st.integers(-50, 50).map(lambda tenths: tenths / 10),
    "text": st.sampled_from(["n/a", "x", "1", "007", "true", "2024-01-01", "1.50", "12:00:00", " ", "é\n\t\\"]),
    "boolean": st.booleans(),
    "date": st.integers(0, 3).map(lambda days: MOMENT + timedelta(days=days)),
    "timestamp": st.integers(0, 5).map(lambda hours: MOMENT + timedelta(hours=hours)),
    "time": st.integers(0, 3).map(lambda hours: (MOMENT + timedelta(hours=hours, seconds=1)).time()),
    "nothing": st.none(),
}
HEADERS = ["A", "B", "C"]


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list[Any]]:
    """A file: some of the headers, each with a kind or two of values."""
    rows = draw(st.integers(1, 3))
    drawn = {}
    for header in draw(st.lists(st.sampled_from(HEADERS), unique=True, min_size=1, max_size=3)):
        kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=2))
        values = st.one_of([KINDS[kind] for kind in kinds])
        drawn[header] = draw(st.lists(values, min_size=rows, max_size=rows))
    return drawn


class Place:
    """A data root of one example, loaded into schemas of its own."""

    def __init__(self, hub: Hub, files: Sequence[Mapping[str, Sequence[Any]]]) -> None:
        self.hub = hub
        self.root = hub.directory / f"data {next(NUMBERS)}"
        self.files = []
        for number, file in enumerate(files):
            # A column of its own value keeps the contents distinct, which the promise asks for.
            rows = [[number, *values] for values in zip(*file.values(), strict=True)]
            self.files.append(write_workbook(self.root / f"t/{number}.xlsx", ["File", *file], rows))

    def load(self, schema: str, files: Sequence[Path]) -> None:
        if files:
            config = self.hub.config(schema_name=schema, data_root=str(self.root))
            report = run(config, selection=Selection(paths=tuple(files)))
            assert not [str(result.failure) for result in report.results if result.failure]
            assert sum(result.rows > 0 for result in report.results) == len(files)

    def undo(self, schema: str, file: Path, *, at_once: bool) -> None:
        config = self.hub.config(schema_name=schema, data_root=str(self.root))
        revert(config, UndoRequest(source_file=str(file), schema=at_once))
        if not at_once:
            revert_schema(config, table=f"{schema}.t", source_file=str(file))

    def state(self, schema: str) -> object:
        return self.hub.state(schema)

    def remove(self, *schemas: str) -> None:
        shutil.rmtree(self.root)
        with self.hub.connect() as connection:
            for schema in schemas:
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=st.lists(columns(), min_size=2, max_size=4), data=st.data())
def test_undo_of_one_equals_never_loaded_and_undo_of_all_empty(
    hub: Hub, files: list[dict[str, list[Any]]], data: st.DataObject
) -> None:
    place = Place(hub, files)
    gone = data.draw(st.sampled_from(place.files), label="gone")
    chance = data.draw(st.integers(0, 2**16), label="orders")
    order = random.Random(chance)  # noqa: S311 - not cryptography
    number = next(NUMBERS)
    undone, without = f"undone {number}", f"without {number}"
    try:
        place.load(undone, order.sample(place.files, len(place.files)))
        note(str(place.state(undone)))
        place.undo(undone, gone, at_once=order.random() < 0.5)
        rest = [file for file in place.files if file != gone]
        place.load(without, order.sample(rest, len(rest)))
        assert place.state(undone) == place.state(without)
        for file in order.sample(rest, len(rest)):
            place.undo(undone, file, at_once=order.random() < 0.5)
        assert place.state(undone) == {}
    finally:
        place.remove(undone, without)
