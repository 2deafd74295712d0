"""Retries: errors that are retried, the number of attempts, and errors that are not retried."""

from __future__ import annotations

import pytest

from pgdatahub.errors import ContentionError, DatabaseError, PgDataHubError, SchemaError, TransientDatabaseError
from pgdatahub.system import retry


@pytest.fixture(autouse=True)
def _without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def _failing(*errors: PgDataHubError) -> tuple[list[PgDataHubError], list[TransientDatabaseError]]:
    return list(errors), []


def test_transient_errors_are_retried_until_success() -> None:
    left, retried = _failing(
        TransientDatabaseError("lost"), ContentionError("deadlock"), TransientDatabaseError("lost")
    )

    def action() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    assert retry.with_retries(action, retried.append) == "answer"
    assert [error.message for error in retried] == ["lost", "deadlock", "lost"]


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (TransientDatabaseError("lost"), retry.LOST_WAITS),
        (ContentionError("deadlock"), retry.CONTENTION_WAITS),
    ],
)
def test_retries_end_after_the_last_wait(error: TransientDatabaseError, waits: tuple[float, ...]) -> None:
    attempts = 0
    retried: list[TransientDatabaseError] = []

    def action() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.raises(TransientDatabaseError) as raised:
        retry.with_retries(action, retried.append)
    assert raised.value is error
    assert attempts == len(waits) + 1
    assert len(retried) == len(waits)


@pytest.mark.parametrize("error", [DatabaseError("no such user"), SchemaError("a limit")])
def test_a_permanent_error_is_not_retried(error: PgDataHubError) -> None:
    attempts = 0

    def action() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.raises(PgDataHubError):
        retry.with_retries(action, lambda _error: None)
    assert attempts == 1
