"""Additions to Typer's ``--help``: examples, and parameters without types of Python."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

from pgdatahub.cli.terminal import printable_usage_errors

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "run": (
        ("pgdatahub run", "all that is new below data/"),
        ("pgdatahub run data/sales/2025", "one folder only"),
        ("pgdatahub run --dry-run", "find files that would fail"),
        ("pgdatahub run --resume --quiet", "from cron"),
        ("pgdatahub run -v", "each skipped file, column and remark"),
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
        ("pgdatahub watch --data-root s3://bucket/inbox --every 300", "a bucket"),
    ),
    "status": (
        ("pgdatahub status", ""),
        ("pgdatahub status --table sales_2025", "one table"),
        ("pgdatahub status --count", "count the rows instead of using the history"),
        ("pgdatahub status --check", "for health checks: exit code 1 if a file did not load"),
    ),
    "history": (
        ("pgdatahub history --table sales_2025", "history of a table"),
        ("pgdatahub history --file march.xlsx", "history of a file"),
        ("pgdatahub history --since 2025-03-01", "since a day (UTC)"),
        ("pgdatahub history --limit 20", "the latest 20 imports"),
        ("pgdatahub history --redact --table people", "remove the values of cells from the history"),
    ),
    "verify": (
        ("pgdatahub verify", "exit code 1 if a table is not as loaded"),
        ("pgdatahub verify --table sales_2025", "one table only"),
        ("pgdatahub verify --format json", "for programs"),
    ),
    "inspect": (
        ("pgdatahub inspect data/sales/2025/march.xlsx", "sheets, columns, types"),
        ("pgdatahub inspect march.xlsx -v", "also number of values of each kind"),
        ("pgdatahub inspect data/sales/*.xlsx", "several workbooks"),
    ),
    "check": (
        ("pgdatahub check data/sales", "files against the rules of their folders"),
        ("pgdatahub check march.xlsx --folder sales", "before it is sent"),
        ("pgdatahub check data --format sarif > faults.sarif", "for a code host"),
        ("pgdatahub check march.xlsx --mark marked.xlsx", "a copy for the sender"),
        ("pgdatahub check march.xlsx --draft", "rules to begin with"),
    ),
    "quarantine": (
        ("pgdatahub quarantine", "rows with faults that loads set aside"),
        ("pgdatahub quarantine --table orders --check", "exit code 1 while there are any"),
        ("pgdatahub quarantine --file week1.xlsx --format csv -o faults.csv", "for the sender"),
    ),
    "report": (
        ("pgdatahub report -o report.html", "one page on all that was loaded"),
        ("pgdatahub report --run -o run.html", "the last run only"),
        ("pgdatahub report --table orders --scan -o orders.html", "count the values"),
        ("pgdatahub report --format markdown -o dictionary.md", "a data dictionary"),
    ),
    "quarantine replay": (
        ("pgdatahub quarantine replay --dry-run", "rows that pass the rules of today"),
        ("pgdatahub quarantine replay --table orders --yes", "load those of one table"),
        ("pgdatahub quarantine replay week1.xlsx", "and of one file"),
    ),
    "plugins": (
        ("pgdatahub plugins", ""),
        ("pgdatahub plugins --format json", "for programs"),
    ),
    "revert": (
        ("pgdatahub revert march.xlsx --dry-run", "show the rows that would be deleted"),
        ("pgdatahub revert march.xlsx --with-schema", "rows and schema changes"),
        ("pgdatahub revert --import-id 7 --hold --yes", "and skip the file in later runs"),
    ),
    "revert-schema": (
        ("pgdatahub revert-schema --table sales_2025 --source-file march.xlsx --dry-run", ""),
        ("pgdatahub revert-schema --table sales_2025 --source-file march.xlsx", ""),
    ),
    "rekey": (
        ("pgdatahub rekey customers --dry-run", "what the settings would make of the table"),
        ("pgdatahub rekey customers", "give it the key of its folder, or take the key away"),
    ),
    "reset": (
        ("pgdatahub reset --backup", "drop everything after a backup"),
        ("pgdatahub reset --run", "and load everything again"),
    ),
    "config": (
        ("pgdatahub config", "settings and their sources"),
        ("pgdatahub config --format json", "for programs"),
        ("pgdatahub config --contract sales", "columns and types of a table as options"),
        ("pgdatahub config --json-schema", "the schema of etl_config.yaml, for editors"),
    ),
    "export": (
        ("pgdatahub export dbt", "a file for models/sources.yml"),
        ("pgdatahub export dbt --table sales --error-days 15", "one table, which is to be fresh"),
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
    "db backup": (
        ("pgdatahub db backup", "a file named after the database and the time"),
        ("pgdatahub db backup coffee.dump", ""),
    ),
    "db list": (("pgdatahub db list", "all projects, their directories and databases"),),
    "db move": (
        ("pgdatahub db move", "out of the database that earlier versions shared"),
        ("pgdatahub db move --from ~/old/coffee", "after this directory was renamed, if nothing proves it"),
    ),
    "db restore": (("pgdatahub db restore coffee.dump", "a file of db backup or reset --backup"),),
}
"""Command → command lines with their purposes; the first one is the main use."""


class Command(TyperCommand):
    """Command whose help names values as the documentation does, not by types of Python."""

    def __init__(self, *arguments: Any, help: str | None = None, **more: Any) -> None:  # noqa: A002 - the library's name
        super().__init__(*arguments, help=reflowed(help), **more)

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        return without_types(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; an option whose value is optional, by its metavar ``[ID]``, has an empty one without it."""
        optional = {
            name for one in self.params if (one.metavar or "").startswith("[") for name in one.opts if "--" in name
        }
        for at in reversed([at for at, argument in enumerate(args) if argument in optional]):
            if at + 1 == len(args) or args[at + 1].startswith("-"):
                args = [*args[: at + 1], "", *args[at + 1 :]]
        return super().parse_args(ctx, args)


class Group(TyperGroup):
    """Group of commands with such a help; usage errors are escaped."""

    def __init__(self, *arguments: Any, help: str | None = None, **more: Any) -> None:  # noqa: A002 - the library's name
        super().__init__(*arguments, help=reflowed(help), **more)

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
        return without_types(super().get_params(ctx))


def without_types(parameters: Any) -> Any:
    """Return the parameters without ``<bool>`` of switches and types of arguments.

    The name of an argument, such as FILE, and its description tell what it takes.
    """
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = _nothing
    return parameters


def _nothing(**_context: Any) -> None:
    """Return None: there is nothing to display."""


def reflowed(text: str | None) -> str | None:
    """Return a help text with each paragraph on one line, so that the terminal's width breaks lines."""
    if text is None:
        return None
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in cleandoc(text).split("\n\n"))


def epilog(command: str) -> str:
    """Return the examples of a command as its epilog."""
    lines = [f"{typed}  # {purpose}" if purpose else typed for typed, purpose in EXAMPLES[command]]
    # Typer joins the lines of a paragraph, so each line is a paragraph.
    return "\n\n".join(["Examples:", *lines])
