"""``pgdatahub report``: one page on what was loaded, or a data dictionary."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from pgdatahub.cli.completion import complete_table
from pgdatahub.cli.options import OUTPUT, WHICH, ConfigOption, SchemaOption, configured
from pgdatahub.cli.terminal import say, say_document
from pgdatahub.errors import ConfigError


class ReportFormat(str, enum.Enum):
    """Formats of ``report``."""

    HTML = "html"
    MARKDOWN = "markdown"


def report_command(
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="[ID]", help="Only this run; without an ID the last one.", rich_help_panel=WHICH),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table", metavar="TABLE", autocompletion=complete_table, help="Only this table.", rich_help_panel=WHICH
        ),
    ] = None,
    scan: Annotated[
        bool,
        typer.Option(
            "--scan",
            help="Read the tables: exact shares of NULL, distinct values, extremes and histograms; at most 60 s a table.",
        ),
    ] = False,
    values: Annotated[
        bool,
        typer.Option("--values", help="Show values of texts too, except in folders with samples: false."),
    ] = False,
    output: Annotated[
        ReportFormat, typer.Option("--format", help="A page, or a data dictionary.", rich_help_panel=OUTPUT)
    ] = ReportFormat.HTML,
    target: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file, which is replaced; - is the standard output.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    schema: SchemaOption = None,
    config_file: ConfigOption = None,
) -> None:
    """Write one page on the tables, their columns and imports, and the files that did not load.

    The page needs neither network nor JavaScript. It shows values of numbers, dates and booleans only, and none of folders with
    samples: false.
    """
    if target is None:
        name = "report.html" if output is ReportFormat.HTML else "dictionary.md"
        raise ConfigError("report needs a file", hint=f"-o {name}, or -o - for the standard output")
    config = configured(config_file, schema_name=schema)
    from pgdatahub.cli.console import TerminalConsole
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.reports.page.render import html, markdown
    from pgdatahub.reports.page.report import make_report
    from pgdatahub.reports.page.selection import Choice

    choice = Choice(run=run, table=table, scan=scan, texts=values)
    with TerminalConsole(stderr=True).status("") as status:
        found = make_report(
            config, choice, reporter=tell_notices, progress=lambda name: status.update(f"reading {name}")
        )
    text = (html if output is ReportFormat.HTML else markdown)(found)
    if target == "-":
        say_document(text)
        return
    _write(Path(target), text)
    say(f"{output.value} written to {target}", err=True)


def _write(path: Path, text: str) -> None:
    """Replace a file at once.

    Raises:
        ConfigError: The file cannot be written.
    """
    import os

    from pgdatahub.system.atomic_write import write_file

    if path.is_dir():
        raise ConfigError("it is a folder", where=str(path), hint="name a file")
    umask = os.umask(0)
    os.umask(umask)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(text.encode())  # a device or a pipe must stay what it is
        else:
            write_file(path, text.encode(), mode=0o666 & ~umask)
    except OSError as error:
        raise ConfigError(f"the file cannot be written: {error.strerror or error}", where=str(path)) from error
