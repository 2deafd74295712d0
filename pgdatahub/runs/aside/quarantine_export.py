"""Rows that are set aside, as lines of text, JSON and CSV, and as a workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgdatahub.errors import ConfigError
from pgdatahub.values.counting import count
from pgdatahub.values.printable import printable, printable_json

if TYPE_CHECKING:
    from pgdatahub.postgres.history.quarantine import QuarantinedRow

_FIXED = ("table", "file", "sheet", "row", "action", "faults")
"""The first columns of CSV and xlsx; the cells of a row follow by name."""


def text_lines(rows: Iterable[QuarantinedRow]) -> Iterator[str]:
    """Yield a line for each file and each row, and one with their number."""
    number = aside = 0
    previous = None
    for row in rows:
        number += 1
        aside += row.action == "row"
        place = (row.table, row.identity, row.import_id)
        if place != previous:
            yield printable(f"{row.identity} → {row.table} (import {row.import_id})")
            previous = place
        cells = "; ".join(f"{name}: {text}" for name, text in row.cells.items())
        kept = "emptied" if row.action == "cells" else "set aside"
        yield printable(f"  {row.sheet} › row {row.row} {kept} ({_rules(row)}): {cells}")
    emptied = f", {number - aside:,} with emptied cells" if number > aside else ""
    yield f"{count(aside, 'row')} set aside{emptied}"


def json_lines(rows: Iterable[QuarantinedRow]) -> Iterator[str]:
    """Yield a list of objects, a row a line."""
    yield "["
    previous = None
    for row in rows:
        if previous is not None:
            yield f" {previous},"
        previous = printable_json(_described(row))
    if previous is not None:
        yield f" {previous}"
    yield "]"


def csv_lines(rows: Iterable[QuarantinedRow]) -> Iterator[str]:
    """Yield a header and a record for each row."""
    for record in _records(rows):
        stream = io.StringIO()
        csv.writer(stream, lineterminator="").writerow(record)
        yield stream.getvalue()


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a new file.

    Raises:
        ConfigError: The file exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="") as stream:
            stream.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"the file cannot be written: {error.strerror or error}", where=str(path))


def write_workbook(path: Path, rows: Iterable[QuarantinedRow]) -> None:
    """Write rows to a new workbook, in which all cells are texts.

    Raises:
        ConfigError: The file exists or cannot be written, a workbook cannot hold the rows, or the library that writes workbooks
            is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise ConfigError("--format xlsx needs the extra: pip install pgdatahub[xlsx]") from None
    try:
        path.open("x").close()  # before the rows are read
    except FileExistsError:
        raise ConfigError("the file already exists", where=str(path), hint="name another file") from None
    except OSError as error:
        raise _unwritable(path, error) from error
    refused = None
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet("quarantine")
        for number, record in enumerate(_records(rows)):
            texts = [(position, text) for position, text in enumerate(record) if text]
            # The library cuts a text that is too long, and leaves out a cell beyond the end of a sheet.
            if any(sheet.write_string(number, position, text) for position, text in texts):
                refused = number + 1
                break
    if refused is not None:
        path.unlink()
        raise ConfigError(
            f"a workbook cannot hold row {refused:,}: it has a text of more than 32,767 characters, or there are too many rows"
            " or columns",
            where=str(path),
            hint="--format csv has no limits",
        )


def _rules(row: QuarantinedRow) -> str:
    return ", ".join(f"{fault['cell']} {fault['rule']}" for fault in row.faults)


def _described(row: QuarantinedRow) -> dict[str, Any]:
    return {
        "table": str(row.table),
        "import_id": row.import_id,
        "file": row.identity,
        "source_file": row.source_file,
        "sheet": row.sheet,
        "row": row.row,
        "action": row.action,
        "cells": dict(row.cells),
        "kinds": row.kinds,
        "faults": [dict(fault) for fault in row.faults],
    }


def _records(rows: Iterable[QuarantinedRow]) -> Iterator[list[str]]:
    """Yield the columns, then the rows, as texts; all rows are needed for the columns."""
    kept = list(rows)
    filled = {name for row in kept for name in row.cells}
    ordered = dict.fromkeys(name for row in kept for name in (*row.columns, *row.cells))
    names = [name for name in ordered if name in filled]
    yield [*_FIXED, *names]
    for row in kept:
        fixed = [str(row.table), row.identity, row.sheet, str(row.row), row.action, _rules(row)]
        yield [*fixed, *(row.cells.get(name, "") for name in names)]
