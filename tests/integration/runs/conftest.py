"""Jobs: a folder of workbooks, a schema of a database, and runs of the console script that can be held and killed.

A run is a process of its own, forked from one that has imported everything, since what is tried here needs dozens.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
import xlsxwriter
from psycopg import sql

from tests.servers import through_pooler

MakeJob: TypeAlias = "Callable[..., Job]"

HEAVY = os.environ.get("PGDATAHUB_HEAVY") == "1"
TIMEOUT_SECONDS = 120.0

_MODULES = ("pgdatahub.cli.app", "pgdatahub.cli.run", "pgdatahub.cli.resume", "pgdatahub.runs.run")
_MAIN = """
import os, signal, sys
# As in a terminal, also if the tests run under nohup or in a shell's background, which ignore these.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.environ.update({environment!r})
os.chdir({directory!r})
for number, name in ((1, "out"), (2, "err")):
    os.dup2(os.open({log!r} + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
sys.argv = ["pgdatahub", *{arguments!r}]
{prelude}
from pgdatahub.cli.app import main
main()
"""


@dataclass(kw_only=True)
class Running:
    """A run that has been started."""

    process: BaseProcess
    log: Path
    faults: Path

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def wait(self, seconds: float = TIMEOUT_SECONDS) -> int:
        """Wait for its end and return its exit code, negative for a signal."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"it hangs: {self.errors}"
        return self.process.exitcode

    def kill(self, number: int = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, number)

    def wait_held(self) -> int:
        """Wait until a process is held at its fault; return its number."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while not (self.faults / "held").exists() or not (self.faults / "held").read_text():
            assert self.process.exitcode is None, f"it ended before: {self.errors}"
            assert time.monotonic() < end, f"it never came there: {self.errors}"
            time.sleep(0.005)
        return int((self.faults / "held").read_text())

    def let_go(self) -> None:
        (self.faults / "held").unlink()

    @property
    def output(self) -> str:
        return Path(f"{self.log}out").read_text()

    @property
    def errors(self) -> str:
        return Path(f"{self.log}err").read_text()

    @property
    def report(self) -> dict[str, Any]:
        """Output of ``--format json``."""
        content: dict[str, Any] = json.loads(self.output)
        return content


@dataclass(kw_only=True)
class TableState:
    """Loaded tables, independent of data root and schema."""

    imported: list[str]
    tables: dict[str, tuple[dict[str, str], list[str]]]
    objects: list[tuple[Any, ...]]


@dataclass(kw_only=True)
class Job:
    """A data root, a place in a database, and a place for the state of runs."""

    root: Path
    directory: Path
    url: str
    schema: str
    environment: dict[str, str] = field(default_factory=dict)
    _runs: int = 0

    @property
    def pause_file(self) -> Path:
        return self.directory / ".etl_pause.json"

    @property
    def temporary(self) -> Path:
        return self.directory / "tmp"

    @property
    def pause(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.pause_file.read_text())
        return content

    def start(self, *arguments: str, fault: str | None = None, prelude: str = "", **environment: str) -> Running:
        """Start the console script, ``run`` by default.

        Args:
            arguments: The command and its options.
            fault: ``POINT:ACTION:TURN``.
            prelude: Python that the process runs before.
            environment: Variables.
        """
        self._runs += 1
        log = self.directory / f"{self._runs}."
        faults = self.directory / f"{self._runs}.faults"
        faults.mkdir()
        self.temporary.mkdir(exist_ok=True)
        given = {
            "DATABASE_URL": through_pooler(self.url),
            "ETL_SCHEMA": self.schema,
            "ETL_DATA_ROOT": str(self.root),
            "ETL_WORKERS": "1",
            "TMPDIR": str(self.temporary),
            "PGDATAHUB_FAULT": f"{fault}:{faults}" if fault else "",
            **self.environment,
            **environment,
        }
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_MODULES))
        code = _MAIN.format(
            environment=given,
            directory=str(self.directory),
            log=str(log),
            arguments=list(arguments or ("run", "--quiet")),
            prelude=prelude,
        )
        process = context.Process(target=exec, args=(code, {"__name__": "__job__"}))
        process.start()
        return Running(process=process, log=log, faults=faults)

    def run(self, *arguments: str, fault: str | None = None, prelude: str = "", **environment: str) -> Running:
        """Start the console script and wait for its end."""
        running = self.start(*arguments, fault=fault, prelude=prelude, **environment)
        running.wait()
        return running

    def load(self, *arguments: str, **environment: str) -> Running:
        """Run, and have it succeed."""
        running = self.run(*arguments, **environment)
        assert running.wait() == 0, running.errors + running.output
        return running

    # ── what is in the database ───────────────────────────────────────────────────────────────────────────────────────

    def query(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, options=f"-c search_path={self.schema}") as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.url, options=f"-c search_path={self.schema}") as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def lose_connections(self) -> None:
        """End all of pgdatahub's connections to this database; other tests have others on the same server."""
        self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'pgdatahub' AND datname = current_database()"
        )

    def imported(self) -> list[str]:
        """Return the identity of every import, as often as it is loaded."""
        if not self.query("SELECT FROM pg_tables WHERE schemaname = %s AND tablename = 'etl_imports'", self.schema):
            return []
        return sorted(row[0] for row in self.query("SELECT identity FROM etl_imports WHERE status = 'loaded'"))

    def objects(self) -> list[tuple[Any, ...]]:
        """Return every relation, type and function of the schema."""
        return self.query(
            """
            SELECT 'relation', relname, relkind::text FROM pg_class WHERE relnamespace = %s::regnamespace
             UNION ALL SELECT 'type', typname, typtype::text FROM pg_type WHERE typnamespace = %s::regnamespace
                -- Before PostgreSQL 14 a sequence has a type.
                AND typrelid NOT IN (SELECT oid FROM pg_class WHERE relkind = 'S')
             UNION ALL SELECT 'function', proname, prokind::text FROM pg_proc WHERE pronamespace = %s::regnamespace
             ORDER BY 1, 2, 3
            """,
            *[self.schema] * 3,
        )

    def tables(self) -> dict[str, tuple[dict[str, str], list[str]]]:
        """Return for each table its columns with their types, and its rows without the moment of loading, sorted."""
        names = [
            name
            for (name,) in self.query("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", self.schema)
            if not name.startswith("etl_")
        ]
        return {name: (self._columns(name), self._rows(name)) for name in names}

    def _columns(self, table: str) -> dict[str, str]:
        return dict(
            self.query(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                f"{self.schema}.{table}",
            )
        )

    def _rows(self, table: str) -> list[str]:
        query = sql.SQL("SELECT (to_jsonb(t) - 'load_timestamp')::text FROM {} t").format(
            sql.Identifier(self.schema, table)
        )
        with psycopg.connect(self.url) as connection:
            # The same wherever the data root is.
            return sorted(row[0].replace(str(self.root), "") for row in connection.execute(query))

    def standing(self) -> TableState:
        return TableState(imported=self.imported(), tables=self.tables(), objects=self.objects())

    def assert_loaded_like(self, other: Job | TableState) -> None:
        """Every file is in once, and the tables, and whatever else is there, are as in ``other``."""
        expected = other.standing() if isinstance(other, Job) else other
        assert self.imported() == expected.imported
        assert self.tables() == expected.tables
        assert self.objects() == expected.objects

    def assert_like(self, other: Job | TableState) -> None:
        """All is as in ``other``, and nothing else is anywhere."""
        self.assert_loaded_like(other)
        assert list(self.temporary.iterdir()) == []
        assert not self.pause_file.exists()
        assert (
            self.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = %s::oid", self._database) == []
        )

    @property
    def _database(self) -> int:
        oid: int = self.query("SELECT oid::int FROM pg_database WHERE datname = current_database()")[0][0]
        return oid


def write_workbook(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """Write a workbook of one sheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = xlsxwriter.Workbook(path, {"in_memory": True})
    # The same bytes whenever it is written.
    workbook.set_properties({"created": datetime(2026, 1, 1, tzinfo=timezone.utc)})
    sheet = workbook.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    workbook.close()
    return path


def fill(root: Path, *, files: int, tables: int, rows: int = 20, seed: int = 7) -> list[str]:
    """Write workbooks whose columns and types keep widening; return their identities.

    Args:
        root: The data root.
        files: How many workbooks in all.
        tables: Over how many folders.
        rows: Rows in each.
        seed: Of the values.
    """
    chance = random.Random(seed)  # noqa: S311 - the same values each time
    # A kind of value at a time: what a file needs of its column is INTEGER, BIGINT, DOUBLE or TEXT.
    kinds: tuple[Callable[[int], object], ...] = (
        lambda row: row,
        lambda row: row + 5_000_000_000,
        lambda row: row + 0.25,
        lambda row: f"n{row}",
    )
    identities = []
    for number in range(files):
        identity = f"t{number % tables}/f{number:03}.xlsx"
        kind = kinds[chance.choices(range(4), (6, 2, 2, 1))[0]]
        extra = f"extra {chance.randrange(4)}"
        body = [[number * 1000 + row, kind(row), chance.random(), f"text {number} {row}"] for row in range(rows)]
        write_workbook(root / identity, [["id", "value", extra, "words"], *body])
        identities.append(identity)
    return sorted(identities)


@pytest.fixture
def make_job(tmp_path: Path, database_url: str) -> MakeJob:
    """Make jobs that share a data root and a database, each with a schema of its own."""
    jobs: list[Job] = []

    def make(**environment: str) -> Job:
        directory = tmp_path / f"job{len(jobs)}"
        directory.mkdir()
        job = Job(
            root=tmp_path / "data",
            directory=directory,
            url=database_url,
            schema=f"s_{secrets.token_hex(4)}",
            environment=environment,
        )
        jobs.append(job)
        return job

    (tmp_path / "data").mkdir()
    return make


@pytest.fixture
def job(make_job: MakeJob) -> Job:
    """One job."""
    return make_job()


@pytest.fixture(scope="session")
def standings() -> dict[str, TableState]:
    """Tables that undisturbed runs make of data roots; many tests have the same files."""
    return {}


@pytest.fixture
def expected(make_job: MakeJob, standings: dict[str, TableState]) -> Callable[[], TableState]:
    """Load the data root undisturbed, and return what to compare with."""

    def load() -> TableState:
        undisturbed = make_job()
        digest = sha256()
        for path in sorted(undisturbed.root.rglob("*.xlsx")):
            digest.update(path.relative_to(undisturbed.root).as_posix().encode() + path.read_bytes())
        key = digest.hexdigest()
        if key not in standings:
            undisturbed.load()
            standings[key] = undisturbed.standing()
        return standings[key]

    return load
