"""The documents keep together: links lead somewhere, and the commands that stand out can be found by a program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        document
        for pattern in ("*.md", ".github/**/*.md", "docs/**/*.md", "examples/**/*.md")
        for document in ROOT.glob(pattern)
    ]
)
COMMANDS = re.compile(r"<!-- command: (\w+) -->\s*```sh\n(.+?)\n```", flags=re.DOTALL)


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_place_in_the_project_leads_there(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = document.parent / path if path else document
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []


def test_the_readme_has_one_load_and_one_test_command() -> None:
    commands = dict(COMMANDS.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert set(commands) == {"load", "test"}
    assert not [name for name, command in commands.items() if "\n" in command]
    for path in re.findall(r"examples/\S+", commands["load"]):
        assert (ROOT / path).exists(), path


def test_the_readme_of_the_quickstart_names_every_folder() -> None:
    text = (ROOT / "examples/quickstart/README.md").read_text(encoding="utf-8")
    data = ROOT / "examples/quickstart/data"
    folders = {path.parent.relative_to(data).as_posix() for path in data.rglob("*.*") if path.is_file()}
    assert {folder for folder in folders if f"| `{folder}/` |" not in text} == set()
