"""The installed console script, run as a person runs it: a process of its own, in a directory, with an environment."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import xlsxwriter
from psycopg import sql

from pgdatahub.postgres.server.temporary import drop_database

PROJECT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("pgdatahub")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Result of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, which must be JSON and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """Its one line of error; there must be exactly one, no traceback, and nothing of a password."""
        assert "Traceback" not in self.err + self.out
        assert "s3cret" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert self.err.endswith(lines[0] + "\n")
        return lines[0]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A working directory with a data root in it, and where its rows go.

    Attributes:
        directory: The working directory.
        url: The database; None leaves it to the embedded server.
        environment: Variables beside those of the tests.
    """

    directory: Path
    url: str | None
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str | Path) -> list[str]:
        return [str(SCRIPT), *map(str, arguments)]

    def variables(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        variables = {**os.environ, "COLUMNS": "120", **self.environment}
        if self.url is not None:
            variables["DATABASE_URL"] = self.url
        for name, value in (more or {}).items():
            variables.pop(name, None)
            if value is not None:
                variables[name] = value
        return variables

    def run(self, *arguments: str | Path, **environment: str | None) -> Finished:
        """Run the console script to its end; a variable that is None is unset."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.directory,
            env=self.variables(environment),
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return Finished(code=done.returncode, out=done.stdout, err=done.stderr)

    def write(self, file: str, rows: Sequence[Sequence[object]]) -> Path:
        """Write a workbook below the data root."""
        path = self.directory / "data" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        workbook = xlsxwriter.Workbook(path)
        sheet = workbook.add_worksheet("Sheet1")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        workbook.close()
        return path

    def query(self, query: str) -> list[tuple[Any, ...]]:
        assert self.url is not None
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    """An empty directory and an empty database."""
    return Place(directory=tmp_path, url=database_url)


@pytest.fixture
def unserved(tmp_path: Path) -> Place:
    """An empty directory, no server anywhere, and a home for one that nothing must make."""
    return Place(
        directory=tmp_path,
        url=None,
        environment={"PGDATAHUB_HOME": str(tmp_path / "home")},
    )


@pytest.fixture(scope="session")
def quickstart_place(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A copy of the quickstart in a directory, with a database for all tests that only look."""
    directory = tmp_path_factory.mktemp("acceptance") / "quick start"
    shutil.copytree(PROJECT / "examples" / "quickstart", directory)
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        parts = urlsplit(server_url)
        yield Place(
            directory=directory,
            url=re.sub(rf"^({parts.scheme}://[^/]*/)[^?]*", rf"\g<1>{name}", server_url),
        )
    drop_database(server_url, name)


@pytest.fixture(scope="session")
def first_run(quickstart_place: Place) -> Finished:
    """The first run over the quickstart."""
    return quickstart_place.run("run")


@pytest.fixture(scope="session")
def second_run(quickstart_place: Place, first_run: Finished) -> Finished:
    """The second run over the quickstart, as JSON."""
    assert first_run.code == 0
    return quickstart_place.run("run", "--format", "json")
