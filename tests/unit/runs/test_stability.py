"""Which files are whole."""

from __future__ import annotations

import math

from pgdatahub.runs.stability import Seen, Settling


def seen(*versions: int, open: bool = False) -> list[Seen]:  # noqa: A002 - as the value names it
    """Files ``a``, ``b`` … with these versions."""
    return [Seen(location="abcdef"[n], version=(version,), open=open) for n, version in enumerate(versions)]


def test_a_file_is_whole_when_it_has_stayed_as_it_is_for_long_enough() -> None:
    settling = Settling(5)
    settling.look(seen(1), 0)
    assert settling.whole(4.9) == {}
    settling.look(seen(1), 4)
    assert settling.whole(5) == {"a": (1,)}


def test_a_file_that_grows_begins_anew() -> None:
    settling = Settling(5)
    for second in range(20):
        settling.look(seen(second), second)
        assert settling.whole(second) == {}
    settling.look(seen(19), 24)
    assert settling.whole(24) == {"a": (19,)}


def test_a_file_that_was_dealt_with_comes_back_only_when_it_changes() -> None:
    settling = Settling(0)
    settling.look(seen(1), 0)
    settling.done(settling.whole(0), again_at={})
    settling.look(seen(1), 100)
    assert settling.whole(100) == {}
    settling.look(seen(2), 101)
    assert settling.whole(101) == {"a": (2,)}


def test_a_file_that_changed_while_it_was_loaded_comes_back() -> None:
    settling = Settling(0)
    settling.look(seen(1), 0)
    whole = settling.whole(0)
    settling.look(seen(2), 1)
    settling.done(whole, again_at={})
    settling.look(seen(2), 2)
    assert settling.whole(2) == {"a": (2,)}


def test_a_file_that_is_open_waits_until_it_is_closed_and_then_settles() -> None:
    settling = Settling(5)
    settling.look(seen(1, open=True), 0)
    settling.look(seen(1, open=True), 100)
    assert settling.whole(100) == {}
    assert settling.left_open() == ["a"]
    settling.look(seen(1), 101)
    assert settling.whole(105) == {}
    assert settling.whole(106) == {"a": (1,)}


def test_a_file_that_is_to_be_tried_again_comes_back_by_itself() -> None:
    settling = Settling(0)
    settling.look(seen(1), 0)
    settling.done({"a": (1,)}, again_at={"a": 60})
    settling.look(seen(1), 59)
    assert settling.whole(59) == {}
    assert settling.next_look(59) == 1
    settling.look(seen(1), 60)
    assert settling.whole(60) == {"a": (1,)}


def test_a_file_that_went_and_came_back_the_same_is_looked_at_again() -> None:
    settling = Settling(0)
    settling.look(seen(1), 0)
    settling.done({"a": (1,)}, again_at={})
    settling.look([], 1)
    settling.look(seen(1), 2)
    assert settling.whole(2) == {"a": (1,)}


def test_the_next_look_is_when_the_next_file_may_be_whole() -> None:
    settling = Settling(5)
    assert settling.next_look(0) == math.inf
    settling.look(seen(1), 0)
    settling.look(seen(1, 1), 3)
    assert settling.next_look(3) == 2
    assert settling.next_look(50) == 0
