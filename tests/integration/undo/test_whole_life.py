"""Any life of files leaves each row once, where it belongs, and accounted for; ``verify`` agrees after each step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pgdatahub.config import Config, load_config
from pgdatahub.errors import HistoryDamagedError
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.model.results import Outcome, RunReport
from pgdatahub.runs.history import history
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.verification.result import DifferenceKind
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.undo.conftest import write_workbook
from tests.integration.undo.life_model import LifeModel, in_order

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough" or os.environ.get("PGDATAHUB_HEAVY") == "1"
PATHS = ("f/a.xlsx", "f/b.xlsx", "f/sub/a.xlsx")
# The first digit of an id tells its content; the others make the table wider and narrower again.
CONTENTS: tuple[tuple[tuple[str, ...], list[list[Any]]], ...] = (
    (("id", "amount"), [[1, 5], [2, 6]]),
    (("id", "amount"), [[11, 0.5]]),
    (("id", "amount", "note"), [[21, "n/a", "x"], [22, 7, None], [23, 8, "y"]]),
    (("id", "note"), [[31, 2.5], [32, 3]]),
    (("id", "amount", "more"), [[41, 12345678901, True]]),
)
# The content of the second sheet of each: a file is a duplicate as a whole or not at all.
SECOND: tuple[tuple[tuple[str, ...], list[list[Any]]], ...] = (
    (("id", "place"), [[1, "x"]]),
    (("id", "place"), [[11, 3], [12, None]]),
    (("id", "more"), [[21, 0.5]]),
    (("id",), [[31], [32]]),
    (("id", "place"), [[41, "x"]]),
)
SHAPES = {"one table": ("t",), "quarantine": ("t",), "two tables": ("t", "t2")}
"""Shape of the workbooks → their tables."""
VARIANTS = ("", "saved again")
_PAIRS = [(one, other) for one in PATHS for other in PATHS if one != other]
# One choice for each operation: a choice of its parts, one by one, would draw the same parts again and again.
OPERATIONS: tuple[tuple[Any, ...], ...] = (
    *(("write", path, content, variant) for path in PATHS for content in range(len(CONTENTS)) for variant in VARIANTS),
    *(("delete", path) for path in PATHS for _ in range(4)),
    *(("rename", one, other) for one, other in _PAIRS for _ in range(2)),
    *(("copy", one, other) for one, other in _PAIRS),
    *(("swap", one, other) for one, other in _PAIRS),
    *(("move the root",), ("another schema",)) * 2,
)
operations = st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=4)


@lru_cache(maxsize=64)
def _bytes(content: int, variant: str, shape: str, directory: Path) -> bytes:
    headers, rows = CONTENTS[content]
    path = directory / "content.xlsx"
    if shape == "quarantine":
        rows = [*rows, [-10 * content - 1, *[None] * (len(headers) - 1)]]
    if shape != "two tables":
        return write_workbook(path, headers, rows, note=variant).read_bytes()
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"comments": variant})
        for name, (titles, cells) in (("One", (headers, rows)), ("Two", SECOND[content])):
            sheet = book.add_worksheet(name)
            for number, row in enumerate([titles, *cells]):
                sheet.write_row(number, 0, row)
    return path.read_bytes()


def _rows_of(table: str, part: int) -> list[int]:
    return [row[0] for row in (CONTENTS if table == "t" else SECOND)[part][1]]


ON_CHANGED = ("append", "replace", "fail")


def machine(database_url: str, directory: Path, policies: Sequence[str] = ON_CHANGED) -> type[RuleBasedStateMachine]:
    numbers = iter(range(10**6))

    class Life(RuleBasedStateMachine):
        """A folder of files, its table, and the model of both."""

        @initialize(
            on_changed=st.sampled_from(policies),
            on_missing=st.sampled_from(["revert", "keep"]),
            shape=st.sampled_from(list(SHAPES)),
        )
        def begin(self, on_changed: str, on_missing: str, shape: str) -> None:
            self.shape, self.tables = shape, SHAPES[shape]
            self.name = f"life{next(numbers)}"
            self.directory = directory / self.name
            self.roots = 0
            self.root = self.directory / "root0"
            self.root.mkdir(parents=True)
            self.policies = {"on_changed": on_changed, "on_missing": on_missing}
            self.files: dict[str, int] = {}
            self.all_models = {
                schema: {table: LifeModel(on_changed, on_missing) for table in self.tables}
                for schema in (self.name, f"{self.name}b")
            }
            self.schema = self.name
            self.touched: set[str] = set()
            self.connection = psycopg.connect(database_url, autocommit=True)
            for number, path in enumerate(PATHS):
                self.write(path, _bytes(number, "", shape, directory), number)
            self.run_all(sectional=False)

        @property
        def models(self) -> dict[str, LifeModel]:
            """The models of the present schema by table."""
            return self.all_models[self.schema]

        @property
        def has_rows(self) -> bool:
            return any(model.loaded for model in self.models.values())

        @property
        def files_have_all(self) -> bool:
            """All that is loaded is in a file that is there."""
            return all(set(model.loaded) <= set(self.files.values()) for model in self.models.values())

        def changing(self) -> Config:
            """Return the settings for a command that changes the database, after which the promise is checked."""
            self.touched.add(self.schema)
            return self.config()

        def config(self, *, schema: str | None = None, table_schema: str | None = None) -> Config:
            options = {**self.policies, **({"schema": table_schema} if table_schema else {})}
            if self.shape == "two tables":
                options["sheets"] = "{One: {table: t}, Two: {table: t2}}"
            else:
                options["table"] = "t"
            if self.shape == "quarantine":
                options |= {"columns": "{id: {type: integer, min: 0}}", "on_bad": "quarantine"}
            lines = [f"  {name}: {value}" for name, value in options.items()]
            file = self.directory / "etl_config.yaml"
            file.write_text("\n".join(["f:", *lines, ""]))
            given = {
                "database_url": database_url,
                "data_root": str(self.root),
                "state_dir": str(self.directory),
                "schema_name": schema or self.schema,
                "workers": 1,
            }
            return load_config(overrides=given, config_file=file)

        # ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────

        @rule(steps=operations)
        def change_files_and_run(self, steps: list[tuple[Any, ...]]) -> None:
            self.live(steps)

        @rule(steps=operations)
        def change_files_and_run_too(self, steps: list[tuple[Any, ...]]) -> None:
            """The same again, so that it is chosen twice as often as other rules."""
            self.live(steps)

        def live(self, steps: list[tuple[Any, ...]]) -> None:
            for operation, *arguments in steps:
                if operation == "move the root":
                    self.move_the_data_root()
                elif operation == "another schema":
                    self.schema = next(schema for schema in self.all_models if schema != self.schema)
                elif operation == "write":
                    path, content, variant = arguments
                    self.write(path, _bytes(content, variant, self.shape, directory), content)
                elif arguments[0] in self.files:
                    self.change(operation, *arguments)
            self.run_all(sectional=len(steps) % 2 == 0)

        def change(self, operation: str, path: str, other: str | None = None) -> None:
            """Change a file that is there."""
            mine = ((self.root / path).read_bytes(), self.files[path])
            if operation in ("delete", "rename"):
                (self.root / path).unlink()
                del self.files[path]
            if other is not None and operation == "swap" and other in self.files:
                self.write(path, (self.root / other).read_bytes(), self.files[other])
            if other is not None:
                self.write(other, *mine)

        def write(self, path: str, content: bytes, number: int) -> None:
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            self.files[path] = number

        def move_the_data_root(self) -> None:
            self.roots += 1
            new = self.directory / f"root{self.roots}"
            self.root.rename(new)
            self.root = new

        # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

        def run_all(self, *, sectional: bool) -> None:
            config = self.changing().model_copy(update={"sectional_commit": sectional})
            planned = plan(config)
            report = run(config)
            assert self.failed(report) == self.run_models()
            would_fail = {file.file for file in planned.files if file.action == "fail"}
            assert would_fail == self.failed(report)
            would_load = {file.file for file in planned.files if file.action == "load"}
            assert would_load == {one.source.identity for one in report.results if one.outcome is Outcome.LOADED}
            assert [(one.file, one.action) for one in planned.missing] == [
                (one.file, one.action) for one in report.missing
            ]

        def run_models(self) -> set[str]:
            """Apply a run to the models; return the paths that it must refuse."""
            refused = set()
            for path in in_order(self.files):
                if any(model.refuses(path, self.files[path]) for model in self.models.values()):
                    refused.add(path)
                    continue
                for model in self.models.values():
                    model.take(path, self.files[path])
            for table, model in self.models.items():
                model.end_run(self.files, partial(self.owner, table), complete=not refused)
            return refused

        @precondition(lambda self: self.files)
        @rule(data=st.data())
        def reload(self, data: st.DataObject) -> None:
            path = data.draw(st.sampled_from(sorted(self.files)))
            report = run(self.changing(), selection=Selection(reload=(self.root / path,)))
            assert self.failed(report) == set()
            for table, model in self.models.items():
                model.reload(path, self.files[path], partial(self.owner, table))

        @precondition(lambda self: self.has_rows)
        @rule(data=st.data(), with_schema=st.booleans(), hold=st.booleans())
        def revert(self, data: st.DataObject, with_schema: bool, hold: bool) -> None:
            loaded = [(table, content) for table, model in self.models.items() for content in sorted(model.loaded)]
            table, content = data.draw(st.sampled_from(loaded))
            path = self.models[table].loaded[content]
            # With one part reverted, a copy of the file would not be a duplicate, and would be loaded as a whole.
            if len(self.tables) > 1 or data.draw(st.booleans(), label="by its present path"):
                request = UndoRequest(source_file=str(self.root / path), schema=with_schema, hold=hold)
                reverted = [(one, part) for one, part in loaded if self.models[one].loaded[part] == path]
            else:
                number = next(past.id for past in self.imports(table) if self.content(past) == content)
                request = UndoRequest(import_id=number, schema=with_schema, hold=hold)
                reverted = [(table, content)]
            revert(self.changing(), request)
            for one, part in reverted:
                self.models[one].revert(part, hold=hold)

        @precondition(lambda self: self.has_rows and self.files)
        @rule()
        def run_with_a_foreign_history(self) -> None:
            self.changing()
            report = run(self.config(schema=f"{self.name}x", table_schema=self.schema))
            assert self.failed(report) == set(self.files)

        @precondition(lambda self: self.models["t"].loaded and self.files_have_all)
        @rule(tables=st.sampled_from(["etl_imports", "etl_imports, {0}.etl_schema_changes"]))
        def lose_the_history(self, tables: str) -> None:
            self.execute(f"DROP TABLE {self.schema}.{tables}, {{0}}.etl_quarantine".format(self.schema))
            for check in verify(self.config()).tables:
                if check.table.schema == self.schema:
                    known = self.models[check.table.name].loaded
                    assert [one.kind for one in check.differences] == [DifferenceKind.UNKNOWN] * len(known)
            before = [self.ids(table) for table in self.tables]
            assert self.failed(run(self.config())) == set(self.files)
            assert [self.ids(table) for table in self.tables] == before
            report = run(self.changing(), adopt=True)
            assert self.failed(report) == set()
            for table, model in self.models.items():
                model.lose_history(self.files, partial(self.owner, table))
            assert self.run_models() == set()

        @precondition(lambda self: self.has_rows)
        @rule()
        def lose_the_schema_changes(self) -> None:
            """No file is read or loaded without them; --adopt finds again what the tables show."""
            self.execute(f"DROP TABLE {self.schema}.etl_schema_changes")
            with pytest.raises(HistoryDamagedError):
                run(self.config())
            assert self.failed(run(self.changing(), adopt=True)) == self.run_models()

        # ── the promise ───────────────────────────────────────────────────────────────────────────────────────────────

        @invariant()
        def each_row_is_there_once_and_accounted_for(self) -> None:
            for schema, table in [(schema, table) for schema in sorted(self.touched) for table in self.tables]:
                model = self.all_models[schema][table]
                expected = sorted(row for content in model.loaded for row in _rows_of(table, content))
                assert self.ids(table, schema) == expected
                imports = self.imports(table, schema)
                assert {self.content(past): past.identity for past in imports} == model.loaded
                assert len(imports) == len(model.loaded)
                aside = sorted(-10 * content - 1 for content in model.loaded) if self.shape == "quarantine" else []
                assert self.set_aside(schema) == aside
                for check in verify(self.config(schema=schema)).tables:
                    if check.table.schema == schema:
                        assert (check.differences, check.unproved) == ((), ())
                    if (check.table.schema, check.table.name) == (schema, table):
                        assert (check.rows, check.imports) == (len(expected), len(model.loaded))
            self.touched.clear()

        def teardown(self) -> None:
            for suffix in ("", "b", "x"):
                self.execute(f"DROP SCHEMA IF EXISTS {self.name}{suffix} CASCADE")
            self.connection.close()
            shutil.rmtree(self.directory)

        # ── the database ──────────────────────────────────────────────────────────────────────────────────────────────

        def execute(self, statement: str) -> list[tuple[Any, ...]]:
            cursor = self.connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

        def ids(self, name: str, schema: str | None = None) -> list[int]:
            table = f"{schema or self.schema}.{name}"
            if self.execute(f"SELECT to_regclass('{table}')") == [(None,)]:
                return []
            if not self.execute(
                f"SELECT 1 FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = 'id' AND NOT attisdropped"
            ):
                return []
            return sorted(int(row[0]) for row in self.execute(f"SELECT id FROM {table}"))

        def imports(self, table: str, schema: str | None = None) -> list[ImportRow]:
            imports = (one for one in history(self.config(schema=schema)).entries if isinstance(one, ImportRow))
            return [one for one in imports if one.status == Status.LOADED and one.table.name == table]

        def set_aside(self, schema: str) -> list[int]:
            rows = self.execute(f"SELECT cells ->> 'id' FROM {schema}.etl_quarantine")
            return sorted(int(row[0]) for row in rows)

        def content(self, past: ImportRow) -> int:
            query = (
                f"SELECT id FROM {past.table.schema}.{past.table.name} WHERE load_timestamp = '{past.imported_at}' AND source_file = "
                f"'{past.source_file}' LIMIT 1"
            )
            return int(self.execute(query)[0][0]) // 10

        def owner(self, table: str, content: int) -> str | None:
            return next((past.identity for past in self.imports(table) if self.content(past) == content), None)

        def failed(self, report: RunReport) -> set[str]:
            assert report.stopped is None
            return {one.source.identity for one in report.results if one.outcome is Outcome.FAILED}

    return Life


@pytest.mark.parametrize("policies", [(one,) for one in ON_CHANGED] if THOROUGH else [ON_CHANGED], ids="-".join)
def test_any_life_of_files_leaves_each_row_once(policies: Sequence[str], database_url: str, tmp_path: Path) -> None:
    run_state_machine_as_test(
        machine(database_url, tmp_path, policies),
        settings=settings(
            max_examples=int(os.environ.get("LIFE_EXAMPLES", "150")) if THOROUGH else 5,
            stateful_step_count=30 if THOROUGH else 7,
            deadline=None,
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


A, B, C = PATHS
COPIED = ("copy", A, B), ("copy", A, C)
REWRITTEN = ("write", A, 3, ""), ("write", B, 4, "")
GONE = ("write", A, 3, ""), ("delete", B)
LIVES = {
    "copy rewritten": [COPIED[:1], REWRITTEN],
    "copies rewritten": [COPIED, (*REWRITTEN, ("write", C, 4, ""))],
    "copy deleted": [COPIED[:1], GONE],
    "copies deleted": [COPIED, (*GONE, ("delete", C))],
    "copy deleted, copy rewritten": [COPIED, (*GONE, ("write", C, 4, ""))],
    "heir replaced": [[("rename", A, C)], [("rename", B, C)]],
    "heir of an heir replaced": [COPIED[:1], REWRITTEN[:1], [("rename", B, C)], [("rename", A, C)]],
}


@pytest.mark.parametrize("on_missing", ["revert", "keep"])
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
def test_changed_copies_leave_no_old_row(life: list[Any], on_missing: str, database_url: str, tmp_path: Path) -> None:
    begun: Any = machine(database_url, tmp_path)()
    begun.begin("replace", on_missing, "one table")
    for steps in life:
        begun.live(steps)
        begun.each_row_is_there_once_and_accounted_for()
    begun.teardown()
