"""``pgdatahub inspect``: contents of a workbook, and its table."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count as count_from
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pgdatahub.cli.options import ConfigOption, DataRootOption, FormatOption, OutputFormat, configured
from pgdatahub.cli.terminal import say_json, say_lines, say_sentence
from pgdatahub.errors import ExitCode
from pgdatahub.values.printable import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pgdatahub.config import Config
    from pgdatahub.model.schema import ColumnSchema
    from pgdatahub.runs.inspect import Inspection
    from pgdatahub.runs.inspect_tables import SheetInspection

_HEADER_LENGTH: Final = 200
"""Characters of a header that the listing shows; JSON has the whole."""


def inspect_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Workbooks; the settings of its folder apply to a file in the data root.",
            show_default=False,
        ),
    ],
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the kinds of values instead of the deciding cells.")
    ] = False,
    yaml: Annotated[
        bool,
        typer.Option("--yaml", help="Print a sheets: block for etl_config.yaml, one table a sheet or Excel table."),
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Show the sheets of workbooks, their headers, kinds of values and types. Uses no database.

    JSON is an object for one file, and a list of objects for several.
    """
    config = configured(config_file, data_root=data_root)
    from pgdatahub.runs.inspect import inspect

    if len(files) == 1:
        inspections = [inspect(config, files[0])]
        failed = False
    else:
        inspections, failed = _inspect_all(config, files)
    if yaml:
        for inspection in inspections:
            say_lines(inspect_yaml(inspection))
    elif output is OutputFormat.JSON:
        described = list(map(_described, inspections))
        say_json(described[0] if len(files) == 1 else described)
    else:
        from pgdatahub.cli.console import TerminalConsole

        console = TerminalConsole()
        for number, inspection in enumerate(inspections):
            if number:
                console.print()
            _print(inspection, console, verbose=verbose)
    if failed or any(inspection.refused for inspection in inspections):
        raise typer.Exit(ExitCode.FAILED)


def _inspect_all(config: Config, files: Sequence[Path]) -> tuple[list[Inspection], bool]:
    """Return the inspections of the files that can be read, and whether there are others; print an error for each."""
    from pgdatahub.errors import FileError
    from pgdatahub.runs.inspect import inspect

    found = []
    for file in files:
        try:
            found.append(inspect(config, file))
        except FileError as error:
            say_sentence(f"error: {config.secrets.mask(str(error))}", err=True)
    return found, len(found) < len(files)


def _print(inspection: Inspection, console: Console, *, verbose: bool) -> None:
    from pgdatahub.cli.console import Line
    from pgdatahub.cli.render import failure_text

    tables = sorted({str(sheet.table) for sheet in inspection.sheets if sheet.table is not None})
    target = (
        f"tables {', '.join(tables)}"
        if inspection.source.options.is_routed and tables
        else f"table {inspection.source.table}"
    )
    console.print(Line(f"{inspection.source.identity} → {target}", style="bold"), soft_wrap=True)
    if inspection.failure is not None:
        told = f"a run would load no sheet: {failure_text(inspection.failure)}"
        console.print(Line(told, style="yellow"), soft_wrap=True)
    for one in inspection.ranges:
        kind = "table" if one.is_table else "range"
        style = "default" if one.problem is None else "dim"
        console.print(Line(f"{kind} {one.name}: {one.area or one.problem}", style=style), soft_wrap=True)
    for sheet in inspection.sheets:
        console.print()
        _print_sheet(sheet, console, verbose=verbose, several=inspection.source.options.is_routed)


def inspect_yaml(inspection: Inspection) -> str:
    """Return a ``sheets:`` block: a table for each Excel table, and for each other visible sheet with headers."""
    from pgdatahub.readers.choice.own_sheets import is_own_sheet
    from pgdatahub.values.identifiers import table_name

    folders = tuple(inspection.source.identity.split("/")[:-1])
    folder = "/".join(folders) or "folder"
    plain = all(one.replace("_", "").isalnum() and one.isascii() for one in folders)
    lines = [f"{folder if plain else json.dumps(folder, ensure_ascii=False)}:", "  sheets:"]
    seen = set()
    named: set[str] = set()

    def new_table(name: str) -> str:
        # A fixed name for each: two sheets whose names fold alike would share a table.
        table = first = table_name((*folders, name))
        for number in count_from(2):
            if table not in named:
                break
            table = f"{first}_{number}"
        named.add(table)
        return table

    for sheet in inspection.sheets:
        if sheet.name in seen or not sheet.visible or is_own_sheet(sheet.name):
            continue
        seen.add(sheet.name)
        tables = [one for one in inspection.ranges if one.is_table and one.sheet == sheet.name]
        key = json.dumps(sheet.name, ensure_ascii=False)
        is_bad = sheet.failure is not None and sheet.failure.kind != "EmptySheetError"
        remarks = [sheet.failure.message] if is_bad and sheet.failure is not None else sheet.notices
        lines += [f"    # {' '.join(remark.split())}" for remark in ([] if tables else remarks)]
        if tables:
            entries = ", ".join(f"{{range: {one.name}, table: {new_table(one.name)}}}" for one in tables)
            lines.append(f"    {key}: [{entries}]" if len(tables) > 1 else f"    {key}: {entries}")
        elif sheet.columns or is_bad:
            lines.append(f"    {key}: {{table: {new_table(sheet.name)}}}")
        else:
            lines.append(f"    {key}: {{skip: true}}")
    return "\n".join(lines)


def _print_sheet(sheet: SheetInspection, console: Console, *, verbose: bool, several: bool) -> None:
    from rich import box
    from rich.table import Table

    from pgdatahub.cli.console import Line
    from pgdatahub.cli.fault_lines import lines_of_failure
    from pgdatahub.cli.render import failure_text
    from pgdatahub.values.counting import count

    marks = [] if sheet.visible else ["hidden"]
    into = f" into {sheet.table}" if several else ""
    marks.append(f"loaded by a run{into}" if sheet.chosen else "not loaded by a run")
    title = f"{sheet.name} ({', '.join(marks)})"
    if sheet.failure is not None:
        where = sheet.failure.where if sheet.failure.where != sheet.name else None
        failure = replace(sheet.failure, where=where)
        console.print(Line(f"{title}: {failure_text(failure)}"), soft_wrap=True)
        for line in lines_of_failure(sheet.failure):
            console.print(Line(f"  {line}"), soft_wrap=True)
        return
    header = f"headers in row {sheet.header_row}" if sheet.header_row else "no headers"
    if sheet.header_rows:
        header = f"headers in rows {sheet.header_rows[0]}-{sheet.header_rows[1]}"
    if sheet.range:
        header += f", range {sheet.range}"
    console.print(Line(f"{title}: {count(sheet.rows, 'row')}, {header}"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("header", overflow="fold")
    table.add_column("column", overflow="fold")
    table.add_column("type", no_wrap=True)
    table.add_column("values", justify="right")
    table.add_column("kinds" if verbose else "because", overflow="fold")
    for column in sheet.columns:
        table.add_row(
            Line(shortened(column.header or "—", _HEADER_LENGTH)),
            Line(column.name),
            Line(column.type.label),
            f"{column.observed.values if column.observed else 0:,}",
            Line(_kinds(column) if verbose else _because(column)),
        )
    console.print(table)
    for key, number in sorted(sheet.counts.items()):
        console.print(Line(f"{key}: {number:,}, first {sheet.examples.get(key, '?')}", style="yellow"), soft_wrap=True)
    for notice in sheet.notices:
        console.print(Line(notice, style="yellow"), soft_wrap=True)


def _because(column: ColumnSchema) -> str:
    """Return the cell that decided the type, if most values are of another type."""
    if column.observed is None:
        return ""
    decisive = column.observed.needs().get(column.type)  # type: ignore[arg-type]  # observed columns are never opaque
    if decisive is None:
        return ""
    if decisive.is_largest and decisive.count > 1:
        return f'{decisive.cell} is "{decisive.sample}" (the largest)'
    if decisive.count == column.observed.values:
        return ""
    return f'{decisive.cell} is "{decisive.sample}" ({decisive.count:,} such)'


def _kinds(column: ColumnSchema) -> str:
    if column.observed is None:
        return ""
    return ", ".join(
        f"{evidence.count:,} {kind.value} ({evidence.cell})" for kind, evidence in column.observed.evidence.items()
    )


def _described(inspection: Inspection) -> dict[str, Any]:
    return {
        "file": inspection.source.identity,
        "table": str(inspection.source.table),
        "failure": inspection.failure.message if inspection.failure else None,
        "ranges": [
            {"name": one.name, "area": one.area, "table": one.is_table, "sheet": one.sheet, "problem": one.problem}
            for one in inspection.ranges
        ],
        "sheets": [
            {
                "name": sheet.name,
                "visible": sheet.visible,
                "loaded_by_run": sheet.chosen,
                "table": str(sheet.table) if sheet.table is not None else None,
                "range": sheet.range,
                "header_row": sheet.header_row,
                "header_rows": list(sheet.header_rows),
                "rows": sheet.rows,
                "columns": [_described_column(column) for column in sheet.columns],
                "counts": dict(sheet.counts),
                "examples": dict(sheet.examples),
                "notices": list(sheet.notices),
                "failure": sheet.failure.message if sheet.failure else None,
            }
            for sheet in inspection.sheets
        ],
    }


def _described_column(column: ColumnSchema) -> dict[str, Any]:
    evidence = column.observed.evidence if column.observed else {}
    return {
        "header": column.header,
        "name": column.name,
        "type": column.type.sql,
        "kinds": {
            kind.value: {"count": found.count, "first_cell": found.cell, "sample": found.sample}
            for kind, found in evidence.items()
        },
    }
