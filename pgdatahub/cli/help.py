"""Additions to Typer's ``--help``: examples, and switches without a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from pgdatahub.cli.terminal import printable_usage_errors

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "run": (
        ("pgdatahub run", "all that is new below data/"),
        ("pgdatahub run data/sales/2025", "one folder only"),
        ("pgdatahub run --dry-run", "find files that would fail"),
        ("pgdatahub run --resume --quiet", "from cron"),
    ),
    "plan": (
        ("pgdatahub plan", "changes that a run would make, with reasons"),
        ("pgdatahub plan data/sales --check", "exit code 5 if a table would change"),
        ("pgdatahub plan --format json", "for programs"),
    ),
    "resume": (
        ("pgdatahub resume", "after Ctrl-C, or when the database is back"),
        ("pgdatahub resume --on-error continue", "go on after failures"),
    ),
    "watch": (
        ("pgdatahub watch", "load arriving files below data/, until Ctrl-C"),
        ("pgdatahub watch --data-root s3://bucket/inbox --every 300", "a bucket, every five minutes"),
    ),
    "status": (
        ("pgdatahub status", ""),
        ("pgdatahub status --count", "count the rows instead of using the history"),
    ),
    "history": (
        ("pgdatahub history --table sales_2025", "history of a table"),
        ("pgdatahub history --file march.xlsx", "history of a file"),
        ("pgdatahub history --since 2025-03-01", "since a day (UTC)"),
    ),
    "verify": (
        ("pgdatahub verify", "exit code 1 if a table is not as loaded"),
        ("pgdatahub verify --table sales_2025", "one table only"),
        ("pgdatahub verify --format json", "for programs"),
    ),
    "inspect": (
        ("pgdatahub inspect data/sales/2025/march.xlsx", "sheets, columns, types, and why"),
        ("pgdatahub inspect march.xlsx --verbose", "also number of values of each kind"),
    ),
    "plugins": (
        ("pgdatahub plugins", ""),
        ("pgdatahub plugins --format json", "for programs"),
    ),
    "revert": (
        ("pgdatahub revert --source-file march.xlsx --dry-run", "show the rows that would be deleted"),
        ("pgdatahub revert --source-file march.xlsx --with-schema", "rows and schema changes"),
        ("pgdatahub revert --import-id 7 --hold --yes", "and skip the file in later runs"),
    ),
    "revert-schema": (
        ("pgdatahub revert-schema --table sales_2025 --source-file march.xlsx --dry-run", ""),
        ("pgdatahub revert-schema --table sales_2025 --source-file march.xlsx", ""),
    ),
    "reset": (
        ("pgdatahub reset --backup", "drop everything after a backup"),
        ("pgdatahub reset --run", "and load everything again"),
    ),
    "config": (
        ("pgdatahub config", "settings and their sources"),
        ("pgdatahub config --format json", "for programs"),
    ),
    "init": (
        ("pgdatahub init", "here"),
        ("pgdatahub init coffee", "in a folder of its own"),
    ),
    "db start": (
        ("pgdatahub db start", "until pgdatahub db stop"),
        ("pgdatahub db start --port 5433", "for tools that know no Unix sockets"),
    ),
    "db stop": (("pgdatahub db stop", ""),),
    "db status": (("pgdatahub db status", ""),),
    "db url": (
        ('psql "$(pgdatahub db url)"', "the password stays in its file"),
        ("pgdatahub db url --show-password", "for tools that know no password files"),
    ),
    "db psql": (
        ("pgdatahub db psql", ""),
        ('pgdatahub db psql -- -c "SELECT count(*) FROM etl_imports"', "psql gets the arguments after --"),
    ),
    "db restore": (("pgdatahub db restore coffee.backup", "a file that reset --backup wrote"),),
}
"""Command → command lines with their purposes; the first one is the main use."""


class Command(TyperCommand):
    """Command whose help shows switches without a type."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        return without_types_of_switches(super().get_params(ctx))


class Group(TyperGroup):
    """Group of commands whose help shows switches without a type; usage errors are escaped."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """Return a context for the arguments."""
        with printable_usage_errors():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        """Call the command."""
        with printable_usage_errors():
            return super().invoke(ctx)

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        return without_types_of_switches(super().get_params(ctx))


def without_types_of_switches(parameters: Any) -> Any:
    """Return the parameters, with the type ``<bool>`` removed from switches, which take no value."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


def epilog(command: str) -> str:
    """Return the examples of a command as its epilog."""
    lines = [f"{typed}  # {purpose}" if purpose else typed for typed, purpose in EXAMPLES[command]]
    # Typer joins the lines of a paragraph, so each line is a paragraph.
    return "\n\n".join(["Examples:", *lines])
