"""``pgdatahub history``: imports, schema changes and failures, oldest first."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgdatahub.cli.completion import complete_table
from pgdatahub.cli.options import WHICH, FormatOption, OutputFormat, SchemaOption, configured, within
from pgdatahub.cli.terminal import say_lines
from pgdatahub.errors import ConfigError
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from pgdatahub.config import Config
    from pgdatahub.model.imports import ChangeRow, ImportRow
    from pgdatahub.runs.history import HistoryEntry, Timeline


def history_command(
    table: Annotated[
        str | None,
        typer.Option(
            "--table", metavar="NAME", autocompletion=complete_table, help="Only this table.", rich_help_panel=WHICH
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", metavar="FILE", help="Only this file: its path, or the end of its path.", rich_help_panel=WHICH
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="DATE",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"],
            help="Only entries from this moment on, UTC: 2024-03-01 or 2024-03-01T14:30.",
            rich_help_panel=WHICH,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="N",
            callback=within(1),
            help="Only the latest N imports, and the changes since the first of them.",
            show_default=False,
            rich_help_panel=WHICH,
        ),
    ] = None,
    redact: Annotated[
        bool,
        typer.Option(
            "--redact", help="Remove the values of cells from all entries, or from those of --table; tables keep them."
        ),
    ] = False,
    schema: SchemaOption = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Show imports, schema changes and files that did not load, oldest first; reverted imports are marked."""
    from pgdatahub.cli.notices import tell_notices

    if redact:
        if any(given is not None for given in (file, since, limit)):
            raise ConfigError("--redact takes --table, and no other selection")
        _redact(configured(schema_name=schema), table)
        return
    from pgdatahub.runs.history import history

    config = configured(schema_name=schema)
    timeline = history(config, table=table, file=file, since=since, limit=limit, reporter=tell_notices)
    if output is OutputFormat.JSON:
        say_lines(_json(timeline))
    else:
        _print(timeline, filtered=any(given is not None for given in (table, file, since)))


def _redact(config: Config, table: str | None) -> None:
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.runs.redact import redact
    from pgdatahub.values.counting import count

    done = redact(config, table=table, reporter=tell_notices)
    parts = (count(done.imports, "import"), count(done.changes, "schema change"), count(done.failures, "failure"))
    say_lines(f"{done.destination}: values removed from {', '.join(parts)}; etl.log keeps those that it has")


def _print(timeline: Timeline, *, filtered: bool) -> None:
    from pgdatahub.cli.console import Line, TerminalConsole
    from pgdatahub.values.counting import count

    console = TerminalConsole()
    console.print(Line(timeline.destination), soft_wrap=True)
    if not timeline.entries:
        nothing = "the history has no such entry" if filtered else "nothing happened yet"
        console.print(Line(nothing, style="dim"))
    if timeline.left_out:
        earlier = f"{count(timeline.left_out, 'earlier import')} not shown (--limit)"
        console.print(Line(earlier, style="dim"))
    day = ""
    for moment, line in _lines(timeline.entries):
        if f"{moment:%Y-%m-%d}" != day:
            day = f"{moment:%Y-%m-%d}"
            console.print()
            console.print(Line(f"{day} (UTC)", style="bold"))
        console.print(line, soft_wrap=True)
    if any(getattr(entry, "sheets_left_out", ()) for entry in timeline.entries):
        hint = (
            "sheets that were not loaded: a run loads those that get an entry below sheets: in etl_config.yaml; "
            'with sheet: "*" or a list of names, run --reload FILE loads them'
        )
        console.print()
        console.print(Line(hint, style="dim"), soft_wrap=True)


def _lines(entries: Iterable[HistoryEntry]) -> Iterable[tuple[datetime, Text]]:
    from pgdatahub.cli.failures import failure_text
    from pgdatahub.model.change_phrases import described_changes
    from pgdatahub.model.failures import FailureRow
    from pgdatahub.model.imports import ChangeRow, ImportRow

    entries = tuple(entries)
    phrases = {
        change.id: phrase
        for change, phrase in described_changes(entry for entry in entries if isinstance(entry, ChangeRow))
    }
    for entry in entries:
        if isinstance(entry, ImportRow):
            yield entry.imported_at, _import_line(entry)
        elif isinstance(entry, FailureRow):
            yield entry.last_failed_at, failure_text(entry)
        elif entry.id in phrases:
            yield entry.changed_at, _change_line(entry, phrases[entry.id])


def _import_line(past: ImportRow) -> Text:
    from pgdatahub.cli.console import Line
    from pgdatahub.cli.render import listed
    from pgdatahub.model.imports import Status
    from pgdatahub.values.counting import count

    loaded = past.status == Status.LOADED
    line = Line().append(f"{past.imported_at:%H:%M:%S}  {past.id:>5}  ", style="dim")
    line.append(f"{past.identity} → {past.table}: {count(past.row_count, 'row')}", style="default" if loaded else "dim")
    if past.quarantined:
        line.append(f", {past.quarantined:,} set aside", style="yellow" if loaded else "dim")
    if past.emptied:
        line.append(f", {count(past.emptied, 'cell')} emptied", style="yellow" if loaded else "dim")
    for replay in past.replays:
        if replay.before is not None:
            line.append(
                f", {replay.rows:,} of them replayed {replay.at:%Y-%m-%d %H:%M}", style="default" if loaded else "dim"
            )
    line.append(f"  {past.file_sha256[:8]}", style="dim")
    if past.keys is not None:
        keys = past.keys
        told = f"{keys.new:,} new, {keys.won:,} won ({keys.unchanged:,} unchanged), {keys.lost:,} lost"
        line.append(f"  {told}", style="dim")
    if not loaded:
        moment = f" {past.reverted_at:%Y-%m-%d %H:%M}" if past.reverted_at else ""
        said = "reverted, on hold" if past.status == Status.HELD else past.status
        line.append(f"  {said}{moment}", style="yellow")
    if past.sheets_left_out:
        line.append(f"  not loaded: {listed(past.sheets_left_out, 10)}", style="yellow")
    return line


def _change_line(change: ChangeRow, phrase: str) -> Text:
    from pgdatahub.cli.console import Line

    subject = f"{change.table}.{change.column}" if change.column else str(change.table)
    line = Line().append(f"{change.changed_at:%H:%M:%S}         ", style="dim")
    line.append(f"{subject}: {phrase}", style="cyan")
    if change.cell:
        line.append(f' because {change.cell} is "{change.sample}"', style="dim")
    return line


def _json(timeline: Timeline) -> str:
    entries = [_entry_json(one) for one in timeline.entries]
    return printable_json({"destination": timeline.destination, "entries": entries}, indent=2)


def _entry_json(entry: HistoryEntry) -> dict[str, Any]:
    from pgdatahub.cli.failures import failure_json
    from pgdatahub.model.failures import FailureRow
    from pgdatahub.model.imports import ImportRow

    if isinstance(entry, FailureRow):
        return failure_json(entry)
    return _import_json(entry) if isinstance(entry, ImportRow) else _change_json(entry)


def _import_json(past: ImportRow) -> dict[str, Any]:
    return {
        "kind": "import",
        "at": past.imported_at.isoformat(),
        "id": past.id,
        "table": str(past.table),
        "file": past.identity,
        "source_file": past.source_file,
        "file_sha256": past.file_sha256,
        "rows": past.row_count,
        **({"quarantined": past.quarantined} if past.quarantined else {}),
        **({"emptied": past.emptied} if past.emptied else {}),
        **(
            {
                "replays": [
                    {"at": one.at.isoformat(), "run_id": one.run_id, "rows": one.rows, "settings": one.settings}
                    for one in past.replays
                ]
            }
            if past.replays
            else {}
        ),
        "run_id": past.run_id,
        "status": past.status,
        "reverted_at": past.reverted_at.isoformat() if past.reverted_at else None,
        "sheets_left_out": list(past.sheets_left_out),
        **({} if past.keys is None else {"keys": asdict(past.keys)}),
    }


def _change_json(change: ChangeRow) -> dict[str, Any]:
    return {
        "kind": "schema_change",
        "at": change.changed_at.isoformat(),
        "id": change.id,
        "table": str(change.table),
        "change": change.change_type,
        "column": change.column,
        "old_type": change.old_type,
        "new_type": change.new_type,
        "source_file": change.source_file,
        "import_id": change.import_id,
        "cell": change.cell,
        "sample": change.sample,
    }
