"""A hermetic environment, and databases on a real server for the tests that ask for one.

``server_url`` and ``database_url`` use TEST_DATABASE_URL if it is set (a superuser, or a role with CREATEDB), else a
private server of this test run, made, started and stopped by the product's own supervisor.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from pgdatahub.config import Config
from pgdatahub.config.destination import Destination
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.postgres.server.engine import Engine
from tests.databases import DatabasePool, with_database
from tests.measured_children import measure_children
from tests.servers import through_pooler
from tests.systems import is_root, missing_name

_HOME = "PGDATAHUB_HOME"
KEPT = tuple(f"PGDATAHUB_{name}" for name in ("CORPUS", "FUZZ", "HEAVY", "JUDGE", "READER", "STRESS", "TEST"))
"""Beginnings of the variables that steer the tests.

PGDATAHUB_READER=python runs them as on an installation without the compiled core.
"""


def pytest_configure(config: pytest.Config) -> None:
    """Forget the caller's settings, and give the whole run, all its workers, one home for the embedded server."""
    # A machine under load may stop any example for longer than Hypothesis's limit of 0.2 seconds.
    settings.register_profile("pgdatahub", deadline=None)
    settings.load_profile("pgdatahub")
    if "COVERAGE_PROCESS_START" in os.environ:
        programs = tempfile.mkdtemp(prefix="pgdatahub-coverage-")
        measure_children(Path(programs))
        config.add_cleanup(lambda: shutil.rmtree(programs))
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist inherits the environment of its controller
    for name in list(os.environ):
        if name.startswith(("ETL_", "PGDATAHUB_", "PG")) and not name.startswith(KEPT):
            del os.environ[name]
    for name in ("DATABASE_URL", "SKIP_DB", "DEBUG"):
        os.environ.pop(name, None)
    # Where it is set, each process compiles the package again: 0.3 s of the 0.7 s that a command takes.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # A short path, since sockets need one, and not below pytest's own directory, which is closed to the account that
    # the server has when the tests run as root.
    home = tempfile.mkdtemp(prefix="pgdatahub-tests-")
    if is_root():
        Path(home).chmod(0o711)
    os.environ[_HOME] = home
    config.add_cleanup(lambda: _remove_home(Path(home)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip a test on macOS and Windows that itself uses what only Linux or POSIX systems have."""
    try:
        return (yield)
    except (AttributeError, ModuleNotFoundError, FileNotFoundError) as error:
        name = missing_name(error) if sys.platform != "linux" else None
        if name is not None:
            pytest.skip(f"the test needs {name}")
        raise


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return two workers more than there are cores: tests wait for servers, child processes and time limits."""
    cores = yield
    return cores if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else cores + 2


def _remove_home(home: Path) -> None:
    # A test that was killed may have left the server running.
    EmbeddedServer(EmbeddedSettings(home=home)).stop(force=True)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a server on which databases may be made."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Nothing here outlives the run, so nothing need survive the machine; the product never turns this off.
    settings = EmbeddedSettings(
        home=Path(os.environ[_HOME]),
        parameters={"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"},
    )
    with EmbeddedServer(settings) as server:
        with server.administration():  # one worker at a time
            _hash_password_once(server)
        yield server.url()


def _hash_password_once(server: EmbeddedServer) -> None:
    """Store the password as one hash instead of 4,096 in a row, which take 2 ms of each of some 15,000 connections."""
    with psycopg.connect(server.url(password=True), autocommit=True) as connection:
        connection.execute("SET scram_iterations = 1")
        query = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(query.format(sql.Identifier(connection.info.user), sql.Literal(connection.info.password)))


@pytest.fixture(scope="session", autouse=True)
def product_through_pooler() -> Iterator[None]:
    """Have the product, in this process, connect through the pooler that ``TEST_POOLER`` names; tests connect without it."""
    if "TEST_POOLER" not in os.environ:
        yield
        return
    destination, begin = Config.destination, Engine.__init__

    def pooled(config: Config) -> Destination:
        found: Destination = destination.fget(config)  # type: ignore[attr-defined]  # mypy sees a value, not a property
        return replace(found, conninfo=through_pooler(found.conninfo)) if found.conninfo else found

    def begin_pooled(engine: Engine, conninfo: str, *, keep_connection: bool) -> None:
        begin(engine, through_pooler(conninfo), keep_connection=keep_connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Config, "destination", property(pooled))
        patch.setattr(Engine, "__init__", begin_pooled)
        yield


@pytest.fixture(scope="session")
def databases(server_url: str) -> Iterator[DatabasePool]:
    """The empty databases of this worker."""
    pool = DatabasePool(server_url=server_url)
    yield pool
    pool.close()


@pytest.fixture
def database_url(databases: DatabasePool) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    name = databases.take()
    yield with_database(databases.server_url, name)
    databases.give_back(name)
