"""``pgdatahub report`` from the command line: the file, the standard output, and mistakes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

pytestmark = pytest.mark.integration


def test_report_replaces_its_file_and_leaves_no_other(place: Place) -> None:
    place.write("sales/a.xlsx", [["Id", "Größe"], [1, 2]])
    assert place.run("run", "-q").code == 0
    target = place.directory / "report.html"
    target.write_text("before")
    before = set(place.directory.iterdir())
    done = place.run("report", "--run", "-o", target)
    assert (done.code, done.out, done.err) == (0, "", f"html written to {target}\n")
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "“Größe”" in text
    assert set(place.directory.iterdir()) == before


def test_report_goes_to_the_standard_output(place: Place) -> None:
    done = place.run("report", "-o", "-", PYTHONIOENCODING="ascii")
    assert done.code == 0
    assert done.out.startswith("<!DOCTYPE html>")
    assert done.out.endswith("</html>\n")
    dictionary = place.run("report", "--format", "markdown", "-o", "-")
    assert dictionary.out.startswith("# Data dictionary\n")


def test_report_leaves_a_device_a_device(place: Place) -> None:
    pipe = place.directory / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert place.run("report", "-o", pipe).code == 0
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_report_names_mistakes(place: Place) -> None:
    assert "report needs a file" in place.run("report").error
    assert "the file cannot be written: No such file" in place.run("report", "-o", "none/report.html").error
    assert "it is a folder" in place.run("report", "-o", ".").error
    place.write("sales/a.xlsx", [["Id"], [1]])
    place.run("run", "-q")
    wrong = place.run("report", "--run", "20250101", "-o", "report.html")
    assert wrong.code == 2
    assert "the history has no run '20250101' that loaded a file or failed to (the last one is 2" in wrong.error
    assert "sales" in place.run("report", "--table", "sale", "-o", "report.html").error
    assert not (place.directory / "report.html").exists()
