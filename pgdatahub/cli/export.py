"""``pgdatahub export``: the loaded tables, described for other tools."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import typer

from pgdatahub.cli.options import ConfigOption, DataRootOption, LoadedTableOption, SchemaOption, configured, within
from pgdatahub.cli.terminal import say, say_document


class Tool(str, enum.Enum):
    """Tools that ``export`` writes for."""

    DBT = "dbt"


def export_command(
    tool: Annotated[  # noqa: ARG001 - the only one so far
        Tool, typer.Argument(metavar="TOOL", help="dbt: a file sources.yml.", show_default=False)
    ],
    table: LoadedTableOption = None,
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="Name of the source.")] = "workbooks",
    warn_days: Annotated[
        int,
        typer.Option("--warn-days", metavar="DAYS", help="Age of the newest rows to warn from.", callback=within(1)),
    ] = 8,
    error_days: Annotated[
        int | None,
        typer.Option(
            "--error-days",
            metavar="DAYS",
            help="Age of the newest rows to fail from (default: never).",
            show_default=False,
            callback=within(1),
        ),
    ] = None,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    schema: SchemaOption = None,
) -> None:
    """Describe the loaded tables for another tool, on standard output.

    For dbt: the columns with types and descriptions, freshness by load_timestamp, and tests from the rules below columns:.
    """
    from pgdatahub.runs.dbt_sources import dbt_sources

    config = configured(config_file, data_root=data_root, schema_name=schema)
    found = dbt_sources(config, source=source, tables=table or (), warn_days=warn_days, error_days=error_days)
    say_document(_yaml(found.document))
    for notice in found.notices:
        say(f"warning: {notice}", err=True)


def _yaml(document: Any) -> str:
    """Return a document as YAML whose texts are quoted, so that no parser takes one for a number, a date or a switch."""
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    def quoted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: quoted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [quoted(item) for item in value]
        return DoubleQuotedScalarString(value) if isinstance(value, str) else value

    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(quoted(document), text)
    return text.getvalue()
