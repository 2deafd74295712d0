"""Any course of loads, reloads, failures and hands on the table, held against a model that knows no server."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pgdatahub.model.results import Outcome
from pgdatahub.plugins.infer import observe
from pgdatahub.values.cells import Value
from pgdatahub.values.python_values import type_value
from pgdatahub.values.sql_types import SqlType, join
from tests.integration.types.conftest import Loader
from tests.integration.types.test_laws import KINDS, _text

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
NAMES = ("a", "b")
cells = st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.lists(st.none() | KINDS[kind], min_size=2, max_size=2))
columns_of_files = st.fixed_dictionaries({"file": st.just(None)}, optional=dict.fromkeys(NAMES, cells))


def machine(loader: Loader) -> type[RuleBasedStateMachine]:
    class TableMachine(RuleBasedStateMachine):
        """A table, and what it should be."""

        @initialize()
        def begin(self) -> None:
            self.table = loader.new_table()
            self.types: dict[str, SqlType] = {}
            self.rows: list[tuple[dict[str, str | None], dict[str, bytes]]] = []
            self.loaded: list[Mapping[str, Sequence[Value]]] = []
            self.number = 0

        @rule(drawn=columns_of_files)
        def load(self, drawn: Mapping[str, Sequence[Value]]) -> None:
            self.number += 1
            columns = {**drawn, "file": [self.number, self.number]}
            loader.load(self.table, columns)
            self.loaded.append(columns)
            self._take(columns)

        @rule()
        def load_the_same_again(self) -> None:
            if self.loaded:
                assert loader.process(self.table, self.loaded[0]).outcome is Outcome.SKIPPED

        @rule(drawn=columns_of_files)
        def load_under_a_contract(self, drawn: Mapping[str, Sequence[Value]]) -> None:
            self.number += 1
            columns = {**drawn, "file": [self.number, self.number]}
            fits = not self.types or all(
                name in self.types
                and (
                    self.types[name] is SqlType.UNDECIDED
                    or join(self.types[name], self._type(cells)).sql == self.types[name].sql
                )
                for name, cells in columns.items()
            )
            result = loader.process(self.table, columns, new_columns="freeze", types="freeze")
            assert (result.outcome is Outcome.LOADED) == fits, result.failure
            if fits:
                self.loaded.append(columns)
                self._take(columns)

        @rule(name=st.sampled_from(NAMES))
        def watch_a_column(self, name: str) -> None:
            """A view holds its column's type for one load, which fails if it wanted another."""
            if name not in self.types or self.types[name] is SqlType.TEXT:
                return
            loader.execute(f"CREATE VIEW watching AS SELECT {name} FROM {self.table}")
            try:
                if self.types[name] is SqlType.UNDECIDED:
                    columns: dict[str, list[Value]] = {"file": [-1, -1], name: [1, 1]}
                else:
                    columns = {"file": [-1, -1], name: ["no number", "no date"]}
                assert "view watching" in loader.fail(self.table, columns)
            finally:
                loader.execute("DROP VIEW watching")

        def _type(self, cells: Sequence[Value]) -> SqlType:
            return observe(list(cells), str)[1].type

        def _take(self, columns: Mapping[str, Sequence[Value]]) -> None:
            for name, cells in columns.items():
                self.types[name] = join(self.types.get(name, SqlType.UNDECIDED), self._type(cells))
            for row in range(2):
                texts = {name: _text(cells[row]) for name, cells in columns.items()}
                fields = {name: type_value(cells[row])[1] for name, cells in columns.items()}
                self.rows.append((texts, fields))

        @invariant()
        def table_is_as_the_model(self) -> None:
            if not self.types:
                return
            assert loader.types(self.table) == {name: kind.sql for name, kind in self.types.items()}
            names = sorted(self.types)
            found = loader.texts(self.table)
            assert len(found) == len(self.rows)
            for row, (texts, _) in zip(found, self.rows, strict=True):
                for name, text in zip(names, row, strict=True):
                    if self.types[name] is SqlType.TEXT:
                        assert text == texts.get(name)
                    else:
                        assert (text is None) == (texts.get(name) is None)

        def teardown(self) -> None:
            if self.types:
                self._widen_all()
                loader.execute(f"DROP TABLE IF EXISTS {self.table}")

        def _widen_all(self) -> None:
            """Have the server write every value that is left as the text that it should be."""
            columns: dict[str, list[Value]] = {name: ["x", "y"] for name in self.types}
            loader.load(self.table, columns)
            self._take(columns)
            self.table_is_as_the_model()

    return TableMachine


def test_any_course_of_loads_leaves_the_table_of_the_model(loader: Loader) -> None:
    run_state_machine_as_test(
        machine(loader),
        settings=settings(
            max_examples=200 if THOROUGH else 6,
            stateful_step_count=20 if THOROUGH else 8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
