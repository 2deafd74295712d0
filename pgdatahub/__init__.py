"""Excel workbooks in folders to PostgreSQL tables that can be trusted.

The public API: functions that take a :class:`Config` and return frozen results, and the names that a plugin needs. No
function prints; pass a :class:`~pgdatahub.model.events.Reporter` to receive events. Besides these names,
:mod:`pgdatahub.errors`, :mod:`pgdatahub.testing` and the modules ``batches``, ``events``, ``files``, ``imports``, ``results`` and
``workbooks`` of :mod:`pgdatahub.model` are public.

Names are imported on first use, so that ``import pgdatahub`` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgdatahub.config import Config as Config
    from pgdatahub.config import load_config as load_config
    from pgdatahub.model.files import SourceFile as SourceFile
    from pgdatahub.model.imports import ImportRecord as ImportRecord
    from pgdatahub.model.results import FileResult as FileResult
    from pgdatahub.model.results import RunReport as RunReport
    from pgdatahub.model.workbooks import Batch as Batch
    from pgdatahub.model.workbooks import Sheet as Sheet
    from pgdatahub.model.workbooks import SheetInfo as SheetInfo
    from pgdatahub.model.workbooks import Workbook as Workbook
    from pgdatahub.plugins.discover_folders import discover as discover
    from pgdatahub.plugins.specs import hookimpl as hookimpl
    from pgdatahub.runs.aside.quarantine import quarantine as quarantine
    from pgdatahub.runs.aside.replay import ReplayResult as ReplayResult
    from pgdatahub.runs.aside.replay import ReplaySelection as ReplaySelection
    from pgdatahub.runs.aside.replay import replay as replay
    from pgdatahub.runs.checks.check import FileCheck as FileCheck
    from pgdatahub.runs.checks.check import check as check
    from pgdatahub.runs.files.selection import Selection as Selection
    from pgdatahub.runs.history import Timeline as Timeline
    from pgdatahub.runs.history import history as history
    from pgdatahub.runs.inspect import Inspection as Inspection
    from pgdatahub.runs.inspect import inspect as inspect
    from pgdatahub.runs.logs.logging_reporter import LoggingReporter as LoggingReporter
    from pgdatahub.runs.plans.plan import plan as plan
    from pgdatahub.runs.plans.result import RunPlan as RunPlan
    from pgdatahub.runs.redact import redact as redact
    from pgdatahub.runs.run import resume as resume
    from pgdatahub.runs.run import run as run
    from pgdatahub.runs.status import DatabaseStatus as DatabaseStatus
    from pgdatahub.runs.status import status as status
    from pgdatahub.runs.verification.result import Verification as Verification
    from pgdatahub.runs.verification.verify import verify as verify
    from pgdatahub.runs.watch import WatchReport as WatchReport
    from pgdatahub.runs.watch import watch as watch
    from pgdatahub.system.version import __version__ as __version__
    from pgdatahub.undo.backup import Backup as Backup
    from pgdatahub.undo.backup import Restored as Restored
    from pgdatahub.undo.backup import backup as backup
    from pgdatahub.undo.backup import restore as restore
    from pgdatahub.undo.plan import UndoPlan as UndoPlan
    from pgdatahub.undo.plan import UndoRequest as UndoRequest
    from pgdatahub.undo.rekey import RekeyPlan as RekeyPlan
    from pgdatahub.undo.rekey import RekeyResult as RekeyResult
    from pgdatahub.undo.rekey import rekey as rekey
    from pgdatahub.undo.reset import ResetPlan as ResetPlan
    from pgdatahub.undo.reset import ResetResult as ResetResult
    from pgdatahub.undo.reset import reset as reset
    from pgdatahub.undo.revert import UndoResult as UndoResult
    from pgdatahub.undo.revert import revert as revert
    from pgdatahub.undo.revert import revert_schema as revert_schema
    from pgdatahub.values.cells import cell_address as cell_address
    from pgdatahub.values.python_values import canonical_text as canonical_text

_EXPORTS = {
    "Backup": "pgdatahub.undo.backup",
    "Batch": "pgdatahub.model.workbooks",
    "Config": "pgdatahub.config",
    "DatabaseStatus": "pgdatahub.runs.status",
    "FileCheck": "pgdatahub.runs.checks.check",
    "FileResult": "pgdatahub.model.results",
    "ImportRecord": "pgdatahub.model.imports",
    "Inspection": "pgdatahub.runs.inspect",
    "LoggingReporter": "pgdatahub.runs.logs.logging_reporter",
    "RekeyPlan": "pgdatahub.undo.rekey",
    "RekeyResult": "pgdatahub.undo.rekey",
    "ReplayResult": "pgdatahub.runs.aside.replay",
    "ReplaySelection": "pgdatahub.runs.aside.replay",
    "ResetPlan": "pgdatahub.undo.reset",
    "ResetResult": "pgdatahub.undo.reset",
    "Restored": "pgdatahub.undo.backup",
    "RunPlan": "pgdatahub.runs.plans.result",
    "RunReport": "pgdatahub.model.results",
    "Selection": "pgdatahub.runs.files.selection",
    "Sheet": "pgdatahub.model.workbooks",
    "SheetInfo": "pgdatahub.model.workbooks",
    "SourceFile": "pgdatahub.model.files",
    "Timeline": "pgdatahub.runs.history",
    "UndoPlan": "pgdatahub.undo.plan",
    "UndoRequest": "pgdatahub.undo.plan",
    "UndoResult": "pgdatahub.undo.revert",
    "Verification": "pgdatahub.runs.verification.result",
    "WatchReport": "pgdatahub.runs.watch",
    "Workbook": "pgdatahub.model.workbooks",
    "__version__": "pgdatahub.system.version",
    "backup": "pgdatahub.undo.backup",
    "canonical_text": "pgdatahub.values.python_values",
    "cell_address": "pgdatahub.values.cells",
    "check": "pgdatahub.runs.checks.check",
    "discover": "pgdatahub.plugins.discover_folders",
    "history": "pgdatahub.runs.history",
    "hookimpl": "pgdatahub.plugins.specs",
    "inspect": "pgdatahub.runs.inspect",
    "load_config": "pgdatahub.config",
    "plan": "pgdatahub.runs.plans.plan",
    "quarantine": "pgdatahub.runs.aside.quarantine",
    "redact": "pgdatahub.runs.redact",
    "rekey": "pgdatahub.undo.rekey",
    "replay": "pgdatahub.runs.aside.replay",
    "reset": "pgdatahub.undo.reset",
    "restore": "pgdatahub.undo.backup",
    "resume": "pgdatahub.runs.run",
    "revert": "pgdatahub.undo.revert",
    "revert_schema": "pgdatahub.undo.revert",
    "run": "pgdatahub.runs.run",
    "status": "pgdatahub.runs.status",
    "verify": "pgdatahub.runs.verification.verify",
    "watch": "pgdatahub.runs.watch",
}


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        from importlib import import_module

        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
