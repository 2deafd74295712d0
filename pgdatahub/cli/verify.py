"""``pgdatahub verify``: tables compared with the history, import by import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgdatahub.cli.options import (
    HOW,
    WHICH,
    ConfigOption,
    DataRootOption,
    FormatOption,
    OutputFormat,
    SchemaOption,
    configured,
)
from pgdatahub.cli.terminal import say_lines
from pgdatahub.values.printable import printable_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from pgdatahub.cli.console import Line
    from pgdatahub.runs.verification.result import TableCheck, Verification

_MOST = 20
"""Number of differences that are listed for a table; JSON lists all."""


def verify_command(
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="NAME", help="Only this table; may be repeated.", rich_help_panel=WHICH),
    ] = None,
    values: Annotated[
        bool,
        typer.Option(
            "--values",
            help="Read the values of all imports, also of those that nothing has written since their load.",
            rich_help_panel=HOW,
        ),
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Compare the tables with the history, import by import; exit with 1 if they differ.

    Finds rows that were deleted, added or changed by hand, rows of reverted and of unknown imports, and dropped columns.
    Writes nothing.
    """
    from pgdatahub.cli.console import TerminalConsole
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.runs.verification.verify import verify

    config = configured(config_file, data_root=data_root, schema_name=schema)
    errors = TerminalConsole(stderr=True)
    with errors.status("") as status:
        found = verify(
            config,
            tables=tuple(table or ()),
            every_value=values,
            reporter=tell_notices,
            progress=lambda name: status.update(f"verifying {name}"),
        )
    if output is OutputFormat.JSON:
        say_lines(_json(found))
    else:
        _print(found)
    raise typer.Exit(found.exit_code)


def _print(found: Verification) -> None:
    from pgdatahub.cli.console import Line, TerminalConsole
    from pgdatahub.cli.render import seconds
    from pgdatahub.values.counting import count

    console = TerminalConsole()
    console.print(Line(found.destination), soft_wrap=True)
    if not found.tables:
        console.print(Line("no table was loaded yet; there is nothing to verify", style="dim"))
        return
    console.print(_table(found))
    for table in found.tables:
        for line in _lines(table):
            console.print(line, soft_wrap=True)
    imports = sum(table.imports for table in found.tables)
    rows = sum(table.rows for table in found.tables)
    checked = f"{count(len(found.tables), 'table')}, {count(imports, 'import')}, {count(rows, 'row')}"
    end = f"{count(found.differences, 'difference')}" if found.differences else "the tables are as the history has them"
    style = "bold red" if found.differences else "green"
    console.print(Line(f"{checked}: {end} ({seconds(found.seconds)})", style=style), soft_wrap=True)


def _table(found: Verification) -> Table:
    from rich import box
    from rich.table import Table

    from pgdatahub.cli.console import Line

    not_proved = any(one.unproved or one.changing for one in found.tables)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("table", overflow="fold")
    for heading in ("rows", "imports", "verified", *(["not proved"] if not_proved else []), "differences"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for one in found.tables:
        numbers = [one.verified, *([len(one.unproved) + one.changing] if not_proved else []), len(one.differences)]
        shown.add_row(
            Line(str(one.table)),
            f"{one.rows:,}",
            f"{one.imports:,}",
            *(f"{number:,}" if number else "–" for number in numbers),
            style="bold red" if one.differences else "",
        )
    return shown


def _lines(table: TableCheck) -> Iterator[Line]:
    from pgdatahub.cli.console import Line
    from pgdatahub.values.counting import count

    for one in table.differences[:_MOST]:
        line = Line(f"{one.kind.value:<19}", style="bold red")
        line.append(_subject(table, one.file, one.import_id), style="default")
        line.append(f": {one.text}", style="default")
        if one.hint:
            line.append(f" ({one.hint})", style="dim")
        yield line
    if len(table.differences) > _MOST:
        yield Line(
            f"… and {len(table.differences) - _MOST:,} more in {table.table}; --format json lists all", style="dim"
        )
    for unproved in table.unproved[:_MOST]:
        line = Line(f"{'not proved':<19}", style="yellow")
        line.append(_subject(table, unproved.file, unproved.import_id), style="default")
        yield line.append(f": all rows are there; {unproved.reason}", style="default")
    if len(table.unproved) > _MOST:
        yield Line(f"… and {len(table.unproved) - _MOST:,} more not proved in {table.table}", style="dim")
    if table.changing:
        text = f"{table.table}: another session changed {count(table.changing, 'import')} meanwhile; verify again"
        yield Line(text, style="yellow")


def _subject(table: TableCheck, file: str | None, import_id: int | None) -> str:
    number = f" (import {import_id})" if import_id is not None else ""
    return f"{table.table} › {file}{number}" if file is not None else str(table.table)


def _json(found: Verification) -> str:
    return printable_json(
        {
            "destination": found.destination,
            "exit_code": int(found.exit_code),
            "differences": found.differences,
            "seconds": round(found.seconds, 3),
            "tables": [_table_json(table) for table in found.tables],
        },
        indent=2,
    )


def _table_json(table: TableCheck) -> dict[str, Any]:
    return {
        "table": str(table.table),
        "schema": table.table.schema,
        "name": table.table.name,
        "rows": table.rows,
        "imports": table.imports,
        "as_written": table.as_written,
        "same_values": table.same_values,
        "same_file": table.same_file,
        "changing": table.changing,
        "unproved": [{"import_id": one.import_id, "file": one.file, "reason": one.reason} for one in table.unproved],
        "differences": [
            {
                "kind": one.kind.value.replace(" ", "_"),
                "text": one.text,
                "hint": one.hint,
                "rows": one.rows,
                "import_id": one.import_id,
                "file": one.file,
                "column": one.column,
                "load_timestamp": one.load_timestamp.isoformat() if one.load_timestamp else None,
            }
            for one in table.differences
        ],
    }
