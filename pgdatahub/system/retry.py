"""Retries of transactions after transient database errors: number and waits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from pgdatahub.errors import ContentionError, TransientDatabaseError

Answer = TypeVar("Answer")

CONTENTION_WAITS: Final = (0.2, 0.4, 0.8, 1.6)
"""Seconds before each retry after a conflict with another session; a lock timeout has already waited."""
LOST_WAITS: Final = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0)
"""Seconds before each retry after a lost connection: 26 in all, enough for a restart with recovery."""


def with_retries(action: Callable[[], Answer], on_retry: Callable[[TransientDatabaseError], None]) -> Answer:
    """Return the result of ``action``, retrying it after transient database errors.

    Args:
        action: One whole transaction, so that a failed attempt leaves nothing behind.
        on_retry: Called with each error that is followed by a retry, before the wait.

    Raises:
        TransientDatabaseError: The last error, when the retries are used up.
    """
    contention, lost = iter(CONTENTION_WAITS), iter(LOST_WAITS)
    while True:
        try:
            return action()
        except TransientDatabaseError as error:
            wait = next(contention if isinstance(error, ContentionError) else lost, None)
            if wait is None:
                raise
            on_retry(error)
        # Jitter: colliding sessions must not retry in lockstep.
        time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - not cryptography
