"""The request: attempts, answers, and what an error may say."""

from __future__ import annotations

import socket
import traceback
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from pgdatahub_notify import webhook
from pgdatahub_notify.webhook import post

from pgdatahub.errors import PluginError

if TYPE_CHECKING:
    from conftest import Receiver


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WAITS_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.5)


def test_a_passing_failure_is_tried_again(receiver: Receiver) -> None:
    receiver.answers = [503, 429]
    post(f"http://127.0.0.1:{receiver.port}/hook", b"{}")
    assert receiver.bodies == [b"{}"] * 3


def test_after_three_attempts_it_is_over(receiver: Receiver) -> None:
    receiver.answers = [500] * 9
    with pytest.raises(PluginError, match="answered 500"):
        post(f"http://127.0.0.1:{receiver.port}/hook", b"{}")
    assert len(receiver.bodies) == 3


@pytest.mark.parametrize("answer", [400, 401, 404, 302, 307])
def test_what_another_attempt_cannot_change_is_not_tried_again(receiver: Receiver, answer: int) -> None:
    receiver.answers = [answer]
    with pytest.raises(PluginError, match=f"answered {answer}"):
        post(f"http://127.0.0.1:{receiver.port}/hook", b"{}")
    assert receiver.paths == ["/hook"]


def test_a_password_in_the_url_is_sent_as_authentication_and_not_in_the_path(receiver: Receiver) -> None:
    post(f"http://ann:p%40ss@127.0.0.1:{receiver.port}/hook?x=1#y", b"{}")
    assert receiver.paths == ["/hook?x=1"]
    assert receiver.authorizations == [f"Basic {b64encode(b'ann:p@ss').decode()}"]


def test_a_server_that_is_silent_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(PluginError, match="does not answer"):
            post(f"http://127.0.0.1:{silent.getsockname()[1]}/hook", b"{}")


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:hunter2@127.0.0.1:1/T0KEN",
        "http://ann:hunter2@host.invalid/T0KEN",
        "ftp://ann:hunter2@127.0.0.1/T0KEN",
        "http://ann:hunter2@127.0.0.1:port/T0KEN",
        "http://ann:hunter2@127.0.0.1:1/T0KEN and more\n",
        "hunter2/T0KEN",
    ],
)
def test_no_error_shows_the_secrets_of_the_url(url: str) -> None:
    with pytest.raises(PluginError) as caught:
        post(url, b"{}")
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert "hunter2" not in shown
    assert "T0KEN" not in shown
