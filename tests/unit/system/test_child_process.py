"""Rules of child processes, with a program that breaks them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pgdatahub.system.child_process import ChildProcess

PROGRAM = """
import os, subprocess, sys, time

def serve(channel, *arguments):
    while request := channel.receive():
        if request == b"sleep":
            time.sleep(2)
        elif request == b"print":
            print("noise", sys.stdin.read(), flush=True)
            subprocess.run(["cat"], check=True)
        elif request == b"exit":
            sys.exit(3)
        elif request == b"half":
            os.write(channel._messages.fileno(), b"12345")
            os._exit(0)
        elif request == b"length":
            os.write(channel._messages.fileno(), b"x" * 8)
        elif request == b"grow":
            request = str(len(bytearray(24 << 20))).encode()
        elif request == b"environment":
            request = repr(dict(os.environ)).encode()
        elif request == b"arguments":
            request = repr(arguments).encode()
        elif request == b"limits":
            import resource
            names = "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_AS"
            request = repr([resource.getrlimit(getattr(resource, name))[0] for name in names]).encode()
        channel.send(request)
"""
LIMITS = {"RLIMIT_AS": 256 << 20}
both = pytest.mark.parametrize("confined", [None, LIMITS], ids=["worker", "confined"])
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")

Start = Callable[..., ChildProcess]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start children that run the program, and end them after the test."""
    (tmp_path / "breaking_child.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with ExitStack() as resources:

        def make(*arguments: str, timeout: float = 60, confined: dict[str, int] | None = None) -> ChildProcess:
            child = ChildProcess("breaking_child", *arguments, timeout=timeout, confined=confined)
            resources.callback(child.close)
            return child

        yield make


def _ask(child: ChildProcess, request: bytes) -> bytes:
    child.send(request)
    return child.receive()


def _died(child: ChildProcess) -> str:
    with pytest.raises(EOFError):
        child.receive()
    return str(child.death())


@both
def test_messages_are_apart_from_input_and_output(start: Start, confined: dict[str, int] | None) -> None:
    child = start(confined=confined)
    assert [_ask(child, request) for request in (b"print", b"a" * 100_000)] == [b"print", b"a" * 100_000]


@both
def test_death_has_the_exit_code(start: Start, confined: dict[str, int] | None) -> None:
    child = start(confined=confined)
    child.send(b"exit")
    assert _died(child) == "exit code 3"


@both
def test_death_has_the_signal(start: Start, confined: dict[str, int] | None) -> None:
    child = start(confined=confined)
    _ask(child, b"ready")
    os.kill(child.pid, signal.SIGKILL)
    assert _died(child) == "SIGKILL"


@both
@pytest.mark.parametrize("request_", [b"half", b"length"])
def test_invalid_message_is_a_death(start: Start, confined: dict[str, int] | None, request_: bytes) -> None:
    child = start(confined=confined)
    child.send(request_)
    with pytest.raises(EOFError):
        child.receive()


def test_busy_worker_is_alive_beyond_its_patience(start: Start) -> None:
    assert _ask(start(timeout=1), b"sleep") == b"sleep"


def test_frozen_worker_is_killed(start: Start) -> None:
    child = start(timeout=1)
    _ask(child, b"ready")
    os.kill(child.pid, signal.SIGSTOP)
    assert _died(child) == "no sign of life"


def test_confined_process_is_killed_without_an_answer(start: Start) -> None:
    child = start(timeout=1, confined=LIMITS)
    child.send(b"sleep")
    assert _died(child) == "no sign of life"


def test_time_that_the_parent_was_stopped_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "breaking_child.py").write_text(PROGRAM, encoding="utf-8")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from pgdatahub.system.child_process import ChildProcess\n"
        f"child = ChildProcess('breaking_child', timeout=4, confined={LIMITS})\n"
        "for request in (b'ready', b'sleep', b'again'):\n"
        "    child.send(request)\n"
        "    print(child.receive(), flush=True)\n"
        "child.close()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert b"ready" in parent.stdout.readline()
        time.sleep(0.2)
        parent.send_signal(signal.SIGSTOP)
        time.sleep(5)
        parent.send_signal(signal.SIGCONT)
        assert parent.stdout.read() == b"b'sleep'\nb'again'\n"


@on_linux
def test_limits_follow_the_kind_of_child(start: Start) -> None:
    assert _ask(start(confined=LIMITS), b"limits") == repr([0, 1 << 20, 256 << 20]).encode()
    assert _ask(start(), b"limits").startswith(b"[0, -1, -1")


@on_linux
def test_messages_take_little_of_the_memory(start: Start) -> None:
    assert _ask(start(confined={"RLIMIT_AS": 64 << 20}), b"grow") == str(24 << 20).encode()


def test_confined_process_gets_no_secret(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    assert b"s3cret" not in _ask(start(confined=LIMITS), b"environment")
    assert b"s3cret" in _ask(start(), b"environment")


def test_arguments_reach_the_program(start: Start) -> None:
    assert _ask(start("a", "ü"), b"arguments") == repr(("a", "ü")).encode()


def test_idle_child_exits_by_itself(start: Start) -> None:
    child = start()
    _ask(child, b"ready")
    child.close(goodbye=30)
    assert child.death().code == 0
    child.close()
