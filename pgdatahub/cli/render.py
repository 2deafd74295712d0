"""Reports of runs and watches, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pgdatahub.cli.lines import Line, Lines, PlainConsole, plain_table
from pgdatahub.model.explain import describe_change
from pgdatahub.model.missing import MissingAction, MissingFile
from pgdatahub.model.results import FileResult, Outcome, PartResult, RunReport
from pgdatahub.model.schema import AddColumn, AlterType, CreateTable, SchemaChange
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from rich.table import Table

    from pgdatahub.cli.lines import Console
    from pgdatahub.errors import PgDataHubError
    from pgdatahub.model.results import Failure
    from pgdatahub.runs.watch import WatchReport

STYLES = {Outcome.LOADED: "green", Outcome.READ: "green", Outcome.SKIPPED: "dim", Outcome.FAILED: "bold red"}


def file_lines(result: FileResult) -> Lines:
    """Return the result of a file: one line, and one more for each remark."""
    source = result.source
    text = Line(f"{result.outcome.value:<8}", style=STYLES[result.outcome])
    remarks: list[str] = []
    text.append(source.identity, style="default" if result.outcome is not Outcome.SKIPPED else "dim")
    if result.outcome in (Outcome.LOADED, Outcome.READ):
        if result.parts:
            tables = count(len(result.parts), "table")
            text.append(f" → {tables}: {count(result.rows, 'row')}, {seconds(result.seconds)}", style="default")
            remarks += map(_part_remark, result.parts)
        else:
            text.append(f" → {source.table}: {count(result.rows, 'row')}, {seconds(result.seconds)}", style="default")
        remarks += _remarks(result)
    elif result.outcome is Outcome.SKIPPED:
        text.append(f": {result.reason}", style="dim")
        remarks += result.notices
    elif result.failure is not None:
        text.append(f": {failure_text(result.failure)}", style="default")
    return Lines([text, *(Line(remark, style="yellow") for remark in remarks)], indent=8)


def _part_remark(part: PartResult) -> str:
    """Return the outcome in one of several tables."""
    if part.outcome is Outcome.SKIPPED:
        return f"{part.table}: skipped, {part.reason}"
    return f"{part.table}: {count(part.rows, 'row')} from {listed(part.sheets)}"


def _remarks(result: FileResult) -> Iterable[str]:
    for change in result.changes:
        if not isinstance(change, CreateTable):
            yield describe_change(change)
    for key, number in sorted(result.counts.items()):
        example = result.examples.get(key)
        yield f"{key}: {number:,}" + (f", first {example}" if example else "")
    yield from result.notices


def failure_text(failure: Failure | PgDataHubError) -> str:
    """Return one line for a failure: place, message, hint."""
    text = f"{failure.where}: {failure.message}" if failure.where else failure.message
    return f"{text} ({failure.hint})" if failure.hint else text


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 row``, ``2,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def seconds(value: float) -> str:
    """Return a duration for people: ``0.4 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if value < 59.95:
        return f"{value:.1f} s" if value >= 0.095 else f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def print_report(report: RunReport, console: Console) -> None:
    """Print the report of a run: a line for each table, then the failures."""
    tables: dict[str, list[tuple[PartResult, float]]] = {}
    for result in report.results:
        parts = result.by_table
        for part in parts:
            # The time of a file is not known by table.
            tables.setdefault(str(part.table), []).append((part, result.seconds / len(parts)))
    if tables:
        _print_summary(tables, console, dry=report.dry)
    failures = [result for result in report.results if result.outcome is Outcome.FAILED]
    if failures:
        console.print()
        console.print(
            Line(f"{count(len(failures), 'file')} failed; nothing of them is in the tables:", style="bold red")
        )
        for result in failures:
            if result.failure is not None:
                console.print(Line(f"  {result.source.identity}: {failure_text(result.failure)}"), soft_wrap=True)
    for folder, reason in report.unreadable.items():
        console.print(Line(f"not read: {folder}: {reason}", style="bold red"), soft_wrap=True)
    for reason, names in report.ignored.items():
        console.print(Line(f"skipped, {reason}: {listed(names)}", style="dim"), soft_wrap=True)
    kept = [one for one in report.missing if one.action is MissingAction.KEEP]
    if kept:
        console.print(Line(missing_line(kept), style="dim"), soft_wrap=True)
    if report.stopped is not None:
        console.print(Line(ended_early(report), style="bold yellow"), soft_wrap=True)
    console.print(Line(_closing(report)), soft_wrap=True)


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
    return f"{files}: {listed([one.file for one in kept])} (on_missing: revert would revert them)"


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
    }


def _closing(report: RunReport) -> str:
    outcomes = Counter(result.outcome for result in report.results)
    rows = sum(result.rows for result in report.results)
    verb = "read" if report.dry else "loaded"
    done = outcomes[Outcome.LOADED] + outcomes[Outcome.READ]
    parts = [f"{count(done, 'file')} {verb}, {count(rows, 'row')}"]
    if outcomes[Outcome.SKIPPED]:
        parts.append(f"{outcomes[Outcome.SKIPPED]:,} skipped")
    if outcomes[Outcome.FAILED]:
        parts.append(f"{outcomes[Outcome.FAILED]:,} failed")
    if report.unreadable:
        parts.append(f"{count(len(report.unreadable), 'folder')} could not be read")
    actions = Counter(one.action for one in report.missing)
    for action, word in _MISSING.items():
        if actions[action]:
            parts.append(f"{actions[action]:,} {word}")
    end = "nothing was written" if report.dry else f"rows go to {report.destination}"
    return f"{', '.join(parts)} in {seconds(report.seconds)}; {end}"


_MISSING = {
    MissingAction.REVERT: "reverted (file gone)",
    MissingAction.TAKE_OVER: "taken over by another file",
    MissingAction.FAIL: "not reverted (file gone)",
}


def _print_summary(tables: Mapping[str, Sequence[tuple[PartResult, float]]], console: Console, *, dry: bool) -> None:
    rows = {name: _summarize(results, dry=dry) for name, results in sorted(tables.items())}
    # Columns without any entry are left out.
    titles = [
        title for title in next(iter(rows.values())) if title in _ALWAYS or any(row[title] for row in rows.values())
    ]
    if isinstance(console, PlainConsole):
        console.print(f"\n{plain_table('table', rows, titles)}\n")
    else:
        console.print(_summary(rows, titles))


def _summary(rows: Mapping[str, Mapping[str, str]], titles: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    summary = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), collapse_padding=True)
    summary.add_column("table", overflow="fold", min_width=16)
    for title in titles:
        summary.add_column(title, justify="right", no_wrap=True)
    for name, row in rows.items():
        style = "bold red" if row["failed"] else None
        summary.add_row(Line(name), *(row[title] or "–" for title in titles), style=style)
    return summary


_ALWAYS = frozenset({"loaded", "read", "rows", "time"})


def _summarize(results: Sequence[tuple[PartResult, float]], *, dry: bool) -> dict[str, str]:
    outcomes = Counter(part.outcome for part, _ in results)
    changes = [change for part, _ in results for change in part.changes]
    return {
        "read" if dry else "loaded": f"{outcomes[Outcome.LOADED] + outcomes[Outcome.READ]:,}",
        "skipped": _or_nothing(outcomes[Outcome.SKIPPED]),
        "failed": _or_nothing(outcomes[Outcome.FAILED]),
        "rows": f"{sum(part.rows for part, _ in results):,}",
        "new\ncolumns": _new_columns(changes),
        "wider\ntypes": _or_nothing(len({change.name for change in changes if isinstance(change, AlterType)})),
        "time": seconds(sum(time for _, time in results)),
    }


def _or_nothing(number: int) -> str:
    return f"{number:,}" if number else ""


def _new_columns(changes: Sequence[SchemaChange]) -> str:
    added = sum(isinstance(change, AddColumn) for change in changes)
    created = sum(len(change.columns) for change in changes if isinstance(change, CreateTable))
    return f"all {created + added}" if created else _or_nothing(added)


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
        else {"kind": failure.kind, "message": failure.message, "where": failure.where, "hint": failure.hint},
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
    }
