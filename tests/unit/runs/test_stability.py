"""Files that are complete."""

from __future__ import annotations

import math

from pgdatahub.runs.files.stability import Seen, StabilityTracker


def seen(*versions: int, open: bool = False) -> list[Seen]:  # noqa: A002 - as the value names it
    """Files ``a``, ``b`` … with these versions."""
    return [Seen(location="abcdef"[n], version=(version,), open=open) for n, version in enumerate(versions)]


def test_unchanged_file_becomes_stable() -> None:
    tracker = StabilityTracker(5)
    tracker.look(seen(1), 0)
    assert tracker.whole(4.9) == {}
    tracker.look(seen(1), 4)
    assert tracker.whole(5) == {"a": (1,)}


def test_a_file_that_grows_begins_anew() -> None:
    tracker = StabilityTracker(5)
    for second in range(20):
        tracker.look(seen(second), second)
        assert tracker.whole(second) == {}
    tracker.look(seen(19), 24)
    assert tracker.whole(24) == {"a": (19,)}


def test_finished_file_returns_only_after_a_change() -> None:
    tracker = StabilityTracker(0)
    tracker.look(seen(1), 0)
    tracker.done(tracker.whole(0), again_at={})
    tracker.look(seen(1), 100)
    assert tracker.whole(100) == {}
    tracker.look(seen(2), 101)
    assert tracker.whole(101) == {"a": (2,)}


def test_a_file_that_changed_while_it_was_loaded_comes_back() -> None:
    tracker = StabilityTracker(0)
    tracker.look(seen(1), 0)
    whole = tracker.whole(0)
    tracker.look(seen(2), 1)
    tracker.done(whole, again_at={})
    tracker.look(seen(2), 2)
    assert tracker.whole(2) == {"a": (2,)}


def test_open_file_becomes_stable_after_it_is_closed() -> None:
    tracker = StabilityTracker(5)
    tracker.look(seen(1, open=True), 0)
    tracker.look(seen(1, open=True), 100)
    assert tracker.whole(100) == {}
    assert tracker.left_open() == ["a"]
    tracker.look(seen(1), 101)
    assert tracker.whole(105) == {}
    assert tracker.whole(106) == {"a": (1,)}


def test_a_file_that_is_to_be_tried_again_comes_back_by_itself() -> None:
    tracker = StabilityTracker(0)
    tracker.look(seen(1), 0)
    tracker.done({"a": (1,)}, again_at={"a": 60})
    tracker.look(seen(1), 59)
    assert tracker.whole(59) == {}
    assert tracker.next_look(59) == 1
    tracker.look(seen(1), 60)
    assert tracker.whole(60) == {"a": (1,)}


def test_file_that_disappeared_is_tracked_again() -> None:
    tracker = StabilityTracker(0)
    tracker.look(seen(1), 0)
    tracker.done({"a": (1,)}, again_at={})
    tracker.look([], 1)
    tracker.look(seen(1), 2)
    assert tracker.whole(2) == {"a": (1,)}


def test_the_next_look_is_when_the_next_file_may_be_whole() -> None:
    tracker = StabilityTracker(5)
    assert tracker.next_look(0) == math.inf
    tracker.look(seen(1), 0)
    tracker.look(seen(1, 1), 3)
    assert tracker.next_look(3) == 2
    assert tracker.next_look(50) == 0
