"""``pgdatahub revert``: delete the rows of an import."""

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


def revert_command(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="The file's path, or its end; as --source-file.", show_default=False),
    ] = None,
    file_hash: Annotated[
        str | None,
        typer.Option(
            "--hash",
            "--file-hash",
            metavar="SHA256",
            help="The file's hash; 8 digits of it may be enough.",
            rich_help_panel=WHICH,
        ),
    ] = None,
    source_file: Annotated[
        str | None,
        typer.Option("--source-file", metavar="FILE", help="The file's path, or its end.", rich_help_panel=WHICH),
    ] = None,
    import_id: Annotated[
        int | None,
        typer.Option(
            "--import-id", metavar="ID", help="The import's number in `pgdatahub history`.", rich_help_panel=WHICH
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="NAME",
            autocompletion=complete_table,
            help="The table, if the file is in several.",
            rich_help_panel=WHICH,
        ),
    ] = None,
    with_schema: Annotated[
        bool,
        typer.Option(
            "--with-schema", help="Also undo its changes of the table, as revert-schema does.", rich_help_panel=HOW
        ),
    ] = False,
    hold: Annotated[
        bool,
        typer.Option("--hold", help="Skip the file in later runs, until run --reload FILE.", rich_help_panel=HOW),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Revert although the rows were changed by hand; the differences are shown.",
            rich_help_panel=HOW,
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan; change nothing.", rich_help_panel=HOW)
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=HOW)] = False,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """Revert an import: delete its rows in one transaction, and mark it in the history.

    Name the import by its FILE, or by --hash or --import-id. The number of its rows must still be the number loaded.
    """
    from pgdatahub.cli.notices import tell_notices
    from pgdatahub.cli.undo import ask, require_terminal, show_result
    from pgdatahub.errors import ExitCode
    from pgdatahub.undo.plan import UndoRequest
    from pgdatahub.undo.revert import revert

    if file is not None and source_file is not None:
        raise typer.BadParameter("give FILE or --source-file, not both")
    if not (yes or dry_run):
        require_terminal("--yes")
    config = configured(config_file, data_root=data_root, schema_name=schema)
    request = UndoRequest(
        file_hash=file_hash,
        source_file=source_file if file is None else file,
        import_id=import_id,
        table=table,
        schema=with_schema,
        force=force,
        hold=hold,
    )
    result = revert(config, request, confirm=None if yes else ask, dry_run=dry_run, reporter=tell_notices)
    show_result(result, as_json=output is OutputFormat.JSON, asked=not (yes or dry_run))
    if dry_run and result.plan.all_refusals:
        raise typer.Exit(ExitCode.FAILED)
