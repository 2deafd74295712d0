"""Recorded failures as lines and as JSON, for ``status`` and ``history``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pgdatahub.cli.fault_lines import lines_of_failure
from pgdatahub.errors import place_within
from pgdatahub.model.faults import faults_to_json
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from pgdatahub.cli.console import TerminalConsole
    from pgdatahub.model.failures import FailureRow

_SHOWN: Final = 10
"""Failures that ``status`` shows; ``history`` shows all."""
_FAULTS: Final = 3
"""Faults under a contract that are shown of each of these files."""
_INDENT: Final = " " * 10
"""Below the time of an entry of ``history``."""


def failure_text(failure: FailureRow) -> Text:
    """Return a failure as a line of ``history``, and below it the first faults under a contract while it stands."""
    from pgdatahub.cli.console import Line, stacked

    style = "red" if failure.stands else "dim"
    line = Line().append(f"{failure.last_failed_at:%H:%M:%S}         ", style="dim")
    line.append(f"{failure.identity}: not loaded: {_reason(failure)}", style=style)
    if failure.attempts > 1:
        line.append(f"  {count(failure.attempts, 'time')} since {failure.failed_at:%Y-%m-%d %H:%M}", style="dim")
    if failure.cleared_at is not None:
        line.append(f"  cleared {failure.cleared_at:%Y-%m-%d %H:%M}", style="yellow")
        return line
    return stacked([line, *(Line(f"{_INDENT}{fault}") for fault in lines_of_failure(failure, most=_FAULTS))])


def print_standing(failures: tuple[FailureRow, ...], console: TerminalConsole) -> None:
    """Print the failures that stand, the latest first; nothing without any."""
    from pgdatahub.cli.console import Line

    if not failures:
        return
    console.print(Line(f"{_counted(failures)} at the last attempt:", style="bold red"))
    latest = sorted(failures, key=lambda one: one.last_failed_at, reverse=True)
    for failure in latest[:_SHOWN]:
        console.print(
            Line(f"  {failure.last_failed_at:%Y-%m-%d %H:%M}  {failure.identity}: {_reason(failure)}"), soft_wrap=True
        )
        for fault in lines_of_failure(failure, most=_FAULTS):
            console.print(Line(f"      {fault}"), soft_wrap=True)
    if len(failures) > _SHOWN:
        more = f"  and {len(failures) - _SHOWN:,} more; pgdatahub history or --format json shows all"
        console.print(Line(more, style="dim"), soft_wrap=True)


def failure_json(failure: FailureRow) -> dict[str, Any]:
    """Return a failure as JSON values."""
    return {
        "kind": "failure",
        "at": failure.last_failed_at.isoformat(),
        "id": failure.id,
        "table": None if failure.table is None else str(failure.table),
        "file": failure.identity,
        "source_file": failure.source_file,
        "file_sha256": failure.file_sha256,
        "error": failure.kind,
        "reason": failure.reason,
        "where": failure.place,
        "hint": failure.hint,
        "faults": faults_to_json(failure.faults),
        "first_failed_at": failure.failed_at.isoformat(),
        "attempts": failure.attempts,
        "run_id": failure.run_id,
        "cleared_at": failure.cleared_at.isoformat() if failure.cleared_at else None,
    }


def _counted(failures: Iterable[FailureRow]) -> str:
    known = tuple(failures)
    files = sum(failure.table is not None for failure in known)
    folders = len(known) - files
    parts = [f"{count(files, 'file')} did not load"] if files else []
    return " and ".join([*parts, *([f"{count(folders, 'folder')} could not be read"] if folders else [])])


def _reason(failure: FailureRow) -> str:
    place = place_within(failure.place, failure.identity.rpartition("/")[2])
    text = f"{place}: {failure.reason}" if place else failure.reason
    return f"{text} ({failure.hint})" if failure.hint else text
