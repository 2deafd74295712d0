"""``pgdatahub revert-schema``: undo the schema changes of a reverted file."""

from __future__ import annotations

from typing import Annotated

import typer

from pgdatahub.cli.completion import complete_table
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


def revert_schema_command(
    table: Annotated[
        str,
        typer.Option(
            "--table", metavar="NAME", autocompletion=complete_table, help="The table.", rich_help_panel=WHICH
        ),
    ],
    source_file: Annotated[
        str, typer.Option("--source-file", metavar="FILE", help="The file's path, or its end.", rich_help_panel=WHICH)
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan; change nothing.", rich_help_panel=HOW)
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=HOW)] = False,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Undo the changes that a reverted file made to its table.

    Every column that the file touched gets the type that the loaded files need, proved value by value. A column or table
    that no loaded file needs is dropped, if pgdatahub made it.
    """
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.cli.undo import ask, require_terminal, show_result
    from pgdatahub.errors import ExitCode
    from pgdatahub.undo.revert import revert_schema

    if not (yes or dry_run):
        require_terminal("--yes")
    config = configured(config_file, data_root=data_root, schema_name=schema)
    result = revert_schema(
        config,
        table=table,
        source_file=source_file,
        confirm=None if yes else ask,
        dry_run=dry_run,
        reporter=tell_notices,
    )
    show_result(result, as_json=output is OutputFormat.JSON, asked=not (yes or dry_run))
    if dry_run and result.plan.all_refusals:
        raise typer.Exit(ExitCode.FAILED)
