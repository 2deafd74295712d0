"""Every test in this folder needs a server."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder; the hook is handed those of all folders."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)
