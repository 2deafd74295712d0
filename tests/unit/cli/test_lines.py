"""Lines of a run: the same text with Rich and without, and nothing that controls a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from pgdatahub.cli.console import TerminalConsole
from pgdatahub.cli.lines import Line, Lines, PlainConsole, open_console, plain_table
from pgdatahub.values.printable import printable

HOSTILE = "a\x1b[31m\r\n\u202e[red]z[/red]"
LINES = Lines([Line("failed  ", style="bold red").append(HOSTILE), Line("why → because", style="yellow")], indent=8)


def test_plain_lines_are_those_that_rich_writes() -> None:
    rich = TerminalConsole()
    rich.file = io.StringIO()
    rich.width = 300
    plain = io.StringIO()
    for text in (LINES, Line(HOSTILE).extend(Line("b", style="dim"))):
        rich.print(text, soft_wrap=True)
        PlainConsole(plain).print(text, soft_wrap=True)
    assert plain.getvalue() == rich.file.getvalue()
    assert printable(plain.getvalue(), lines=True) == plain.getvalue()


def test_a_character_the_stream_cannot_encode_is_escaped() -> None:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii")
    PlainConsole(stream).print(Line("a → b"))
    assert buffer.getvalue() == b"a \\u2192 b\n"


def test_a_table_has_its_cells_below_their_titles() -> None:
    rows = {"public.sales": {"loaded": "12", "new\ncolumns": ""}, "x\x1b[2J": {"loaded": "3", "new\ncolumns": "all 22"}}
    assert plain_table("table", rows, ["loaded", "new\ncolumns"]).split("\n") == [
        "table         loaded      new",
        "                      columns",
        "─" * 29,
        "public.sales      12        –",
        "x\\x1b[2J           3   all 22",
    ]


def test_pipes_get_plain_text_unless_styles_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    assert isinstance(open_console(), PlainConsole)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(open_console(), TerminalConsole)
