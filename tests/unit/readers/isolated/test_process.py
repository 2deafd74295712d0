"""Limits of a reading process, with a program that breaks each of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgdatahub.errors import CorruptError, EncryptedError
from pgdatahub.readers.isolated.process import ReadingProcess

PROGRAM = """
import time

def describe(error):
    return ("memory", "") if isinstance(error, MemoryError) else (str(error), "")

class Reader:
    def echo(self, *values):
        return list(values)
    def burn(self):
        while True:
            pass
    def sleep(self):
        time.sleep(60)
    def grow(self):
        return len(bytearray(1 << 30))
    def fail(self, kind):
        raise ValueError(kind)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadingProcess]:
    (tmp_path / "breaking_program.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    process = ReadingProcess(
        "breaking_program", memory=256 << 20, timeout=20, processor=1, hints={"password": "set the variable A"}
    )
    yield process
    process.close()


def test_answers_come_back_as_plain_data(process: ReadingProcess) -> None:
    assert process.ask("echo", "ü", 1, b"x", ["a"]) == ["ü", 1, b"x", ["a"]]


def test_processor_time_is_limited(process: ReadingProcess) -> None:
    with pytest.raises(CorruptError, match="more than 1 seconds of processor time"):
        process.ask("burn")


def test_memory_is_limited(process: ReadingProcess) -> None:
    with pytest.raises(CorruptError, match="more than 256 MiB of memory"):
        process.ask("grow")


def test_advice_follows_the_kind_of_failure(process: ReadingProcess) -> None:
    with pytest.raises(EncryptedError, match=r"protected by a password \(set the variable A\)"):
        process.ask("fail", "password")


def test_a_process_that_makes_no_progress_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "breaking_program.py").write_text(PROGRAM, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    process = ReadingProcess("breaking_program", memory=256 << 20, timeout=0.5)
    with pytest.raises(CorruptError, match="made no progress"):
        process.ask("sleep")


@pytest.mark.parametrize("name", ["xls", "calamine", "encrypted"])
def test_reading_process_imports_neither_settings_nor_database(name: str) -> None:
    # A process starts for each file; the settings alone would triple its time.
    names = "{'pgdatahub.config', 'pydantic', 'sqlalchemy', 'psycopg', 'typer', 'rich'}"
    code = f"import pgdatahub.readers.{name}.program, sys; print(sorted({names} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
