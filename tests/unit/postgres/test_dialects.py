"""Servers by what ``version()`` says there: what is let in, and what is refused and why."""

from __future__ import annotations

import pytest

from pgdatahub.postgres.server.dialects import SelfDescription, refusal

REDSHIFT = (
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), "
    "Redshift 1.0.12103"
)
COCKROACH = "CockroachDB CCL v20.1.15 (x86_64-unknown-linux-gnu, built 2021/04/26 16:11:58, go1.13.9)"
YUGABYTE_11 = "PostgreSQL 11.2-YB-2.21.1.0-b0 on x86_64-pc-linux-gnu"
YUGABYTE = "PostgreSQL 15.12-YB-2025.2.3.2-b0 on x86_64-pc-linux-gnu, compiled by clang version 19.1.0, 64-bit"
DEBIAN = "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit"


@pytest.mark.parametrize(
    ("version", "number"),
    [
        (DEBIAN, 150018),
        ("PostgreSQL 18.6 on x86_64-pc-linux-gnu, compiled by gcc (GCC) 14.2.1, 64-bit", 180006),
        ("PostgreSQL 12.0, compiled by Visual C++ build 1914, 64-bit", 120000),
    ],
)
def test_postgresql_is_let_in(version: str, number: int) -> None:
    assert refusal(SelfDescription(version=version, number=number)) is None


def test_cockroachdb_is_refused_with_the_reason() -> None:
    error = refusal(SelfDescription(version=COCKROACH, number=130000))
    assert error is not None
    assert "do not roll back" in error.message
    assert "Citus" in str(error.hint)


@pytest.mark.parametrize(("version", "number", "setting"), [(YUGABYTE_11, 110002, None), (YUGABYTE, 150012, "off")])
def test_yugabytedb_is_refused_without_transactional_ddl(version: str, number: int, setting: str | None) -> None:
    error = refusal(SelfDescription(version=version, number=number, ddl_in_transaction=setting))
    assert error is not None
    assert "without transactional DDL" in error.message
    assert "ysql_yb_ddl_transaction_block_enabled" in str(error.hint)


def test_yugabytedb_is_refused_if_copy_commits_within_a_file() -> None:
    error = refusal(
        SelfDescription(version=YUGABYTE, number=150012, ddl_in_transaction="on", rows_per_transaction="20000")
    )
    assert error is not None
    assert "yb_default_copy_from_rows_per_transaction = 0" in str(error.hint)


def test_yugabytedb_is_let_in_where_it_is_set_up_for_it() -> None:
    server = SelfDescription(version=YUGABYTE, number=150012, ddl_in_transaction="on", rows_per_transaction="0")
    assert refusal(server) is None


@pytest.mark.parametrize(
    ("version", "number", "name"),
    [(REDSHIFT, 80002, "Redshift"), ("PostgreSQL 11.9 on x86_64-pc-linux-gnu", 110009, "the server")],
)
def test_servers_that_are_too_old_are_refused(version: str, number: int, name: str) -> None:
    error = refusal(SelfDescription(version=version, number=number))
    assert error is not None
    assert error.message.startswith(name)
    assert "12 or newer" in str(error.hint)
