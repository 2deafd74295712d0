"""Databases into which a paused run may be resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pgdatahub.config import Config
from pgdatahub.errors import PauseFileError
from pgdatahub.model.address import DatabaseAddress
from pgdatahub.postgres.database import Database
from pgdatahub.postgres.server.engine import create_engine
from pgdatahub.runs.pause_file import PauseState, read_pause, write_pause
from pgdatahub.runs.pausing import refuse_other_database

SERVER = DatabaseAddress(database="sales", host="db.example", port=5432, user="etl")
EMBEDDED = DatabaseAddress(database="pgdatahub", embedded=True)


def _database(address: DatabaseAddress, version: int) -> Database:
    conninfo = "host=127.0.0.1"
    return Database(
        engine=create_engine(conninfo),
        conninfo=conninfo,
        address=address,
        description=address.describe(_name(version)),
        server_version=version,
    )


def _name(version: int) -> str:
    return f"PostgreSQL {version // 10000}.{version % 10000}"


def _paused(address: DatabaseAddress, *, version: int = 150004) -> PauseState:
    return PauseState(
        run_id="20260101T000000Z-000000",
        paused_at="2026-01-01 00:00:00 UTC",
        reason="interrupted",
        destination=address.describe(_name(version)),
        address=address,
        server_version=version,
        options={},
        config_file=None,
        loaded=(),
        skipped=0,
        failed=(),
        remaining=(),
    )


@pytest.mark.parametrize("address", [SERVER, EMBEDDED])
def test_upgraded_server_is_the_same_database(address: DatabaseAddress) -> None:
    refuse_other_database(_paused(address), _database(address, 170002), Config())


@pytest.mark.parametrize(
    "other",
    [
        EMBEDDED,
        replace(SERVER, database="sales (PostgreSQL 15.4)"),
        replace(SERVER, host="other.example"),
        replace(SERVER, port=5433),
        replace(SERVER, user="other"),
    ],
)
def test_other_address_is_refused(other: DatabaseAddress) -> None:
    with pytest.raises(PauseFileError, match="the paused run loaded into"):
        refuse_other_database(_paused(SERVER), _database(other, 150004), Config())


def test_pause_file_without_address_compares_descriptions() -> None:
    paused = replace(_paused(SERVER), address=None, server_version=None)
    refuse_other_database(paused, _database(SERVER, 150004), Config())
    with pytest.raises(PauseFileError, match="the paused run loaded into"):
        refuse_other_database(paused, _database(EMBEDDED, 150004), Config())


def test_pause_file_keeps_the_address(tmp_path: Path) -> None:
    config = Config(state_dir=tmp_path)
    write_pause(config, _paused(SERVER))
    state = read_pause(config)
    assert state is not None
    assert state.address == SERVER
