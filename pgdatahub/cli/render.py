"""Results of files as lines, numbers for people, and reports of runs and watches as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from pgdatahub.cli.fault_lines import fault_lines, lines_of_failure
from pgdatahub.cli.lines import Line, Lines
from pgdatahub.errors import place_within
from pgdatahub.model.explain import describe_change, describe_type
from pgdatahub.model.faults import faults_to_json
from pgdatahub.model.missing import MissingFile
from pgdatahub.model.results import FileResult, Outcome, PartResult, RunReport
from pgdatahub.model.schema import AddColumn, AlterType, SchemaChange
from pgdatahub.values.counting import count
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from pgdatahub.errors import PgDataHubError
    from pgdatahub.model.results import Failure
    from pgdatahub.runs.watch import WatchReport

USUAL_WIDTH: Final = 100
"""Columns that lines should fit where no terminal has a width."""
MOST_WIDENED: Final = 3
"""Changes of type that are described for a file; more are counted."""
STYLES = {Outcome.LOADED: "green", Outcome.READ: "green", Outcome.SKIPPED: "dim", Outcome.FAILED: "bold red"}


def file_lines(result: FileResult, *, verbose: bool = False, remarks: bool = True, width: int = USUAL_WIDTH) -> Lines:
    """Return the result of a file: one line, and one more for each remark.

    Args:
        result: The result.
        verbose: Describe each new column and each type; else several new columns are counted, and the first are named.
        remarks: Add the remarks; without them, a report counts them (see :func:`pgdatahub.cli.summary.print_report`).
        width: Columns of the terminal; fewer new columns are named where the line would not fit.
    """
    source = result.source
    text = Line(f"{result.outcome.value:<8}", style=STYLES[result.outcome])
    below: list[str] = []
    text.append(source.identity, style="default" if result.outcome is not Outcome.SKIPPED else "dim")
    if result.outcome in (Outcome.LOADED, Outcome.READ):
        target = count(len(result.parts), "table") if result.parts else str(source.table)
        aside = f", {result.quarantined:,} set aside" if result.quarantined else ""
        text.append(f" → {target}: {count(result.rows, 'row')}{aside}, {seconds(result.seconds)}", style="default")
        below += fault_lines(result.faults)
        below += map(_part_remark, result.parts)
        counted, described = _changes(result.changes, verbose=verbose)
        for title, names in counted.items():
            text.append(f"; {len(names):,} {title}", style="default")
            text.append(_first(names, width - len(text.plain)), style="default")
        below += described
        if remarks:
            below += map(counted_cells, sorted(result.counts), repeat(result))
            below += result.notices
    elif result.outcome is Outcome.SKIPPED:
        text.append(f": {result.reason}", style="dim")
        below += result.notices if remarks else ()
    elif result.failure is not None:
        # The line begins with the file's path.
        failure = replace(result.failure, where=place_within(result.failure.where, source.name))
        text.append(f": {failure_text(failure)}", style="default")
        below += lines_of_failure(failure)
    return Lines([text, *(Line(remark, style="yellow") for remark in below)], indent=8)


def _part_remark(part: PartResult) -> str:
    """Return the outcome in one of several tables."""
    if part.outcome is Outcome.SKIPPED:
        return f"{part.table}: skipped, {part.reason}"
    aside = f", {part.quarantined:,} set aside" if part.quarantined else ""
    return f"{part.table}: {count(part.rows, 'row')}{aside} from {listed(part.sheets)}"


def _changes(changes: Sequence[SchemaChange], *, verbose: bool) -> tuple[dict[str, list[str]], list[str]]:
    """Return the names of columns that are only counted, by what happened to them, and descriptions of the others."""
    added = [change for change in changes if isinstance(change, AddColumn)]
    widened = [change for change in changes if isinstance(change, AlterType)]
    counted: dict[str, list[str]] = {}
    described: list[str] = []
    if verbose or (len(added) == 1 and describe_type(added[0].column)):
        described += map(describe_change, added)
    elif added:
        counted["new column" if len(added) == 1 else "new columns"] = [change.column.name for change in added]
    if verbose or len(widened) <= MOST_WIDENED:
        described += map(describe_change, widened)
    else:
        counted["wider types"] = [change.name for change in widened]
    return counted, described


def _first(names: Sequence[str], room: int) -> str:
    """Return a colon and the first names, at most three and as many as the room allows; a single name always."""
    for most in (3, 2, 1):
        text = ": " + ", ".join(names[:most]) + (" …" if len(names) > most else "")
        if len(text) <= room:
            return text
    return f": {names[0]}" if len(names) == 1 else ""


def counted_cells(key: str, result: FileResult) -> str:
    """Return a remark on cells or rows of a file: ``error cells: 3, first Sheet1!B7``."""
    example = result.examples.get(key)
    return f"{key}: {result.counts[key]:,}" + (f", first {example}" if example else "")


def failure_text(failure: Failure | PgDataHubError) -> str:
    """Return one line for a failure: place, message, hint."""
    text = f"{failure.where}: {failure.message}" if failure.where else failure.message
    return f"{text} ({failure.hint})" if failure.hint else text


def seconds(value: float) -> str:
    """Return a duration for people: ``0.4 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if value < 59.95:
        return f"{value:.1f} s" if value >= 0.095 else f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ended_early(report: RunReport) -> str:
    """Return one line for a run that ended early: the reason, and the command that continues."""
    reason = report.stopped.value if report.stopped is not None else ""
    problem = f": {report.problem}" if report.problem else ""
    way = ": pgdatahub resume goes on" if report.pause_file else ""
    return f"ended early, {reason}{problem}; {count(len(report.remaining), 'file')} left{way}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, and the number of the others."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def missing_line(kept: Sequence[MissingFile]) -> str:
    """Return one line for imports whose file no longer exists and whose rows stay."""
    files = (
        "1 file is gone, and its rows stay" if len(kept) == 1 else f"{len(kept):,} files are gone, and their rows stay"
    )
    advice = "" if all(one.reason for one in kept) else " (on_missing: revert would revert them)"
    return f"{files}: {listed([one.file for one in kept])}{advice}"


def missing_json(missing: MissingFile) -> dict[str, Any]:
    """Return an import whose file no longer exists, for JSON."""
    return {
        "file": missing.file,
        "table": str(missing.table),
        "import_id": missing.import_id,
        "rows": missing.rows,
        "action": missing.action.name.lower(),
        "heir": missing.heir,
        "reason": missing.reason,
        "notice": missing.notice,
    }


def report_json(report: RunReport) -> str:
    """Return the report of a run as JSON."""
    return printable_json(
        {
            "run_id": report.run_id,
            "destination": report.destination,
            "exit_code": int(report.exit_code),
            "seconds": round(report.seconds, 3),
            "stopped": None if report.stopped is None else report.stopped.name.lower(),
            "problem": report.problem,
            "remaining": [source.identity for source in report.remaining],
            "pause_file": report.pause_file,
            "files": [_file_json(result) for result in report.results],
            "unreadable": dict(report.unreadable),
            "ignored": {reason: list(names) for reason, names in report.ignored.items()},
            "warnings": list(report.warnings),
            "missing": [missing_json(one) for one in report.missing],
            "marked": dict(report.marked),
            "repeated": sorted(report.repeated),
            "recovered": list(report.recovered),
        },
        indent=2,
    )


def watch_json(report: WatchReport) -> str:
    """Return the report of a watch as JSON."""
    return printable_json(
        {
            "runs": report.runs,
            **{
                outcome.value: report.outcomes[outcome] for outcome in (Outcome.LOADED, Outcome.SKIPPED, Outcome.FAILED)
            },
            "rows": report.rows,
            "seconds": round(report.seconds, 3),
            "stopped": report.stopped.name.lower(),
            "unfinished": report.unfinished,
        },
        indent=2,
    )


def _file_json(result: FileResult) -> dict[str, Any]:
    failure = result.failure
    return {
        "file": result.source.identity,
        "source_file": result.source.location,
        "table": str(result.source.table),
        "outcome": result.outcome.value,
        "reason": result.reason,
        "failure": None
        if failure is None
        else {
            "kind": failure.kind,
            "message": failure.message,
            "where": failure.where,
            "hint": failure.hint,
            "faults": faults_to_json(failure.faults),
        },
        "rows": result.rows,
        "seconds": round(result.seconds, 3),
        "sheets": list(result.sheets),
        "changes": [describe_change(change) for change in result.changes],
        "columns": {column.name: column.type.sql for column in result.observed.columns} if result.observed else {},
        "counts": dict(result.counts),
        "examples": dict(result.examples),
        "notices": list(result.notices),
        "sheets_left_out": list(result.sheets_left_out),
        "tables": [_part_json(part) for part in result.by_table],
        **_aside_json(result),
    }


def _part_json(part: PartResult) -> dict[str, Any]:
    return {
        "table": str(part.table),
        "outcome": part.outcome.value,
        "reason": part.reason,
        "rows": part.rows,
        "sheets": list(part.sheets),
        "changes": [describe_change(change) for change in part.changes],
        "columns": {column.name: column.type.sql for column in part.observed.columns} if part.observed else {},
        "counts": dict(part.counts),
        "notices": list(part.notices),
        **_aside_json(part),
    }


def _aside_json(result: FileResult | PartResult) -> dict[str, Any]:
    """Return the rows that are set aside and the faults; nothing without any."""
    if not result.quarantined and not result.faults:
        return {}
    return {"quarantined": result.quarantined, "faults": faults_to_json(result.faults)}
