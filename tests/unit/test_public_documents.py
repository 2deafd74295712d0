"""README, the policies, CONTRIBUTING and the container's page: each command, option, path and address in them exists."""

from __future__ import annotations

import html
import importlib
import re
import shlex
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import typer
from ruamel.yaml import YAML

from pgdatahub.cli.app import create_app
from tests.links import addresses, unreachable

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = [
    ROOT / "README.md",
    *sorted((ROOT / ".github").glob("*.md")),
    ROOT / "examples/docker/README.md",
    ROOT / "examples/plugins/pgdatahub-read-csv/README.md",
]
PROGRAMS: Final = {
    *(
        "pgdatahub",
        "nox",
        "pytest",
        "pip",
        "python",
        "python3",
        "ruff",
        "mypy",
        "lint-imports",
        "docker",
        "apt",
        "pipx",
        "gh",
        "git",
    ),
    *("cd", ".", "mkdir", "cp", "echo", "chmod", "pre-commit", "chown", ".ci/run", "apt-get"),
}
BLOCK: Final = re.compile(r"^```(?:sh|console)\n(.+?)^```", re.MULTILINE | re.DOTALL)
SPAN: Final = re.compile(r"(?<!`)`((?:pgdatahub|nox|pytest|pip|python|ruff|mypy|docker|gh|git)(?: [^`\n]*)?)`")
ids = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


def commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of a document's blocks and of its spans of code, as words."""
    lines: list[str] = SPAN.findall(text)
    for block in BLOCK.findall(text):
        typed = re.sub(r"\\\n\s*", "", block)
        prompts = re.findall(r"^\$ (.+)$", typed, re.MULTILINE)
        lines += prompts or typed.splitlines()
    for line in lines:
        words = shlex.split(line.replace("…", ""), comments=True)
        command: list[str] = []
        for word in [*words, "&&"]:
            if word in ("&&", ";", "|"):
                if command:
                    yield command
                command = []
            elif word == ">":
                command.append(word)
            else:
                command.append(word)


def fault(command: list[str]) -> str | None:
    """Return the reason why a command cannot be typed as it is, if any."""
    while re.match(r"[A-Z_]+=", command[0]):
        name = command.pop(0).partition("=")[0]
        if not name.startswith(("ETL_", "PGDATAHUB_", "TEST_")):
            return f"unknown variable {name}"
    program, *arguments = command
    program = program.removeprefix(".venv/bin/")
    if program not in PROGRAMS:
        return f"unknown program {program}"
    checks = {"pgdatahub": _pgdatahub, "nox": _nox, "pip": _pip, "pytest": _paths, "python": _paths, "docker": _docker}
    check = checks.get(program)
    return check(arguments) if check else None


def _pgdatahub(arguments: list[str]) -> str | None:
    command: Any = typer.main.get_command(create_app())
    for word in arguments:
        inner = getattr(command, "commands", None)  # those of a group
        if word.startswith("-"):
            known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            if word.partition("=")[0] not in known | {"--debug", "--help", "-h"}:
                return f"pgdatahub has no option {word}"
        elif inner is not None:
            if word not in inner:
                return f"pgdatahub has no command {word}"
            command = inner[word]
    return None


def _nox(arguments: list[str]) -> str | None:
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = {*re.findall(r'name="([\w-]+)"', text), *re.findall(r"^def (\w+)\(session", text, re.MULTILINE)}
    named = arguments[arguments.index("-s") + 1 :] if "-s" in arguments else []
    named = named[: named.index("--")] if "--" in named else named
    return next((f"no session {name}" for name in named if name not in sessions), None)


def _pip(arguments: list[str]) -> str | None:
    extras, groups = (_names(section) for section in ("project.optional-dependencies", "dependency-groups"))
    for before, word in zip(["", *arguments], arguments, strict=False):
        if before == "--group" and word not in groups:
            return f"no dependency group {word}"
        found = re.fullmatch(r"(?P<place>pgdatahub|\.)\[(?P<extras>[\w,$-]+)\]", word)
        for extra in found["extras"].split(",") if found else []:
            if extra not in extras and not (found and found["place"] == "." and extra == "test"):
                return f"no extra {extra}"
        if word.startswith("./") and not (ROOT / word).exists():
            return f"no folder {word}"
    return None


def _docker(arguments: list[str]) -> str | None:
    if arguments[0] == "compose":
        services = YAML(typ="safe").load(ROOT / "examples/docker/compose.yaml")["services"]
        words = [word for word in arguments[2:] if not word.startswith("-")]
        if arguments[1] in ("exec", "run", "logs") and words[0] not in services:
            return f"compose.yaml has no service {words[0]}"
        return _pgdatahub(words[2:]) if words[1:2] == ["pgdatahub"] else None
    file = ROOT / "examples/docker/Dockerfile"
    declared = re.findall(r"^ARG (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    for before, word in zip(["", *arguments], arguments, strict=False):
        if before == "-f" and not (ROOT / word).is_file():
            return f"no file {word}"
        if before == "--build-arg" and word.partition("=")[0] not in declared:
            return f"Dockerfile has no argument {word.partition('=')[0]}"
    after = arguments[arguments.index("pgdatahub") + 1 :] if arguments[0] == "run" else []
    return _pgdatahub(after)  # of the image


def _names(section: str) -> set[str]:
    """Return the keys of a section of pyproject.toml that are lists."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w-]+) = \[", text.partition(f"\n[{section}]\n")[2].partition("\n[")[0], re.MULTILINE))


def _paths(arguments: list[str]) -> str | None:
    named = [word for word in arguments if re.match(r"(tests|docs|examples|pgdatahub)/", word)]
    return next((f"no file {word}" for word in named if not (ROOT / word).exists()), None)


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_each_command_can_be_typed(document: Path) -> None:
    found = list(commands(document.read_text(encoding="utf-8")))
    assert found or document.name in ("CODE_OF_CONDUCT.md", "PULL_REQUEST_TEMPLATE.md")
    assert [(command, reason) for command in found if (reason := fault(list(command)))] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_each_address_and_badge_is_well_formed(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    faults = []
    for label, target in re.findall(r"\[((?:!\[[^\]]*\]\([^)]*\)|[^\]])*)\]\(([^)\s]*)\)", text):
        if not label.strip() or not target:
            faults.append(f"[{label}]({target}) is empty")
        if re.match(r"[a-z]+:", target):
            parts = urlsplit(target)
            host = parts.hostname or ""
            if (
                parts.scheme != "https"
                or "." not in host
                or parts.username
                or " " in target
                or host.endswith("example.com")
            ):
                faults.append(target)
    images = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text)
    faults += [image for image in images if "://" not in image and not (document.parent / image).is_file()]
    assert faults == []


def test_an_address_without_a_page_is_found() -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path[1:]))
            self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        assert {code: unreachable(f"{place}/{code}") for code in (200, 403, 404)} == {
            200: None,
            403: None,
            404: "404 Not Found",
        }
        server.shutdown()
    assert "refused" in (unreachable(place) or "")
    assert addresses()["https://pluggy.readthedocs.io/"].startswith("docs/")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("pgdatahub rnu", "pgdatahub has no command rnu"),
        ("pgdatahub db urll", "pgdatahub has no command urll"),
        ("pgdatahub run --resum", "pgdatahub has no option --resum"),
        ("pgdatahub run data --resume", None),
        ("nox -s docs testz", "no session testz"),
        ("pip install -e .[embeded]", "no extra embeded"),
        ("pip install . --group tset", "no dependency group tset"),
        ("pytest tests/unitt", "no file tests/unitt"),
        ("pgdatahb run", "unknown program pgdatahb"),
        ("docker build -f examples/docker/Dockerfil .", "no file examples/docker/Dockerfil"),
        ("docker build --build-arg EXTRA=s3 .", "Dockerfile has no argument EXTRA"),
        ("docker run --rm pgdatahub run --resum", "pgdatahub has no option --resum"),
        ("docker compose exec wach pgdatahub status", "compose.yaml has no service wach"),
        ("docker compose exec watch pgdatahub statu", "pgdatahub has no command statu"),
    ],
)
def test_a_wrong_command_is_found(command: str, reason: str | None) -> None:
    assert fault(shlex.split(command)) == reason


def test_compose_file_names_files_that_its_page_makes() -> None:
    compose = YAML(typ="safe").load(ROOT / "examples/docker/compose.yaml")
    page = (ROOT / "examples/docker/README.md").read_text(encoding="utf-8")
    for secret in compose["secrets"].values():
        assert f"> {secret['file'].removeprefix('./')}\n" in page
    for service in compose["services"].values():
        for volume in service["volumes"]:
            place = volume.partition(":")[0]
            assert place in compose["volumes"] or f" {place.removeprefix('./')} " in page
    build = compose["services"]["watch"]["build"]
    assert (ROOT / "examples/docker" / build["context"] / build["dockerfile"]).is_file()


def test_recorded_session_shows_the_commands_of_its_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    session = importlib.import_module("terminal_session")
    picture = html.unescape((ROOT / "docs/static/session.svg").read_text(encoding="utf-8")).replace("\u00a0", " ")
    for command in session.COMMANDS:
        assert command in re.sub(r"<[^>]+>", "", picture)
        assert fault(shlex.split(command, comments=True)) is None
    assert "prefers-reduced-motion" in picture
