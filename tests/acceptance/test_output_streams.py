"""Standard output and standard error in other encodings, with a reader that exits early, and on a full disk."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import Place

pytestmark = pytest.mark.integration
FULL = Path("/dev/full")


def piped(place: Place, arguments: str, into: str) -> int:
    """Return the exit code of a command whose output goes into another one."""
    program = " ".join(f"'{part}'" for part in place.command())
    done = subprocess.run(
        ["bash", "-c", f"{program} {arguments} | {into}; exit ${{PIPESTATUS[0]}}"],
        cwd=place.directory,
        env=place.variables(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode


def test_a_run_goes_on_without_a_reader(place: Place) -> None:
    for number in range(3):
        place.write(f"folder {number}/a.xlsx", [["a"], [number]])
    assert piped(place, "run 2>&1", "true") == 0
    assert place.query("SELECT count(*) FROM etl_imports") == [(3,)]
    assert "exit_code=0 remaining=0" in (place.directory / "etl.log").read_text()


def test_exit_codes_are_true_without_a_reader(place: Place) -> None:
    place.write("good/a.xlsx", [["a"], [1]])
    (place.directory / "data/bad").mkdir()
    (place.directory / "data/bad/a.xlsx").write_bytes(b"a;b\n")
    assert piped(place, "run 2>&1", "true") == 1
    for command in ("history", "status", "verify", "plugins", "plan --help", "--help"):
        assert piped(place, command, "true") == 0, command


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_characters_beyond_the_encoding_are_escaped(place: Place, encoding: str) -> None:
    place.write("größe/日本 😀.xlsx", [["Größe"], ["→"]])
    assert place.run("run").code == 0
    whole = place.run("history", "--format", "json")
    assert "日本 😀" in whole.out
    assert json.loads(encoded(place, encoding, "history", "--format", "json")) == json.loads(whole.out)
    assert r"\u65e5\u672c \ud83d\ude00.xlsx" in encoded(place, encoding, "plan", "--reload", "data")
    assert r"\u2192" in encoded(place, encoding, "history")
    assert r"\u2192" in encoded(place, encoding, "inspect", "data/größe/日本 😀.xlsx")


def encoded(place: Place, encoding: str, *arguments: str) -> str:
    """Return the output of a command that writes another encoding than UTF-8."""
    done = subprocess.run(
        place.command(*arguments),
        cwd=place.directory,
        env=place.variables({"PYTHONIOENCODING": encoding}),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b""), arguments
    return done.stdout.decode(
        "utf-8" if encoding == "ascii" else encoding
    )  # Click writes JSON as UTF-8 in place of ASCII


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_a_full_disk_below_the_output_is_one_line(place: Place) -> None:
    place.write("a/a.xlsx", [["a"], [1]])
    assert place.run("run", "-q").code == 0
    for arguments in ("history", "status", "config", "--help", "plan --format json"):
        with FULL.open("wb") as full:
            done = subprocess.run(
                [*place.command(), *arguments.split()],
                cwd=place.directory,
                env=place.variables(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert (done.returncode, done.stderr) == (1, f"error: the output cannot be written: {os.strerror(28)}\n"), (
            arguments
        )
