"""Signals are handled while a run listens, mean what they say, and are given back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from pgdatahub.model.results import StopReason
from pgdatahub.runs.signals import Interruption, Leave

if not hasattr(signal, "SIGHUP"):
    pytest.skip("a process of this system cannot send itself a signal", allow_module_level=True)


@pytest.fixture(autouse=True)
def listening_to_signals() -> Iterator[None]:
    """Whatever started the tests may ignore Ctrl-C, as shells have it for what runs in the background."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_only_the_first_ctrl_c_waits_for_files_in_work() -> None:
    told: list[str] = []
    interruption = Interruption(tell=told.append)
    with interruption.listening(), interruption.finishing():
        _send(signal.SIGINT)
        assert interruption.reason is StopReason.INTERRUPTED
        assert len(told) == 1
        with pytest.raises(Leave) as left:
            _send(signal.SIGINT)
    assert left.value.reason is StopReason.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_do_not_wait(number: int) -> None:
    interruption = Interruption()
    with interruption.listening(), interruption.finishing(), pytest.raises(Leave) as left:
        _send(number)
    assert left.value.reason is StopReason.TERMINATED


def test_ctrl_c_leaves_at_once_where_nothing_is_in_work() -> None:
    interruption = Interruption()
    with interruption.listening(), pytest.raises(Leave):
        _send(signal.SIGINT)


def test_one_more_signal_does_not_disturb_the_leaving() -> None:
    interruption = Interruption()
    with interruption.listening():
        with pytest.raises(Leave):
            _send(signal.SIGTERM)
        _send(signal.SIGINT)
    assert interruption.reason is StopReason.TERMINATED


def test_handlers_are_restored_and_ignored_signals_kept() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption().listening():
            assert signal.getsignal(signal.SIGINT) is not before[signal.SIGINT]
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert {number: signal.getsignal(number) for number in before} == before
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_a_leave_is_no_exception_that_a_plugin_would_swallow() -> None:
    assert not issubclass(Leave, Exception)
