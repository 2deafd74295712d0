"""``--help`` is worth reading: at 80 columns, with examples that the program takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from pgdatahub.cli.app import create_app
from pgdatahub.cli.help import EXAMPLES

COMMANDS = sorted(EXAMPLES)


def commands(path: tuple[str, ...] = (), group: Any = None) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that is listed, by its words."""
    group = group or typer.main.get_command(create_app())
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            if command.invoke_without_command:
                yield (*path, name), command
            yield from commands((*path, name), command)
        elif not command.hidden:
            yield (*path, name), command


def test_every_command_has_examples() -> None:
    assert sorted(" ".join(path) for path, _ in commands()) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_program_takes_its_examples(name: str) -> None:
    command = {" ".join(path): command for path, command in commands()}[name]
    for typed, _ in EXAMPLES[name]:
        words = shlex.split(typed.replace('psql "$(', "").replace(')"', ""))
        assert words[0] == "pgdatahub"
        assert " ".join(words[1:]).startswith(name)
        command.make_context(name, words[1 + len(name.split()) :])  # raises what a wrong option would


@pytest.mark.parametrize("name", ["", "db", *COMMANDS])
def test_help_fits_into_80_columns_with_nothing_cut_off(name: str) -> None:
    runner = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"})
    shown = runner.invoke(create_app(), [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert [line for line in shown.output.splitlines() if len(line) > 80 or "…" in line] == []
    assert not re.search(r"<(bool|str|path|int|float|list)|x[<>]=|[Ii]nput should|list\[", shown.output)
    assert not name or name == "db" or "Examples:" in shown.output


@pytest.mark.parametrize("name", COMMANDS)
def test_help_breaks_no_word_at_80_columns(name: str) -> None:
    runner = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"})
    shown = set(runner.invoke(create_app(), [*name.split(), "--help"]).output.replace("│", " ").split())
    command = {" ".join(path): command for path, command in commands()}[name]
    texts = [command.help, *(parameter.help for parameter in command.params if not parameter.hidden)]
    words = {word for text in texts for word in (text or "").replace("`", "").split()}
    assert {word for word in words if word not in {one.replace("`", "") for one in shown}} == set()


@pytest.mark.parametrize("name", ["", "run", "history"])
def test_help_has_no_colours_where_none_are_wanted(name: str) -> None:
    runner = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1", "FORCE_COLOR": None})
    shown = runner.invoke(create_app(), [*name.split(), "--help"], color=True)
    assert "\x1b[3" not in shown.output


@pytest.mark.parametrize("name", ["run", "etl", "plan", "revert-schema", "config"])
def test_a_command_made_alone_says_what_it_says_among_the_others(name: str) -> None:
    runner = CliRunner()
    alone = runner.invoke(create_app(only=name), [name, "--help"])
    assert alone.exit_code == 0
    assert alone.output == runner.invoke(create_app(), [name, "--help"]).output


@pytest.mark.parametrize("word", ["db", "rum", "--help", ""])
def test_what_is_no_command_of_its_own_has_all_of_them(word: str) -> None:
    runner = CliRunner()
    shown = runner.invoke(create_app(only=word), ["--help"]).output
    assert shown == runner.invoke(create_app(), ["--help"]).output
