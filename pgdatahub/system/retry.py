"""What is tried again when the database gives way, how often, and after how long a wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from pgdatahub.errors import ContentionError, TransientDatabaseError

Answer = TypeVar("Answer")

CONTENTION_WAITS: Final = (0.2, 0.4, 0.8, 1.6)
"""Seconds before each further attempt when another session is in the way; a lock timeout has already waited."""
LOST_WAITS: Final = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0)
"""Seconds before each further attempt when the connection was lost: 26 in all, enough for a restart with recovery."""


def persist(action: Callable[[], Answer], tell: Callable[[TransientDatabaseError], None]) -> Answer:
    """Return what ``action`` returns, trying again when the database gives way.

    Args:
        action: Is one whole transaction, so that nothing of a failed attempt stays.
        tell: Is told of each error after which there is another attempt, before the wait.

    Raises:
        TransientDatabaseError: The last error, when patience is at its end.
    """
    contention, lost = iter(CONTENTION_WAITS), iter(LOST_WAITS)
    while True:
        try:
            return action()
        except TransientDatabaseError as error:
            wait = next(contention if isinstance(error, ContentionError) else lost, None)
            if wait is None:
                raise
            tell(error)
        # Those who collided must not meet again at the same moment.
        time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - not cryptography
