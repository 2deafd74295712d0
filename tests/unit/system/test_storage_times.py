"""Times of the last change in what drivers of storages tell about a file."""

from __future__ import annotations

from datetime import datetime

import pytest

from pgdatahub.system.url_versions import modified_in


@pytest.mark.parametrize(
    "fact",
    [
        "LastModified=2026-03-29 01:02:03+00:00",
        "last_modified=2026-03-29 03:02:03+02:00",
        "mtime=2026-03-29T01:02:03Z",
        "mtime=1774746123.0",
        "modify=20260329010203",
        "Last-Modified=Sun, 29 Mar 2026 01:02:03 GMT",
    ],
)
def test_the_time_of_the_last_change_is_in_utc(fact: str) -> None:
    assert modified_in(("ETag=abc", fact, "size=7")) == datetime(2026, 3, 29, 1, 2, 3)  # noqa: DTZ001 - as the history has it


@pytest.mark.parametrize("version", [("ETag=abc", "size=7"), ("mtime=None",), ("created=2026-03-29 01:02:03",), (7, 8)])
def test_a_version_without_a_time_has_none(version: tuple[object, ...]) -> None:
    assert modified_in(version) is None
