"""What is tried again, how often, and what is not."""

from __future__ import annotations

import pytest

from pgdatahub.errors import ContentionError, DatabaseError, PgDataHubError, SchemaError, TransientDatabaseError
from pgdatahub.system import retry


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def _failing(*errors: PgDataHubError) -> tuple[list[PgDataHubError], list[TransientDatabaseError]]:
    return list(errors), []


def test_what_gives_way_and_comes_back_is_tried_until_it_succeeds() -> None:
    left, told = _failing(TransientDatabaseError("lost"), ContentionError("deadlock"), TransientDatabaseError("lost"))

    def action() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    assert retry.persist(action, told.append) == "answer"
    assert [error.message for error in told] == ["lost", "deadlock", "lost"]


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (TransientDatabaseError("lost"), retry.LOST_WAITS),
        (ContentionError("deadlock"), retry.CONTENTION_WAITS),
    ],
)
def test_patience_ends(error: TransientDatabaseError, waits: tuple[float, ...]) -> None:
    attempts = 0
    told: list[TransientDatabaseError] = []

    def action() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.raises(TransientDatabaseError) as raised:
        retry.persist(action, told.append)
    assert raised.value is error
    assert attempts == len(waits) + 1
    assert len(told) == len(waits)


@pytest.mark.parametrize("error", [DatabaseError("no such user"), SchemaError("a limit")])
def test_what_would_fail_again_is_not_tried_again(error: PgDataHubError) -> None:
    attempts = 0

    def action() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.raises(PgDataHubError):
        retry.persist(action, lambda _error: None)
    assert attempts == 1
