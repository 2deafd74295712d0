"""``pgdatahub init``: a directory to start in."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pgdatahub.cli.terminal import say


def init_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory; created if it does not exist.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Write a commented .env and config/etl_config.yaml, and make the folder data."""
    from pgdatahub.config.starter import write_starter

    for file in write_starter(directory, force=force):
        kept = (
            "  (it was there; --force overwrites it)" if file.outcome == "kept" and not file.path.endswith("/") else ""
        )
        say(f"{file.outcome:<12}{directory / file.path}{'/' if file.path.endswith('/') else ''}{kept}")
    here = directory.resolve() == Path.cwd()
    say("")
    say(f"Next: put your folders of workbooks into {directory / 'data'}, then type")
    say("")
    say(f"  {'' if here else f'cd {shlex.quote(str(directory))} && '}pgdatahub run")
