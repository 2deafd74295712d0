"""Report of a run as text: tables, skipped files, remarks, failures, and one closing line."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from pgdatahub.cli.lines import Line, PlainConsole, plain_table
from pgdatahub.cli.render import counted_cells, ended_early, file_lines, listed, missing_line, seconds
from pgdatahub.load.known.skip_reasons import ALREADY_LOADED
from pgdatahub.model.aside import BLANKED_CELLS
from pgdatahub.model.file_notice import kind_of
from pgdatahub.model.missing import MissingAction
from pgdatahub.model.results import FileResult, Outcome, PartResult, RunReport
from pgdatahub.model.schema import AddColumn, AlterType, CreateTable, SchemaChange
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from rich.table import Table

    from pgdatahub.cli.lines import Console

MOST_TABLES: Final = 20
"""Tables whose skipped files have a line each; the files of the others are counted together."""
MOST_REMARKS: Final = 2
"""Files whose remarks of one kind are told in full."""
MOST_FIXES: Final = 5
"""Failures of which a terminal shows the way to fix each, where the line would not fit; of more, ``-v`` shows them."""
MORE: Final = "-v shows every file, column and remark; pgdatahub history lists what was loaded and changed"
MORE_AND_FIXES: Final = MORE.replace(" and remark", ", remark and fix")


def print_report(report: RunReport, console: Console, error_console: Console, *, verbose: bool = False) -> None:
    """Print the report of a run.

    Args:
        report: The report.
        console: Writes the tables and the totals to standard output.
        error_console: Writes skipped files, remarks and failures to standard error, as the progress does with loaded files.
        verbose: The progress had a line for every file and remark, so that skipped files and remarks are not counted here.
    """
    worked = {
        name: parts
        for name, parts in _by_table(report.results).items()
        if any(part.outcome in (Outcome.LOADED, Outcome.READ) for _, part in parts)
    }
    if worked:
        _print_tables(worked, console, dry=report.dry)
    width = error_console.width if error_console.is_terminal else sys.maxsize
    lines = [] if verbose else [*skipped_lines(report.results), *_remark_lines(report.results, width)]
    for line in lines:
        error_console.print(line, soft_wrap=True)
    shortened = _print_failures(report, console, error_console, width=sys.maxsize if verbose else width)
    for reason, names in report.ignored.items():
        console.print(Line(f"skipped, {reason}: {listed(names)}", style="dim"), soft_wrap=True)
    kept = [one for one in report.missing if one.action is MissingAction.KEEP]
    if kept:
        console.print(Line(missing_line(kept), style="dim"), soft_wrap=True)
    if lines or shortened:
        error_console.print(Line(MORE_AND_FIXES if shortened else MORE, style="dim"), soft_wrap=True)
    if report.stopped is not None:
        console.print(Line(ended_early(report), style="bold yellow"), soft_wrap=True)
    console.print(Line(_closing(report)), soft_wrap=True)


_Parts: TypeAlias = Sequence[tuple[FileResult, PartResult]]


def _by_table(results: Iterable[FileResult]) -> dict[str, list[tuple[FileResult, PartResult]]]:
    tables: dict[str, list[tuple[FileResult, PartResult]]] = {}
    for result in results:
        for part in result.by_table:
            tables.setdefault(str(part.table), []).append((result, part))
    return tables


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_tables(tables: Mapping[str, _Parts], console: Console, *, dry: bool) -> None:
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


def _summarize(parts: _Parts, *, dry: bool) -> dict[str, str]:
    outcomes = Counter(part.outcome for _, part in parts)
    changes = [change for _, part in parts for change in part.changes]
    # The time of a file is not known by table.
    time = sum(result.seconds / len(result.by_table) for result, _ in parts)
    return {
        "read" if dry else "loaded": f"{outcomes[Outcome.LOADED] + outcomes[Outcome.READ]:,}",
        "skipped": _or_nothing(outcomes[Outcome.SKIPPED]),
        "failed": _or_nothing(outcomes[Outcome.FAILED]),
        "rows": f"{sum(part.rows for _, part in parts):,}",
        "new\ncolumns": _new_columns(changes),
        "wider\ntypes": _or_nothing(len({change.name for change in changes if isinstance(change, AlterType)})),
        "time": seconds(time),
    }


def _or_nothing(number: int) -> str:
    return f"{number:,}" if number else ""


def _new_columns(changes: Sequence[SchemaChange]) -> str:
    added = sum(isinstance(change, AddColumn) for change in changes)
    created = sum(len(change.columns) for change in changes if isinstance(change, CreateTable))
    return f"all {created + added}" if created else _or_nothing(added)


# ── skipped files ─────────────────────────────────────────────────────────────────────────────────────────────────────


def skipped_lines(results: Iterable[FileResult]) -> Iterator[Line]:
    """Yield one line for each table with skipped files, or for the tables of such files: their number, and the reasons."""
    tables = _skipped_by_tables([result for result in results if result.outcome is Outcome.SKIPPED])
    # Of many tables, those come first that have more to say than that all is loaded.
    ordered = sorted(tables, key=lambda name: (set(_reasons(tables[name])) == {ALREADY_LOADED}, name))
    for name in sorted(ordered[:MOST_TABLES]):
        yield Line("skipped ", style="dim").append(_skipped(name, tables[name]))
    left = ordered[MOST_TABLES:]
    if left:
        files = sum(len(tables[name]) for name in left)
        yield Line(f"skipped {count(files, 'file')} of {count(len(left), 'further table')}", style="dim")


def _skipped_by_tables(results: Iterable[FileResult]) -> dict[str, list[tuple[FileResult, PartResult]]]:
    """Return table → its skipped parts; a file of several tables that is skipped for one reason counts for all of them."""
    tables: dict[str, list[tuple[FileResult, PartResult]]] = {}
    for result in results:
        parts = result.by_table
        if len({kind_of(part.reason or "") for part in parts}) == 1:
            tables.setdefault(listed([str(part.table) for part in parts]), []).append((result, parts[0]))
            continue
        for part in parts:
            tables.setdefault(str(part.table), []).append((result, part))
    return tables


def _skipped(table: str, parts: _Parts) -> str:
    if len(parts) == 1:
        result, part = parts[0]
        return f"{result.source.identity}: {part.reason}"
    reasons = _reasons(parts)
    described = []
    for reason, names in reasons.items():
        number = f"{len(names):,} " if len(reasons) > 1 else ""
        described.append(f"{number}{reason}" + ("" if reason == ALREADY_LOADED else f" ({listed(names, 1)})"))
    return f"{count(len(parts), 'file')} of {table}: {', '.join(described)}"


def _reasons(parts: _Parts) -> dict[str, list[str]]:
    """Return kind of reason → the names of the files skipped for it."""
    reasons: dict[str, list[str]] = {}
    for result, part in parts:
        reasons.setdefault(kind_of(part.reason or ""), []).append(result.source.name)
    return reasons


# ── remarks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Remark:
    """A kind of remark: its text for each file, and the sum of what it counts."""

    texts: dict[str, str] = field(default_factory=dict)
    number: int = 0


def _remark_lines(results: Iterable[FileResult], width: int) -> Iterator[Line]:
    """Yield the remarks on files: in full, or one line for each kind that many files have.

    Args:
        results: The results of the files.
        width: Columns of the terminal, which a line for many files does not pass for the path of the first.
    """
    remarks: dict[str, _Remark] = defaultdict(_Remark)
    for result in results:
        file = result.source.identity
        for key in sorted(result.counts):
            remarks[key].texts[file] = counted_cells(key, result)
            remarks[key].number += result.counts[key]
        for notice in result.notices:
            remarks[kind_of(notice)].texts.setdefault(file, notice)
    for kind, remark in sorted(remarks.items(), key=lambda item: -len(item[1].texts)):
        if len(remark.texts) > MOST_REMARKS:
            told = f"{kind}: {remark.number:,}" if remark.number else kind
            yield Line(_of_many(list(remark.texts), told, width), style="yellow")
        else:
            for file, text in remark.texts.items():
                yield Line(f"{file}: {text}", style="yellow")


def _of_many(files: Sequence[str], told: str, width: int) -> str:
    """Return a remark on many files with the first of them: its path, its name, or nothing, as the width allows."""
    text = f"{len(files):,} files: {told}"
    for first in (files[0], f"…/{files[0].rpartition('/')[2]}"):
        line = f"{text}; {listed([first, *files[1:]], 1)}"
        if len(line) <= width:
            return line
    return text


# ── failures, and the end ─────────────────────────────────────────────────────────────────────────────────────────────


def _print_failures(report: RunReport, console: Console, error_console: Console, *, width: int) -> bool:
    """Print the failures; return whether hints of them were left out, because many lines would pass the width."""
    failures = [result for result in report.results if result.outcome is Outcome.FAILED]
    if failures:
        heading = f"{count(len(failures), 'file')} failed; nothing of {_them(failures)} is in the tables"
        console.print(Line(heading, style="bold red"))
    shortened = False
    for result in failures:
        text = file_lines(result)
        if len(failures) > MOST_FIXES and len(text.lines[0].plain) > width and result.failure and result.failure.hint:
            text = file_lines(replace(result, failure=replace(result.failure, hint=None)))
            shortened = True
        error_console.print(text, soft_wrap=True)
    for folder, reason in report.unreadable.items():
        console.print(Line(f"not read: {folder}: {reason}", style="bold red"), soft_wrap=True)
    return shortened


def _them(failures: Sequence[FileResult]) -> str:
    return "it" if len(failures) == 1 else "them"


def _closing(report: RunReport) -> str:
    outcomes = Counter(result.outcome for result in report.results)
    rows = sum(result.rows for result in report.results)
    verb = "read" if report.dry else "loaded"
    done = outcomes[Outcome.LOADED] + outcomes[Outcome.READ]
    parts = [f"{count(done, 'file')} {verb}, {count(rows, 'row')}"]
    aside = sum(result.quarantined for result in report.results)
    emptied = sum(result.counts.get(BLANKED_CELLS, 0) for result in report.results)
    apart = [f"{count(aside, 'row')} set aside"] if aside else []
    apart += [f"{count(emptied, 'cell')} emptied"] if emptied else []
    if apart:
        parts.append(f"{', '.join(apart)} (pgdatahub quarantine lists them)")
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
