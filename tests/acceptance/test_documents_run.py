"""README, the tutorial and the guides do what they say: their blocks are executed, and what they show is what happens.

A ``console`` block holds commands after ``$ `` and what each prints; ``...`` stands for any lines, and within a line for
anything. A ``python`` block is run as a script, and a ``text`` block right below it is its output. A block below a line that is
only a file's name and a colon is that file. ``<!-- run: COMMAND -->`` is run and not shown. The blocks of a document run one
after another in one directory. README and the tutorial make an embedded server of their own, as a newcomer does; README, which
must be the first in its account, is run by :mod:`tests.acceptance.test_one_account`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OF_NEWCOMERS = (ROOT / "README.md", ROOT / "docs/tutorial/first-load.md")
DOCUMENTS = (
    *OF_NEWCOMERS,
    ROOT / "docs/how-to/undo-a-bad-load.md",
    ROOT / "docs/how-to/write-a-reader.md",
    ROOT / "docs/reference/python-api.md",
)

_FENCE = re.compile(
    r"^<!-- run: (?P<hidden>[^\n]+) -->$"
    r"|(?:^`(?P<file>[\w./-]+)`:\n\n)?^(?P<mark>`{3,})(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=mark)$",
    flags=re.DOTALL | re.MULTILINE,
)
_INSTALLING = re.compile(r"python3 -m venv|pip install|activate$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to run, the output that is shown for it (None if none is), and the line it stands in."""

    line: int
    language: str
    text: str
    shown: str | None


def steps(document: Path) -> Iterator[Step]:
    """The steps of a document."""
    page = document.read_text(encoding="utf-8")
    for block in _FENCE.finditer(page):
        line = page.count("\n", 0, block.start()) + 1
        if block["hidden"]:
            yield Step(line=line, language="console", text=block["hidden"], shown=None)
        elif block["file"]:
            yield Step(
                line=line,
                language="file",
                text=f"{block['file']}\n{block['text']}",
                shown=None,
            )
        elif block["language"] == "python":
            output = re.match(
                r"\n+```text\n(.*?)^```$",
                page[block.end() :],
                flags=re.DOTALL | re.MULTILINE,
            )
            yield Step(
                line=line,
                language="python",
                text=block["text"],
                shown=output[1] if output else None,
            )
        elif block["language"] == "console":
            yield from _commands(line + 1, block["text"])


def _commands(line: int, text: str) -> Iterator[Step]:
    for piece in re.split(r"^(?=\$ )", text, flags=re.MULTILINE):
        command, _, shown = piece.removeprefix("$ ").partition("\n")
        if here := re.search(r"<<'?(\w+)'?", command):
            body, _, shown = shown.partition(f"\n{here[1]}\n")
            command = f"{command}\n{body}\n{here[1]}"
        elif command.endswith("\\"):
            raise AssertionError(f"line {line}: a command takes one line, so that it can be copied whole")
        yield Step(line=line, language="console", text=command, shown=shown or None)
        line += piece.count("\n")


class Session:
    """A directory and a shell's state, for the steps of one document."""

    def __init__(self, place: Path, database_url: str | None) -> None:
        self.place = place
        self.directory = place / "pgdatahub"
        self.directory.mkdir()
        # A copy: what a document writes, it writes there.
        shutil.copytree(ROOT / "examples/quickstart", self.directory / "examples/quickstart")
        kept = {name: os.environ[name] for name in ("HOME", "USER") if name in os.environ}
        self.environment = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PGDATAHUB_HOME": str(place / "home"),
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
            "PAGER": "cat",
        }
        if database_url is not None:
            self.environment["DATABASE_URL"] = database_url
        self.user: int | None = None
        """The user who types; None for the one who runs the tests."""
        self.new_terminal()

    def new_terminal(self) -> None:
        """Begin again in the clone of the repository."""
        (self.place / "state").write_text(f"cd {self.directory}\n")

    def run(self, step: Step) -> str:
        """Return what a step prints, standard error included; it must succeed, or show that it does not."""
        command = step.text
        if step.language == "file":
            name, _, text = step.text.partition("\n")
            (self.place / "block").write_text(text, encoding="utf-8")
            command = f"mkdir -p $(dirname {name}) && cp {self.place}/block {name}"
        elif step.language == "python":
            (self.place / "block").write_text(step.text, encoding="utf-8")
            command = f"{sys.executable} -W error - < {self.place}/block"  # from here, so that modules here are found
        script = f". {self.place}/state\n{command}\ncode=$?\n{{ echo cd \"'$PWD'\"; export -p; }} > {self.place}/state\nexit $code"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.environment,
            text=True,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            **self._as_user(),
        )
        assert done.returncode == 0 or (step.shown and "exit" in step.text), f"{step.text}\n{done.stdout}"
        return str(done.stdout)

    def _as_user(self) -> dict[str, Any]:
        return {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}

    def close(self) -> None:
        """Stop the server, if a step made one."""
        if not (self.place / "home").exists():
            return
        stop = ["pgdatahub", "db", "stop", "--force"]
        subprocess.run(stop, env=self.environment, cwd=self.place, check=False, capture_output=True, **self._as_user())


@pytest.fixture
def session(document: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    # A short path, since sockets need one.
    place = Path(tempfile.mkdtemp(prefix="docs-"))
    place.chmod(0o711)  # the server's own account must get through, where root runs the tests
    # Making an embedded server takes longer than all the rest of a guide.
    database_url = None if document in OF_NEWCOMERS else request.getfixturevalue("database_url")
    session = Session(place, database_url)
    yield session
    session.close()
    shutil.rmtree(place)


def normalized(text: str) -> list[str]:
    """Return the lines of an output without the parts that differ between runs and machines."""
    text = re.sub(r"\d+(?:\.\d+)? (?:s|kB|bytes)\b", "N", text)
    text = re.sub(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?: UTC)?|\b\d\d:\d\d:\d\d\b", "MOMENT", text)
    text = re.sub(r"PostgreSQL \d+(?:\.\d+)?", "PostgreSQL", text)
    text = re.sub(r"[ \t]+", " ", re.sub(r"[─━-]{3,}", "───", text))
    return [line.strip() for line in text.splitlines() if line.strip()]


def as_shown(shown: str, printed: str) -> bool:
    """Tell whether an output is as a document shows it."""
    pattern = ""
    for line in normalized(shown):
        if line in ("...", "…"):
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(map(re.escape, re.split(r"\.\.\.|…", line))) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in normalized(printed))) is not None


@pytest.mark.integration
@pytest.mark.parametrize("document", DOCUMENTS[1:], ids=lambda path: path.stem.lower())
def test_every_block_does_what_the_document_shows(document: Path, session: Session) -> None:
    check_document(document, session)


def check_document(document: Path, session: Session) -> None:
    """Run a document's blocks one after the other, and compare what they print."""
    for step in steps(document):
        if _INSTALLING.search(step.text):
            continue  # held to README's own command by the next test, and that is run by .ci/run, word for word
        printed = session.run(step).replace(str(session.directory), "~/pgdatahub").replace(str(session.place), "~")
        if step.shown is not None:
            assert as_shown(step.shown, printed), (
                f"{document.name}:{step.line}: {step.text}\n── shown:\n{step.shown}\n── printed:\n{printed}"
            )


def test_what_the_documents_install_is_what_the_readme_installs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    installing = [step.text for document in DOCUMENTS for step in steps(document) if "pip install" in step.text]
    assert installing
    for command in installing:
        assert re.sub(r"^(\.venv/bin/)?pip install( -q)?", "", command) in readme


def test_an_output_that_differs_is_noticed() -> None:
    assert as_shown("a: 3 rows, 0.1 s\n...\nend\n", "a: 3 rows, 7 s\nb\nc\nend\n")
    assert as_shown("loaded ... → sales\n", "loaded  x.xlsx → sales\n")
    assert not as_shown("a: 3 rows\n", "a: 4 rows\n")
    assert not as_shown("a\n", "a\nb\n")
    assert not as_shown("a\n...\nend\n", "a\nb\n")
