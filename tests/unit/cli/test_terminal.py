"""Nothing of what other people name or write reaches a terminal as a control: one place escapes, and nothing goes past it."""

from __future__ import annotations

import ast
import io
import json
import unicodedata
from pathlib import Path

import pytest
from rich.table import Table

import pgdatahub.cli
from pgdatahub.cli.console import Line, TerminalConsole, stacked
from pgdatahub.cli.progress import ConsoleReporter
from pgdatahub.cli.terminal import say_sentence
from pgdatahub.config import FolderOptions
from pgdatahub.model.events import FileStarted, Notice, RunStarted
from pgdatahub.model.files import SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.values.printable import printable, printable_json

CLI = Path(pgdatahub.cli.__file__).parent
HOSTILE = "a\x1b[31m\x9b2J\x7f\r\n\t\u202e\u2066\u200b\ufeff\u2028\U000e0041[red]z[/red] :smile:"
SHOWN = r"a\x1b[31m\x9b2J\x7f\r\n\t\u202e\u2066\u200b\ufeff\u2028\U000e0041[red]z[/red] :smile:"  # as a person sees it


def test_controls_are_shown_as_escapes() -> None:
    assert printable(HOSTILE) == SHOWN
    assert printable(SHOWN) == SHOWN
    assert printable("Größe, 数量, 100 %, C:\\x, \u00a0, 🎉") == "Größe, 数量, 100 %, C:\\x, \u00a0, 🎉"
    assert printable("a\nb\x1b", lines=True) == "a\nb\\x1b"


def test_no_control_and_no_bidi_control_is_left() -> None:
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(chr(code)) in (
            *("LRE", "RLE", "LRO", "RLO", "PDF"),
            *("LRI", "RLI", "FSI", "PDI"),
        ):
            assert printable(chr(code)).isascii(), hex(code)


def test_json_keeps_its_value_and_has_no_control() -> None:
    value = {HOSTILE: [HOSTILE, 1, None, "Größe"]}
    text = printable_json(value, indent=2)
    assert json.loads(text) == value
    assert printable(text, lines=True) == text
    assert "Größe" in text


def written(*renderables: object, terminal: bool = True) -> str:
    console = TerminalConsole()
    console.file = io.StringIO()
    console._force_terminal = terminal
    console.width = 300
    for renderable in renderables:
        console.print(renderable, soft_wrap=True)
    return console.file.getvalue()


def test_a_console_escapes_texts_and_tables() -> None:
    table = Table()
    table.add_column("name")
    table.add_row(Line(HOSTILE))
    table.add_row("x\x1b]0;title\x07y[bold]z")
    text = written(Line(HOSTILE), HOSTILE.replace("\n", ""), table, terminal=False)
    assert text.count(SHOWN) == 2
    assert r"x\x1b]0;title" in text
    assert "y[bold]z" in text
    assert printable(text, lines=True) == text


def test_a_sentence_breaks_between_words_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    line = "faulty   a/b.xlsx: three of four rows would be set aside \x1b[1m[bold]"
    for terminal in (True, False):
        stream = io.StringIO()
        stream.isatty = lambda terminal=terminal: terminal  # type: ignore[method-assign,misc]
        monkeypatch.setattr("sys.stdout", stream)
        say_sentence(line)
        lines = stream.getvalue().splitlines()
        assert lines[0] == ("faulty   a/b.xlsx: three of" if terminal else line.replace("\x1b", "\\x1b"))
        assert "[bold]" in lines[-1]


def test_lines_below_each_other_come_from_the_program_alone() -> None:
    lines = stacked([Line("a\nb"), Line().append("c").append("\nd")], indent=2)
    assert lines.plain == "a\\nb\n  c\\nd"


def test_a_progress_bar_takes_no_markup_from_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = TerminalConsole()
    console.file = io.StringIO()
    console._force_terminal = True
    console.is_interactive = True
    console.width = 300
    source = SourceFile(
        location="/d/t/a.xlsx",
        identity="t/[red]x\x1b]0;owned\x07\u202e.xlsx",
        table=TableName(schema="public", name="t"),
        options=FolderOptions(),
        size=10,
    )
    with ConsoleReporter(console) as reporter:
        reporter(RunStarted(destination="d\x1b[2J", files=1, bytes=10))
        reporter(FileStarted(source=source))
        reporter(Notice(text="server: \x1b[1mERROR\n[red]second line", warning=True))
        assert reporter._progress is not None
        reporter._progress.refresh()
    text = console.file.getvalue()
    assert r"[red]x\x1b]0;owned\x07\u202e.xlsx" in text
    assert r"server: \x1b[1mERROR\n[red]second line" in text
    assert "\x1b]" not in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text


WRITERS = {
    "print",
    "input",
    "echo",
    "secho",
    "confirm",
    "prompt",
    "write",
    "writelines",
    "Console",
    "Text",
    "from_markup",
}
ALLOWED = {
    ("app.py", "print"),  # the version
    ("app.py", "echo"),  # likewise
    ("streams.py", "write"),  # bytes that are escaped already
    ("signals.py", "write"),  # past Python's buffers, escaped there
}


def test_no_module_of_the_console_script_writes_by_itself() -> None:
    found = set()
    for path in sorted(CLI.glob("*.py")):
        if path.name in ("terminal.py", "console.py", "lines.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if (
                isinstance(function, ast.Attribute)
                and name == "print"
                and "console" in ast.unparse(function.value).lower()
            ):
                continue  # of a TerminalConsole
            if isinstance(function, ast.Name) and name in ("confirm", "prompt"):
                continue  # of terminal.py: one that Typer has is called as its attribute
            if name in WRITERS:
                found.add((path.name, name))
    assert found == ALLOWED


@pytest.mark.parametrize("package", ["runs", "load", "postgres", "readers", "plugins", "config", "undo"])
def test_no_other_package_prints(package: str) -> None:
    for path in (CLI.parent / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "input"), path
