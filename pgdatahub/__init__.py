"""Excel workbooks in folders to PostgreSQL tables that can be trusted.

The public API: functions that take a :class:`Config` and return frozen results, and what a plugin needs. Nothing here
prints; who wants to know what happens passes a :class:`~pgdatahub.events.Reporter`. Beside these names,
:mod:`pgdatahub.errors`, :mod:`pgdatahub.events`, :mod:`pgdatahub.model` and :mod:`pgdatahub.testing` are public.

Names are imported when they are first used, so that ``import pgdatahub`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgdatahub.config import Config as Config
    from pgdatahub.config import load_config as load_config
    from pgdatahub.database_status import DatabaseStatus as DatabaseStatus
    from pgdatahub.database_status import status as status
    from pgdatahub.hookspecs import hookimpl as hookimpl
    from pgdatahub.inspection import Inspection as Inspection
    from pgdatahub.inspection import inspect as inspect
    from pgdatahub.model import Batch as Batch
    from pgdatahub.model import FileResult as FileResult
    from pgdatahub.model import ImportRecord as ImportRecord
    from pgdatahub.model import RunReport as RunReport
    from pgdatahub.model import Sheet as Sheet
    from pgdatahub.model import SheetInfo as SheetInfo
    from pgdatahub.model import SourceFile as SourceFile
    from pgdatahub.model import Workbook as Workbook
    from pgdatahub.planning.plan import plan as plan
    from pgdatahub.planning.planned import RunPlan as RunPlan
    from pgdatahub.plugins.discover_folders import discover as discover
    from pgdatahub.reading.discovery import Selection as Selection
    from pgdatahub.running.runner import resume as resume
    from pgdatahub.running.runner import run as run
    from pgdatahub.running.watching import WatchReport as WatchReport
    from pgdatahub.running.watching import watch as watch
    from pgdatahub.timeline import Timeline as Timeline
    from pgdatahub.timeline import history as history
    from pgdatahub.undo import UndoPlan as UndoPlan
    from pgdatahub.undo import UndoRequest as UndoRequest
    from pgdatahub.undoing.backup import Restored as Restored
    from pgdatahub.undoing.backup import restore as restore
    from pgdatahub.undoing.resetting import ResetPlan as ResetPlan
    from pgdatahub.undoing.resetting import ResetResult as ResetResult
    from pgdatahub.undoing.resetting import reset as reset
    from pgdatahub.undoing.reverting import UndoResult as UndoResult
    from pgdatahub.undoing.reverting import revert as revert
    from pgdatahub.undoing.reverting import revert_schema as revert_schema
    from pgdatahub.values.python_values import canonical_text as canonical_text

__version__ = "0.1.0.dev0"

_EXPORTS = {
    "Batch": "pgdatahub.model",
    "Config": "pgdatahub.config",
    "DatabaseStatus": "pgdatahub.database_status",
    "FileResult": "pgdatahub.model",
    "ImportRecord": "pgdatahub.model",
    "Inspection": "pgdatahub.inspection",
    "ResetPlan": "pgdatahub.undoing.resetting",
    "ResetResult": "pgdatahub.undoing.resetting",
    "Restored": "pgdatahub.undoing.backup",
    "RunPlan": "pgdatahub.planning.planned",
    "RunReport": "pgdatahub.model",
    "Selection": "pgdatahub.reading.discovery",
    "Sheet": "pgdatahub.model",
    "SheetInfo": "pgdatahub.model",
    "SourceFile": "pgdatahub.model",
    "Timeline": "pgdatahub.timeline",
    "UndoPlan": "pgdatahub.undo",
    "UndoRequest": "pgdatahub.undo",
    "UndoResult": "pgdatahub.undoing.reverting",
    "WatchReport": "pgdatahub.running.watching",
    "Workbook": "pgdatahub.model",
    "canonical_text": "pgdatahub.values.python_values",
    "discover": "pgdatahub.plugins.discover_folders",
    "history": "pgdatahub.timeline",
    "hookimpl": "pgdatahub.hookspecs",
    "inspect": "pgdatahub.inspection",
    "load_config": "pgdatahub.config",
    "plan": "pgdatahub.planning.plan",
    "reset": "pgdatahub.undoing.resetting",
    "restore": "pgdatahub.undoing.backup",
    "resume": "pgdatahub.running.runner",
    "revert": "pgdatahub.undoing.reverting",
    "revert_schema": "pgdatahub.undoing.reverting",
    "run": "pgdatahub.running.runner",
    "status": "pgdatahub.database_status",
    "watch": "pgdatahub.running.watching",
}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        from importlib import import_module

        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
