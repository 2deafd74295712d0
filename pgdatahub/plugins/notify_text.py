"""The message about a run: the reasons to send one, its title and its lines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

from pgdatahub.model.explain import describe_change
from pgdatahub.model.missing import MissingAction
from pgdatahub.model.results import FileResult, Outcome, RunReport
from pgdatahub.values.counting import count

MAX_LINES: Final = 20
"""Lines of one kind; the others are counted. Services limit the size of a message (Discord to 2,000 characters)."""
MAX_LINE: Final = 400
"""Characters of a line."""


def is_worth_telling(report: RunReport, events: Collection[str]) -> bool:
    """Return whether a run has one of the events of ``ETL_NOTIFY_ON``."""
    return (
        "always" in events
        or ("failures" in events and bool(report.exit_code))
        or ("new_failures" in events and _has_new_failures(report))
        or ("quarantine" in events and any(result.quarantined for result in report.results))
        or ("schema" in events and any(result.changes for result in report.results))
    )


def _has_new_failures(report: RunReport) -> bool:
    """Return whether a failure is not of an earlier run, or one of an earlier run ended; also if the run itself ended early."""
    failed = {result.source.identity for result in report.results if result.outcome is Outcome.FAILED}
    return (
        report.stopped is not None
        or bool(report.recovered)
        or not report.repeated.issuperset(failed.union(report.unreadable))
        or any(one.action is MissingAction.FAIL for one in report.missing)
    )


def compose(report: RunReport) -> tuple[str, str]:
    """Return the title and the text of the message about a run."""
    counts = {outcome: sum(result.outcome is outcome for result in report.results) for outcome in Outcome}
    counted = [f"{number:,} {outcome.value}" for outcome, number in counts.items() if number] or ["no files"]
    aside = sum(result.quarantined for result in report.results)
    if aside:
        counted.append(f"{count(aside, 'row')} set aside")
    ended = "failed" if report.exit_code else "complete"
    title = f"pgdatahub: run {ended}: {', '.join(counted)}"
    rows = sum(result.rows for result in report.results)
    lines = [
        f"run {report.run_id}: {count(rows, 'row')} in {report.seconds:.1f} s into {report.destination or 'no database'}"
    ]
    if report.stopped is not None:
        problem = f": {report.problem}" if report.problem else ""
        lines.append(f"stopped: {report.stopped.value}{problem}; {count(len(report.remaining), 'file')} left")
    for kind in (_unreadable, _missing, _failed, _recovered, _set_aside, _changed):
        found = list(kind(report))
        lines += islice(found, MAX_LINES)
        if len(found) > MAX_LINES:
            lines.append(f"… and {len(found) - MAX_LINES:,} more")
    return title, "\n".join(line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…" for line in lines)


def _unreadable(report: RunReport) -> Iterator[str]:
    for folder, reason in report.unreadable.items():
        yield f"{_still(report, folder)}unreadable {folder}: {reason}"


def _missing(report: RunReport) -> Iterator[str]:
    for one in report.missing:
        if one.action is MissingAction.FAIL:
            yield one.sentence


def _failed(report: RunReport) -> Iterator[str]:
    for result in report.results:
        failure = result.failure
        if failure is not None:
            place = f" ({failure.where})" if failure.where and failure.where != result.source.identity else ""
            hint = f" ({failure.hint})" if failure.hint else ""
            name = result.source.identity
            yield f"{_still(report, name)}failed {name}{place}: {failure.message}{hint}"


def _still(report: RunReport, name: str) -> str:
    return "still " if name in report.repeated else ""


def _recovered(report: RunReport) -> Iterator[str]:
    for name in report.recovered:
        yield f"no longer fails: {name}"


def _set_aside(report: RunReport) -> Iterator[str]:
    for result in report.results:
        if result.quarantined:
            yield f"set aside {result.source.identity}: {result.quarantined:,} of {count(_all_rows(result), 'row')}"


def _all_rows(result: FileResult) -> int:
    return result.rows + result.quarantined


def _changed(report: RunReport) -> Iterator[str]:
    for result in report.results:
        for part in result.by_table:
            for change in part.changes:
                yield f"{part.table}: {describe_change(change)} ({result.source.identity})"
