"""What ``--help`` shows beside what Typer knows: examples, and switches without a type that says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from pgdatahub.cli.terminal import printable_usage_errors

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "run": (
        ("pgdatahub run", "all that is new below data/"),
        ("pgdatahub run data/sales/2025", "one folder only"),
        ("pgdatahub run --dry-run", "what would fail?"),
        ("pgdatahub run --resume --quiet", "from cron"),
    ),
    "plan": (
        ("pgdatahub plan", "what would a run do, and why?"),
        ("pgdatahub plan data/sales --check", "exit code 5 if a table would change"),
        ("pgdatahub plan --format json", "for programs"),
    ),
    "resume": (
        ("pgdatahub resume", "after Ctrl-C, or when the database is back"),
        ("pgdatahub resume --on-error continue", "and no more stops"),
    ),
    "watch": (
        ("pgdatahub watch", "what arrives below data/, until Ctrl-C"),
        ("pgdatahub watch --data-root s3://bucket/inbox --every 300", "a bucket, every five minutes"),
    ),
    "status": (
        ("pgdatahub status", ""),
        ("pgdatahub status --count", "count the rows instead of believing the history"),
    ),
    "history": (
        ("pgdatahub history --table sales_2025", "what happened to a table"),
        ("pgdatahub history --file march.xlsx", "what became of a file"),
        ("pgdatahub history --since 2025-03-01", "since a day (UTC)"),
    ),
    "inspect": (
        ("pgdatahub inspect data/sales/2025/march.xlsx", "sheets, columns, types, and why"),
        ("pgdatahub inspect march.xlsx --verbose", "also how many values of which kind"),
    ),
    "plugins": (
        ("pgdatahub plugins", ""),
        ("pgdatahub plugins --format json", "for programs"),
    ),
    "revert": (
        ("pgdatahub revert --source-file march.xlsx --dry-run", "what would go?"),
        ("pgdatahub revert --source-file march.xlsx --with-schema", "rows, and what they changed"),
        ("pgdatahub revert --import-id 7 --hold --yes", "and keep the file out"),
    ),
    "revert-schema": (
        ("pgdatahub revert-schema --table sales_2025 --source-file march.xlsx --dry-run", ""),
        ("pgdatahub revert-schema --table sales_2025 --source-file march.xlsx", ""),
    ),
    "reset": (
        ("pgdatahub reset --backup", "everything goes, after a backup"),
        ("pgdatahub reset --run", "and is loaded again"),
    ),
    "config": (
        ("pgdatahub config", "what is set, and where"),
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
        ('pgdatahub db psql -- -c "SELECT count(*) FROM etl_imports"', "what follows -- is psql's"),
    ),
    "db restore": (("pgdatahub db restore coffee.backup", "what reset --backup wrote"),),
}
"""Command → what to type, and what for; the first of them is what it is mostly for."""


class Command(TyperCommand):
    """A command whose switches stand there without a type."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        return without_types_of_switches(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands, likewise; errors of usage are escaped."""

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
    """Return parameters among which no switch is said to take a ``<bool>``, which it does not take."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


def epilog(command: str) -> str:
    """Return the examples of a command as its epilog."""
    lines = [f"{typed}  # {purpose}" if purpose else typed for typed, purpose in EXAMPLES[command]]
    # Typer joins the lines of a paragraph, so each is one of its own.
    return "\n\n".join(["Examples:", *lines])
