"""``pgdatahub check``: files against the contracts of their folders, without a database."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pgdatahub.cli.options import ConfigOption, DataRootOption, configured
from pgdatahub.cli.terminal import say, say_json, say_lines, say_sentence
from pgdatahub.errors import ConfigError, ExitCode
from pgdatahub.values.counting import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgdatahub.runs.checks.check import FileCheck

_MOST_NAMED: Final = 3
"""Files without a contract that have a line of their own for it."""
_NOT_CHECKED: Final = "not checked: types: freeze and new_columns: freeze, and what the table itself refuses"


class CheckFormat(str, enum.Enum):
    """Output formats of ``check``."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def check_command(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Workbooks, and folders of workbooks.", show_default=False),
    ],
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            help="The folder below the data root whose options apply, wherever the files are.",
            show_default=False,
        ),
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Print a contract that the files keep, to paste into etl_config.yaml.")
    ] = False,
    mark: Annotated[
        Path | None,
        typer.Option(
            "--mark",
            metavar="OUT",
            help="Write a copy with coloured cells, comments and a list of the faults: a workbook, or a folder for several.",
            show_default=False,
        ),
    ] = None,
    data_root: DataRootOption = None,
    config_file: ConfigOption = None,
    output: Annotated[CheckFormat, typer.Option("--format", help="Output format.")] = CheckFormat.TEXT,
) -> None:
    """Check workbooks against the rules of their folder. Uses no database.

    Exit code 1 if a file has a fault or cannot be read.
    """
    config = configured(config_file, data_root=data_root)
    from pgdatahub.runs.checks.check import NO_CONTRACT, check

    if mark is not None and draft:
        raise ConfigError("--mark and --draft exclude each other")
    if draft:
        from pgdatahub.runs.checks.draft import draft_of_files

        say_lines(draft_of_files(config, paths, folder=folder))
        return
    results = check(config, paths, folder=folder)
    if output is CheckFormat.SARIF:
        from pgdatahub.cli.sarif import sarif

        say_json(sarif(results, Path.cwd()))
    elif output is CheckFormat.JSON:
        say_json({"version": 1, "files": [_described(result) for result in results]})
    else:
        free = sum(NO_CONTRACT in result.notices for result in results)
        for result in results:
            _print(result, () if free <= _MOST_NAMED else (NO_CONTRACT,))
        if free > _MOST_NAMED:
            say(
                f"{free:,} files have no contract: checked that they can be read; check --draft prints rules to begin with"
            )
        faulty = sum(result.has_faults for result in results)
        checked = sum(result.status != "ignored" for result in results)
        say(f"{count(checked, 'file')} checked, {faulty:,} with faults")
    if mark is not None:
        from pgdatahub.runs.checks.marked_checks import mark_checks

        for line in mark_checks(config, results, mark):
            say(line, err=output is not CheckFormat.TEXT)
    say_sentence(_NOT_CHECKED, err=True)
    if any(result.has_faults for result in results):
        raise typer.Exit(ExitCode.FAILED)


def _print(result: FileCheck, hidden: Sequence[str]) -> None:
    """Print the outcome of a file; ``hidden`` are notices that are printed once for all files."""
    from pgdatahub.cli.fault_lines import fault_lines
    from pgdatahub.cli.render import failure_text

    name = result.shown
    if result.status == "ignored":
        say_sentence(f"ignored {name}: {', '.join(result.notices)}")
        return
    if result.failure is not None:
        say_sentence(f"fail    {name}: {failure_text(result.failure)}")
        if result.failure.kind == "ContractError":
            for line in fault_lines(result.faults):
                say_sentence(f"        {line}")
    elif result.faults:
        doing = "would be set aside" if result.verdict == "quarantine" else "have cells that would be emptied"
        say_sentence(f"faulty  {name}: {result.bad_rows:,} of {count(result.rows, 'row')} {doing}")
        for line in fault_lines(result.faults):
            say_sentence(f"        {line}")
    else:
        say_sentence(f"ok      {name}: {count(result.rows, 'row')}")
    for notice in result.notices:
        if notice in hidden:
            continue
        say_sentence(f"        {notice}")


def _described(result: FileCheck) -> dict[str, Any]:
    from pgdatahub.model.faults import faults_to_json

    failure = result.failure
    return {
        "file": result.shown,
        "folder": "/".join(result.source.identity.split("/")[:-1]),
        "table": str(result.source.table),
        "status": result.status,
        "verdict": result.verdict,
        "rows": result.rows,
        "bad_rows": result.bad_rows,
        "sheets": list(result.sheets),
        "failure": None
        if failure is None
        else {"kind": failure.kind, "message": failure.message, "where": failure.where, "hint": failure.hint},
        "notices": list(result.notices),
        "faults": faults_to_json(result.faults),
    }
