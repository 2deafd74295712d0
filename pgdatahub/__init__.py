"""Excel workbooks in folders to PostgreSQL tables that can be trusted.

The public API. Names are imported when they are first used, so that ``import pgdatahub`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgdatahub.config import Config as Config
    from pgdatahub.config import load_config as load_config
    from pgdatahub.hookspecs import hookimpl as hookimpl
    from pgdatahub.inspection import Inspection as Inspection
    from pgdatahub.inspection import inspect as inspect
    from pgdatahub.model import RunReport as RunReport
    from pgdatahub.runner import Selection as Selection
    from pgdatahub.runner import resume as resume
    from pgdatahub.runner import run as run

__version__ = "0.1.0.dev0"

_EXPORTS = {
    "Config": "pgdatahub.config",
    "Inspection": "pgdatahub.inspection",
    "RunReport": "pgdatahub.model",
    "Selection": "pgdatahub.runner",
    "hookimpl": "pgdatahub.hookspecs",
    "inspect": "pgdatahub.inspection",
    "load_config": "pgdatahub.config",
    "resume": "pgdatahub.runner",
    "run": "pgdatahub.runner",
}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        from importlib import import_module

        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
