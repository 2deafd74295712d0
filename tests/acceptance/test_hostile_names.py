"""Names and values that other people choose, shown by every command on a terminal, in pipes, in the log and as JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg

from pgdatahub.testing import make_workbook
from pgdatahub.values.printable import printable

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

FOLDER = "s\x1b]0;owned\x07\u202e[red]"
FILE = "a\x1b[2J\n2024-01-01 forged\u2066.xlsx"
SHEET = "S\u009b31m\u200b"  # XML takes C1 controls and format characters, and no C0 controls
HEADER = "amount\u202e\u009b1A"
VALUE = "n/a\u009b2J\u2067[bold]"
OURS = re.compile(r"\x1b\[(?:[0-9;]*[mKA]|\?25[lh])|\r")
"""The controls that Rich writes: colours, the cursor of the progress bar."""


def on_terminal(place: Place, *arguments: str) -> str:
    """Run the console script on a pseudo-terminal of its own, and return what it writes there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        place.command(*arguments),
        cwd=place.directory,
        env=place.variables({"TERM": "xterm-256color", "COLUMNS": "400"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    pieces = []
    with suppress(OSError):  # EIO: the other side is closed
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    process.wait(60)
    os.close(ours)
    return b"".join(pieces).decode()


def check(text: str) -> None:
    left = OURS.sub("", text)
    assert printable(left, lines=True) == left
    assert "owned\x07" not in text
    assert not any(line.startswith("2024-01-01 forged") for line in left.splitlines())


def test_hostile_names_reach_no_terminal_log_or_json(place: Place) -> None:
    good = place.write(f"{FOLDER}/{FILE}", [[HEADER, "n"], [VALUE, 1]])
    place.write(f"{FOLDER}/b.xlsx", [[HEADER, "n"], [1.5, VALUE]])
    make_workbook(place.directory / "data" / "typed" / FILE, {SHEET: [["n"], [VALUE]]})
    place.write(f"refused/{FILE}", [["n"], [1]])
    config = place.directory / "config"
    config.mkdir()
    (config / "etl_config.yaml").write_text(
        f"typed:\n  columns:\n    n:\n      type: integer\n{json.dumps(FOLDER)}:\n  on_changed: append\n",
        encoding="utf-8",
    )
    assert place.url is not None
    with psycopg.connect(place.url) as connection:
        connection.execute(
            """
            CREATE TABLE refused (n integer, source_file text, load_timestamp timestamp);
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION E'no \\x1b]0;owned\\x07\\u202e\\nerror: forged [red]'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON refused FOR EACH ROW EXECUTE FUNCTION refuse();
            """
        )
    for command in (("plan",), ("run",), ("history",), ("status",), ("inspect", str(good)), ("config",)):
        shown = on_terminal(place, *command)
        check(shown)
        if command == ("run",):
            for text in (FOLDER, FILE, SHEET, VALUE, "no \x1b]0;owned\x07\u202e"):
                assert printable(text) in shown
        done = place.run(*command, "--format", "json")
        check(done.err)
        check(done.out)
        json.loads(done.out)
        done = place.run(*command, DEBUG="1")
        check(done.err + done.out)
    for line in (place.directory / "etl.log").read_text(encoding="utf-8").splitlines():
        assert line.isascii()
        assert printable(line) == line
        assert re.match(r"\d{4}-\d\d-\d\dT", line)


def test_errors_of_usage_and_tracebacks_are_escaped(place: Place) -> None:
    hostile = "x\x1b]0;owned\x07\u202e\n.xlsx"
    for command in (
        ("inspect", hostile),
        ("--debug", "inspect", hostile),
        ("inspect", "a.xlsx", hostile),
        ("run", "--format", hostile),
        ("run", f"--{hostile}"),
        ("run", "--config", hostile),
        ("run", hostile),
        (hostile,),
        ("db", hostile),
        ("history", "--table", hostile),
        ("revert", "--yes", "--source-file", hostile),
    ):
        done = place.run(*command)
        assert done.code != 0 or command[0] == "history", command
        check(done.err + done.out)
        check(on_terminal(place, *command))
