"""A machine of random histories: a folder with a key, its two tables, and the model that they are compared with."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from pgdatahub.config import Config, load_config
from pgdatahub.errors import UndoError
from pgdatahub.model.results import Outcome
from pgdatahub.postgres.keyed.planned_keys import PlannedKeys
from pgdatahub.runs.plans.plan import plan
from pgdatahub.runs.plans.result import TablePlan
from pgdatahub.runs.run import Selection, run
from pgdatahub.runs.verification.result import DifferenceKind
from pgdatahub.runs.verification.verify import verify
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.rekey import rekey
from pgdatahub.undo.revert import revert
from tests.integration.keyed.key_model import COLUMNS, KeyFile, KeyModel, KeySettings, Texts, text_of
from tests.integration.undo.conftest import write_workbook

PATHS = ("2025-9.xlsx", "2025-10.xlsx", "2025-09.xlsx", "A.xlsx", "a.xlsx", "2025/1.xlsx", "b 10.xlsx", "b 9.xlsx")
POOLS: dict[str, list[Any]] = {
    "int": [1, 2, 3, 7],
    "big": [1, 7, 2**40],
    "float": [1, 2.5, 7.5, 7],
    "text": ["1", "7", "7.0", "x", "true", "2025-03-14", "2.5"],
    "date": [date(2025, 3, 14), date(2025, 3, 15)],
    "stamp": [datetime(2025, 3, 14), datetime(2025, 3, 14, 10, 30)],  # noqa: DTZ001 - workbooks know no time zones
    "bool": [True, False],
}
PROFILES = (
    *(("int",), ("int", "float"), ("int", "text"), ("int", "big", "float", "text")),
    *(("date", "stamp"), ("date", "stamp", "text"), ("bool", "text"), ("date", "int")),
)
SETTINGS = (
    *(KeySettings(newest=newest, duplicates="first") for newest in ("path", "path", "modified", "loaded", "u")),
    *(KeySettings(newest=newest, duplicates="last", key=("k1", "k2")) for newest in ("path", "u")),
    *(KeySettings(own=True), KeySettings(own=True, newest="u", duplicates="last")),
    *(KeySettings(flag=True), KeySettings(flag=True, newest="modified", duplicates="last")),
    *(KeySettings(on_changed="append", duplicates="last"), KeySettings(newest="u", on_changed="append")),
    *(KeySettings(mode="snapshot"), KeySettings(mode="snapshot", newest="modified")),
)


def make_file(chance: random.Random, options: KeySettings, profile: tuple[str, ...]) -> KeyFile:
    columns = list(COLUMNS) if chance.random() < 0.7 else chance.sample(COLUMNS, chance.randint(2, 4))
    columns += [name for name in ("k1", "k2") if name not in columns and chance.random() < 0.9]
    if options.newest == "u" and "u" not in columns:
        columns.append("u")
    kinds = {"k1": chance.choice(profile), "k2": chance.choice(["int", "int", "text", "bool"])}

    def value(name: str) -> object:
        if name in kinds:
            return None if chance.random() < 0.02 else chance.choice(POOLS[kinds[name]])
        if name == "u":
            return chance.choice([None, 1, 2, 3])
        return None if chance.random() < 0.2 else chance.choice(POOLS[chance.choice(["int", "float", "text", "bool"])])

    rows: list[tuple[Any, ...]] = []
    seen = set()
    for _ in range(chance.choice([0, 1, 2, 3, 5])):
        row = tuple(value(name) for name in columns)
        if all(one is None for one in row):
            continue
        key = tuple(text_of(row[columns.index(name)]) if name in columns else "" for name in options.key)
        if key in seen and chance.random() < (0.95 if options.duplicates == "fail" else 0.4):
            continue
        seen.add(key)
        rows.append(row)
    path = chance.choice(PATHS)
    return KeyFile(path=path, columns=tuple(columns), rows=tuple(rows), modified=chance.randint(0, 3))


def machine(
    database_url: str, directory: Path, *, examples: Iterator[int] | None = None
) -> type[RuleBasedStateMachine]:
    """Return the machine of random histories.

    Args:
        database_url: An empty database.
        directory: The place of the data roots.
        examples: Advanced with each history.
    """
    numbers = count(1)
    counted = examples or count()

    class Histories(RuleBasedStateMachine):
        """A folder with a key, its two tables, and the model."""

        @initialize(options=st.sampled_from(SETTINGS), profile=st.sampled_from(PROFILES), seed=st.integers(0, 2**20))
        def begin(self, options: KeySettings, profile: tuple[str, ...], seed: int) -> None:
            next(counted)
            self.options, self.profile, self.chance = options, profile, random.Random(seed)  # noqa: S311 - no secret
            self.name = f"h{next(numbers)}"
            self.directory = directory / self.name
            self.model = KeyModel(options)
            self.loads = count(1)
            self.files: list[KeyFile] = []
            self.ids: dict[int, int] = {}
            self.identities: dict[object, int] = {}
            self.is_exact = True
            self.connection = psycopg.connect(database_url, autocommit=True, prepare_threshold=None)
            self.make_own_table()

        # ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────

        @rule()
        def load_a_file(self) -> None:
            self.load(make_file(self.chance, self.options, self.profile))

        @rule()
        def load_another_file(self) -> None:
            self.load(make_file(self.chance, self.options, self.profile))

        @precondition(lambda self: self.files)
        @rule(elsewhere=st.booleans())
        def load_a_file_again_or_its_copy(self, elsewhere: bool) -> None:
            old = self.chance.choice(self.files)
            path = self.chance.choice(PATHS) if elsewhere else old.path
            self.load(KeyFile(path=path, columns=old.columns, rows=old.rows, modified=old.modified))

        @precondition(lambda self: self.model.live)
        @rule(with_schema=st.booleans())
        def revert(self, with_schema: bool) -> None:
            file, at = self.chance.choice(self.model.live)
            number = self.import_id(at)
            with_schema = with_schema and not self.model.hand
            revert(self.config(), UndoRequest(import_id=number, schema=with_schema))
            self.is_exact &= with_schema
            self.model.live.remove((file, at))
            self.agree()

        @precondition(lambda self: self.options.mode == "merge" and self.exists())
        @rule()
        def insert_by_hand(self) -> None:
            types = dict(self.types())
            if types.get("k1") not in ("integer", "bigint", "text") or types.get("k2") not in ("integer", "text"):
                return
            ordered = "u" in types and self.options.newest == "u"
            u = self.chance.choice(["", "2", "9"]) if ordered else ""
            row = (str(self.chance.choice([1, 2, 3, 7, 99])), str(self.chance.choice([1, 7])), u, "", "hand")
            if any(tuple(self.texts_key(row)) == key for key in list(self.model.keys())):
                return
            self.is_exact = False
            extra = (", missing", ", true") if self.options.flag and self.model.live else ("", "")
            extra = (f"{extra[0]}, u", f"{extra[1]}, {u}") if u else extra
            self.execute(f"INSERT INTO {self.name} (k1, k2{extra[0]}) VALUES ('{row[0]}', '{row[1]}'{extra[1]})")
            self.model.hand.append(row)
            self.agree()

        @precondition(lambda self: self.options.mode == "merge" and self.model.live and self.exists())
        @rule()
        def rekey(self) -> None:
            """Change the key, or take it away and give it back; rows that cannot be ordered again are refused."""
            key = self.chance.choice([("k1",), ("k1", "k2"), ("k2",), ()])
            if any(name not in dict(self.types()) for name in key) or (not key and self.model.hand):
                return
            before, self.options = self.options, replace(self.options, key=key or self.options.key, mode="merge")
            self.identities.clear()  # a row of the companion comes back with a number of its own
            model = KeyModel(self.options, self.model.live, self.model.hand)
            if not key:
                self.options = replace(self.options, mode="append", newest="path", flag=False, duplicates="fail")
                rekey(self.config(), self.name)
                self.options = before
            try:
                rekey(self.config(), self.name)
                assert model.can_be_ordered()
                self.model = model
            except UndoError:
                assert not model.can_be_ordered()
                self.options = before
                if not key:  # the table has lost its key
                    self.name, self.model, self.files = f"h{next(numbers)}", KeyModel(self.options), []
                    self.make_own_table()
                    self.is_exact = True
            self.agree()

        def load(self, file: KeyFile, model: KeyModel | None = None) -> None:
            model = model or self.model
            before = model.keys()
            known, is_new = model.known(file), not self.exists() or "u" not in dict(self.types())
            fails = not known and model.fails(file, is_first=is_new)
            self.write(file)
            planned = self.plan(file.path)
            shown = Counter(row[:-1] for row in model.state()[0])
            report = run(self.config(), selection=Selection(paths=(self.directory / self.name / file.path,)))
            (result,) = report.results
            expected = Outcome.SKIPPED if known else Outcome.FAILED if fails else Outcome.LOADED
            assert result.outcome is expected, (file, result.failure or result.reason)
            assert planned.files[0].action == {"loaded": "load", "skipped": "skip", "failed": "fail"}[expected.value], (
                planned,
                result,
            )
            if expected is Outcome.LOADED:
                replaces = any(one.path == file.path for one, _ in model.live)
                self.is_exact &= not replaces
                at = next(self.loads)
                model.load(file, at)
                self.files.append(file)
                self.remember(at)
                if not replaces or self.options.on_changed == "replace":
                    self.check_plan(planned, file, before, model, shown)
                if self.options.mode == "merge" and not replaces:
                    self.check_counts(file, before, model.keys())
            self.agree(model)

        def check_plan(
            self, planned: TablePlan, file: KeyFile, before: dict[Any, Texts], model: KeyModel, shown: Counter[Texts]
        ) -> None:
            """Check that the plan foretold the keys, or the rows of a snapshot."""
            if self.options.mode == "merge":
                after = model.keys()
                mine = {key: row for key, row in after.items() if row[-1] == file.path}
                same = sum(key in before and before[key][:-1] == row[:-1] for key, row in mine.items())
                new, keys = sum(key not in before for key in mine), model.keys_of(file)
                expected = PlannedKeys(
                    new=new, replaced=len(mine) - new - same, unchanged=same, older=len(keys - mine.keys())
                )
            else:
                then = model.state()[0]
                rows = Counter(row[:-1] for row in then)
                same = (rows & shown).total()
                wins = all(row[-1] == file.path for row in then) and (not file.rows or bool(then))
                expected = PlannedKeys(
                    new=rows.total() - same if wins else 0,
                    replaced=shown.total() - same if wins else 0,
                    unchanged=same if wins else 0,
                    older=0 if wins else len(file.rows),
                    of="rows",
                )
            assert planned.keys == expected, (planned.keys, expected, before, file, model.state())

        def check_counts(self, file: KeyFile, before: dict[Any, Texts], after: dict[Any, Texts]) -> None:
            mine = {key: row for key, row in after.items() if row[-1] == file.path}
            told = self.execute(
                f"SELECT counts FROM etl_imports WHERE table_name = '{self.name}' ORDER BY id DESC LIMIT 1"
            )[0][0]
            expected = {
                "keys new": sum(key not in before for key in mine),
                "keys replaced": sum(key in before for key in mine),
                "keys unchanged": sum(before.get(key, ("",))[:-1] == row[:-1] for key, row in mine.items()),
                "rows that lose to another row of their key": len(file.rows) - len(mine),
            }
            assert {name: told.get(name, 0) for name in expected} == expected

        # ── the promise ───────────────────────────────────────────────────────────────────────────────────────────────

        def agree(self, model: KeyModel | None = None) -> None:
            table, companion, missing = (model or self.model).state()
            assert self.rows(self.name) == table
            assert self.rows(f"{self.name}_replaced") == companion
            if self.options.flag:
                assert self.rows(self.name, "missing") == missing
            if self.options.own:
                self.check_identities()

        def check_identities(self) -> None:
            """Check that each key that stays keeps the identity of its row, a column of the user's own."""
            if any(name not in dict(self.types()) for name in self.options.key):
                return
            names = ", ".join(f"{name}::text" for name in self.options.key)
            found: dict[object, int] = {
                tuple(key): number for number, *key in self.execute(f"SELECT id, {names} FROM {self.name}")
            }
            assert {key: found[key] for key in found.keys() & self.identities} == {
                key: self.identities[key] for key in found.keys() & self.identities
            }
            self.identities = found

        def teardown(self) -> None:
            if hasattr(self, "connection"):
                try:
                    self.check_with_verify()
                    self.load_in_other_orders()
                    self.execute(f"DROP TABLE IF EXISTS {self.name}, {self.name}_replaced")
                finally:
                    self.connection.close()
                    shutil.rmtree(self.directory, ignore_errors=True)

        def check_with_verify(self) -> None:
            (check,) = verify(self.config(), tables=[self.name]).tables if self.exists() and self.files else (None,)
            if check is not None:
                kinds = {one.kind for one in check.differences}
                assert kinds <= ({DifferenceKind.UNNAMED} if self.model.hand else set()), check.differences

        def load_in_other_orders(self) -> None:
            """Load the files afresh, in two orders; what reverted files did to the columns is undone."""
            files = [file for file, _ in self.model.live]
            alone = len({file.path for file in files}) == len(files)
            if self.options.newest == "loaded" or not alone or not files:
                return
            pictures = [(self.model.state(), self.types())] if self.is_exact else []
            for _ in range(2 if len(files) > 1 else 1):
                self.name = f"h{next(numbers)}"
                self.identities = {}
                self.make_own_table()
                self.check_plan_of_all(files)
                self.chance.shuffle(files)
                model = KeyModel(self.options)
                for file in sorted(files, key=lambda one: "u" not in one.columns and self.options.newest == "u"):
                    self.load(file, model)
                pictures.append((model.state(), self.types()))
            assert all(picture == pictures[0] for picture in pictures)

        def check_plan_of_all(self, files: list[KeyFile]) -> None:
            """Check that the plan of all files foretells the keys of a new table."""
            if self.options.own or (self.options.newest == "u" and any("u" not in one.columns for one in files)):
                return
            for file in files:
                self.write(file)
            model = KeyModel(self.options, [(file, 0) for file in files])
            table, companion, _ = model.state()
            is_merge = self.options.mode == "merge"
            (planned,) = plan(self.config(), selection=Selection(paths=(self.directory / self.name,))).tables
            assert planned.keys == PlannedKeys(
                new=len(table),
                replaced=0,
                unchanged=0,
                older=0 if is_merge else len(companion),
                of="keys" if is_merge else "rows",
            )
            shutil.rmtree(self.directory / self.name)

        # ── the database ──────────────────────────────────────────────────────────────────────────────────────────────

        def config(self) -> Config:
            self.directory.mkdir(parents=True, exist_ok=True)
            file = self.directory / "etl_config.yaml"
            file.write_text(self.options.yaml(self.name))
            root = {"data_root": str(self.directory), "state_dir": str(self.directory), "workers": 1}
            return load_config(overrides={"database_url": database_url, **root}, config_file=file)

        def plan(self, path: str) -> TablePlan:
            (table,) = plan(self.config(), selection=Selection(paths=(self.directory / self.name / path,))).tables
            return table

        def write(self, file: KeyFile) -> None:
            path = self.directory / self.name / file.path
            write_workbook(path, file.columns, file.rows)
            os.utime(path, (1_700_000_000 + file.modified, 1_700_000_000 + file.modified))

        def make_own_table(self) -> None:
            if self.options.own:
                self.execute(f"CREATE TABLE {self.name} (id int GENERATED ALWAYS AS IDENTITY)")

        def texts_key(self, row: Texts) -> list[str]:
            return [row[COLUMNS.index(name)] for name in self.options.key]

        def remember(self, at: int) -> None:
            (number,) = self.execute(f"SELECT max(id) FROM etl_imports WHERE table_name = '{self.name}'")[0]
            self.ids[at] = number

        def import_id(self, at: int) -> int:
            return self.ids[at]

        def exists(self) -> bool:
            return self.execute(f"SELECT to_regclass('{self.name}')") != [(None,)]

        def types(self) -> list[tuple[Any, ...]]:
            return self.execute(
                "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
                f" WHERE attrelid = '{self.name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"
            )

        def rows(self, table: str, condition: str = "true") -> list[Texts]:
            if self.execute(f"SELECT to_regclass('{table}')") == [(None,)]:
                return []
            cursor = self.connection.execute(f"SELECT * FROM {table} WHERE {condition}".encode())
            names = [one.name for one in cursor.description or ()]
            found = []
            for values in cursor.fetchall():
                row = dict(zip(names, values, strict=True))
                file = row["source_file"]
                prefix = f"{self.directory}/{self.name}/"
                found.append(
                    (*(text_of(row.get(name)) for name in COLUMNS), file.removeprefix(prefix) if file else "hand")
                )
            return sorted(found)

        def execute(self, statement: str) -> list[tuple[Any, ...]]:
            cursor = self.connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return Histories
