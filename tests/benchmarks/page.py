"""The page of the documentation that shows the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.benchmarks.cases import CASES, OURS
from tests.benchmarks.goals import GOALS, Results
from tests.benchmarks.measuring import medians
from tests.benchmarks.results import CaseResult

_HEAD = """\
# Benchmarks

The whole job: from workbooks to committed rows in a table, the start of the process included. Run them yourself, on a
quiet machine with two hours to spare; they write this page again:

```console
$ nox -s bench
```

One case at a time, with fewer runs, or into this page from what was measured before:

```console
$ nox -s bench -- --cases 100k,texts
$ nox -s bench -- --cases 1m --runs 3
$ nox -s bench -- --cases ''
```

What was measured is kept in `build/benchmarks.json`, and a case that is run again takes the place of its older figures.

How it is measured: every contestant is a process of its own, and all load into one embedded server on the same machine, in
turns, after a checkpoint each; the figures are medians. *CPU* is the processor time of the process and its children.
*Server* is that of PostgreSQL and all its processes in the meantime, as the system counts it, with autovacuum off; what it
still writes afterwards is in no figure. *Both* is their sum: all processor time of the job. *Memory* is the largest sum of proportional set sizes over a process and its
children; the server's is not in it. Machines are noisy: read the ratios, which are ours divided by theirs.

pgdatahub does more in that time than the others do: it infers types from all rows, checks whether the file is loaded
already, and keeps its history. `\\copy` of the same rows from a CSV file is the floor: no reading, no types, only the
database. DuckDB loads all columns as text. [Where the time goes](explanation/speed.md) says what is behind the figures.
"""


def render(results: Results) -> str:
    """Return the page as Markdown."""
    sections = [_HEAD, _goals(results), *(_case(name, results) for name in CASES if name in results)]
    if results:
        sections.append(_places(results))
    return "\n".join(sections)


def _goals(results: Results) -> str:
    lines = ["## Goals", "", "| goal | | measured | |", "|---|---:|---:|---|"]
    for goal in GOALS:
        figure = goal.measure(results)
        sign = "≥" if goal.at_least else "≤"
        verdict = "" if figure is None else "reached" if goal.reached(figure) else "**not reached**"
        measured = "not measured" if figure is None else f"{_number(figure)}{goal.unit}"
        lines.append(f"| {goal.text} | {sign} {_number(goal.limit)}{goal.unit} | {measured} | {verdict} |")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _case(name: str, results: Results) -> str:
    case, found = CASES[name], results[name]
    lines = [f"## {case.title}", ""]
    if found.scale != 1:
        lines += [f"A trial at {found.scale:g} of the size: the figures mean nothing.", ""]
    if case.remark:
        lines += [case.remark, ""]
    lines += _table(found, next(iter(case.ours), OURS))
    counts = {len(runs) for runs in found.runs.values()}
    lines += ["", f"{_range(counts)} runs each, {found.day}.", ""]
    return "\n".join(lines)


def _range(counts: set[int]) -> str:
    if not counts:
        return "No"
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _table(found: CaseResult, ours: str) -> Sequence[str]:
    lines = [
        "| | wall | CPU | server | both | memory | wall, ours ÷ theirs | both, ours ÷ theirs | memory, ours ÷ theirs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    reference = medians(found.runs[ours]) if ours in found.runs else None
    for name, runs in found.runs.items():
        middle = medians(runs)
        seconds = (middle.wall, middle.cpu, middle.server, middle.total)
        figures = " | ".join([*(f"{value:.2f} s" for value in seconds), f"{middle.peak / 1e6:.0f} MB"])
        if name == ours or reference is None:
            ratios = "| |"
        else:
            pairs = (
                (reference.wall, middle.wall),
                (reference.total, middle.total),
                (reference.peak, middle.peak),
            )
            ratios = " | ".join(f"{mine / theirs:.2f}" if theirs else "" for mine, theirs in pairs)
        lines.append(f"| {name} | {figures} | {ratios} |".replace("  ", " "))
    lines += [f"| {name} | did not run: {note} | | | | | | | |" for name, note in found.notes.items()]
    return lines


def _places(results: Mapping[str, CaseResult]) -> str:
    """Return where the results come from; one paragraph for each machine and set of versions."""
    where: dict[str, list[str]] = {}
    for name in CASES:
        if name in results:
            where.setdefault(results[name].place, []).append(CASES[name].title)
    lines = ["## Machine and versions", ""]
    for place, titles in where.items():
        of = "" if len(where) == 1 else f" ({'; '.join(titles)})"
        lines += [f"{place}{of}.", ""]
    return "\n".join(lines)
