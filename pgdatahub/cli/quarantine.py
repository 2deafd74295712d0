"""``pgdatahub quarantine``: rows of loaded files that are set aside."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pgdatahub.cli.help import Group, epilog
from pgdatahub.cli.options import ConfigOption, configured
from pgdatahub.cli.terminal import say, say_lines, say_sentence
from pgdatahub.errors import ConfigError, ExitCode
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from pgdatahub.postgres.history.quarantine import QuarantinedRow


class QuarantineFormat(str, enum.Enum):
    """Output formats of ``quarantine``."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


quarantine_app = typer.Typer(name="quarantine", cls=Group)


@quarantine_app.callback(invoke_without_command=True, epilog=epilog("quarantine"))
def quarantine_command(
    context: typer.Context,
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="Only this table.", show_default=False)
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="Only this file, or the end of its path.", show_default=False),
    ] = None,
    import_id: Annotated[
        int | None, typer.Option("--import-id", metavar="N", help="Only this import.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 while there are such rows.")] = False,
    output: Annotated[QuarantineFormat, typer.Option("--format", help="Output format.")] = QuarantineFormat.TEXT,
    target: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this new file.", show_default=False),
    ] = None,
    config_file: ConfigOption = None,
) -> None:
    """List or export the rows with faults that loads kept out of the tables, and emptied cells.

    With -o the texts are exact; on the screen, characters that control a terminal are escaped. Formulas in CSV stay formulas: a
    spreadsheet that opens the file may compute them.
    """
    if context.invoked_subcommand is not None:
        sources = map(context.get_parameter_source, context.params)
        if any(source is not None and source.name == "COMMANDLINE" for source in sources):
            raise typer.BadParameter(f"write the options behind {context.invoked_subcommand}")
        return
    if output is QuarantineFormat.XLSX and target is None:
        raise ConfigError("--format xlsx needs a file", hint="-o FILE.xlsx")
    config = configured(config_file)
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.runs.aside.quarantine import quarantine
    from pgdatahub.runs.aside.quarantine_export import csv_lines, json_lines, text_lines, write_lines, write_workbook

    lines = {QuarantineFormat.TEXT: text_lines, QuarantineFormat.JSON: json_lines, QuarantineFormat.CSV: csv_lines}

    counted = _Counted()
    with quarantine(config, table=table, file=file, import_id=import_id, reporter=tell_notices) as found:
        rows = counted.watch(found)
        if output is QuarantineFormat.XLSX and target is not None:
            write_workbook(target, rows)
        elif target is not None:
            write_lines(target, lines[output](rows))
        else:
            tell = say_sentence if output is QuarantineFormat.TEXT else say_lines
            for line in lines[output](rows):
                tell(line)
    if target is not None:
        say(f"{count(counted.rows, 'row')} written to {target}", err=True)
    if check and counted.rows:
        raise typer.Exit(ExitCode.FAILED)


class _Counted:
    """The number of rows that went by."""

    rows = 0

    def watch(self, found: Iterable[QuarantinedRow]) -> Iterator[QuarantinedRow]:
        """Yield rows, and count them."""
        for row in found:
            self.rows += 1
            yield row
