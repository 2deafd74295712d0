"""The release: tags, metadata, workflows, the container's files; and that nothing needs a POSIX system to be imported."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from packaging.specifiers import SpecifierSet
from ruamel.yaml import YAML

from tests.systems import missing_name

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted([*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob(".github/actions/*/action.yml")])
SETTINGS = sorted(
    [*ROOT.glob(".github/**/*.yml"), *ROOT.glob("examples/docker/*.yaml")],
)


def script(path: str) -> ModuleType:
    """A script of the repository, as a module."""
    specification = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, of version 0.4.0 of the plugin."""
    reader = tmp_path / "examples/plugins/pgdatahub-read-csv"
    reader.mkdir(parents=True)
    (reader / "pyproject.toml").write_text('[project]\nversion = "0.4.0"\n')
    (tmp_path / "README.md").write_text("pipx install pgdatahub\n")
    (tmp_path / "CHANGELOG.md").write_text("## [1.2.3] - 2026-05-06\n\n## [1.2.2] - 2026-01-02\n")
    (reader / "CHANGELOG.md").write_text("## [0.4.0] - unreleased\n\n## [0.3.0] - 2026-01-02\n")
    return tmp_path


@pytest.mark.parametrize(
    ("tag", "faults"),
    [
        ("v1.2.3", []),
        ("v1.2.2", ["the newest version is 1.2.3, not 1.2.2"]),
        ("v1.2.4", ["has no section ## [1.2.4]"]),
        ("v1.2.3rc1", ["has no section ## [1.2.3rc1]"]),
        ("read-csv-v0.4.0", ["CHANGELOG.md: has no section ## [0.4.0] - YYYY-MM-DD"]),
        ("read-csv-v0.3.0", ["pyproject.toml: has 0.4.0, and the tag is read-csv-v0.3.0"]),
        ("1.2.3", ["a tag is one of v1.2.3, read-csv-v1.2.3"]),
        ("v1.2.3-final", ["a tag is one of v1.2.3, read-csv-v1.2.3"]),
    ],
)
def test_tag_agrees_with_version_and_changelog(checkout: Path, tag: str, faults: list[str]) -> None:
    found = list(script(".github/check_release.py").faults(tag, checkout))
    assert len(found) == len(faults)
    assert all(fault in line for fault, line in zip(faults, found, strict=True))


def test_distributions_of_another_version_are_not_released(checkout: Path) -> None:
    check = script(".github/check_release.py")
    built = checkout / "dist"
    built.mkdir()
    assert list(check.faults("v1.2.3", checkout, built)) == [f"{built}: has no pgdatahub-1.2.3.tar.gz"]
    for name in ("pgdatahub-1.2.3.tar.gz", "pgdatahub-1.2.3-py3-none-any.whl"):
        (built / name).touch()
    assert list(check.faults("v1.2.3", checkout, built)) == []
    others = ["pgdatahub-1.2.30-py3-none-any.whl", "pgdatahub-1.2.4.dev1+g0123abc-py3-none-win_amd64.whl"]
    for name in others:
        (built / name).touch()
    found = list(check.faults("v1.2.3", checkout, built))
    assert found == [f"{built}/{name}: is not a distribution of pgdatahub-1.2.3" for name in others]


def test_a_release_needs_the_address_of_the_repository(checkout: Path) -> None:
    page = checkout / "docs" / "how-to" / "page.md"
    page.parent.mkdir(parents=True)
    page.write_text("\ngh attestation verify FILE --repo OWNER/pgdatahub\n")
    found = list(script(".github/check_release.py").faults("v1.2.3", checkout))
    assert found == ["docs/how-to/page.md:2: has OWNER/pgdatahub; write the repository's own name"]


def test_a_release_needs_a_readme_that_knows_of_it(checkout: Path) -> None:
    (checkout / "README.md").write_text("pgdatahub is not published yet; install it from a clone.\n")
    (fault,) = script(".github/check_release.py").faults("v1.2.3", checkout)
    assert fault.startswith("README.md: has 'not published yet'")


def test_the_address_of_the_repository_has_one_placeholder() -> None:
    written = re.compile(r"\b(OWNER|ORG|USER|YOUR[-_]\w+)/[A-Za-z]\S*|github\.com/[\w.-]+/pgdatahub\S*")
    files = [path for folder in (".github", "docs", "examples") for path in (ROOT / folder).rglob("*.*")]
    own = [path for path in [*ROOT.glob("*.*"), *files] if path.suffix in (".md", ".yml", ".toml", ".py")]
    found = {match[0] for path in own for match in written.finditer(path.read_text(encoding="utf-8"))}
    assert {text for text in found if not text.startswith("OWNER/pgdatahub")} == set()


def git(folder: Path, *arguments: str) -> None:
    variables = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, env=os.environ | variables, check=True)


def version(folder: Path, **variables: str) -> str:
    """The version that a build in a folder has."""
    command = [sys.executable, "-m", "hatchling", "version"]
    ran = subprocess.run(command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_version_is_that_of_the_tag(tmp_path: Path) -> None:
    pytest.importorskip("hatch_vcs", reason="needs the dependency group test")
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("pyproject.toml", ".git_archival.txt", ".gitattributes"):
        shutil.copy(ROOT / name, folder)
    fallback = version(folder)
    assert fallback == "0.1.0.dev0"
    assert version(folder, SETUPTOOLS_SCM_PRETEND_VERSION_FOR_PGDATAHUB="1.2.3") == "1.2.3"
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "one")
    assert re.fullmatch(r"0\.1\.0\.dev1\+g[0-9a-f]+", version(folder))
    git(folder, "tag", "v1.2.3")
    git(folder, "tag", "read-csv-v7.0.0")
    assert version(folder) == "1.2.3"
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "two")
    assert re.fullmatch(r"1\.2\.4\.dev1\+g[0-9a-f]+", version(folder))
    archive = tmp_path / "archive"
    git(folder, "archive", "--format", "zip", "--output", f"{archive}.zip", "v1.2.3")
    shutil.unpack_archive(f"{archive}.zip", archive)
    assert version(archive) == "1.2.3"


def test_a_tree_without_git_has_a_version_that_plugins_take() -> None:
    fallback = re.search(r'^fallback-version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert fallback is not None
    assert f'__version__ = "{fallback[1]}"' in (ROOT / "pgdatahub/system/version.py").read_text()
    for project in ROOT.glob("examples/plugins/*/pyproject.toml"):
        for needed in re.findall(r'"pgdatahub(>=[^"]+)"', project.read_text()):
            assert SpecifierSet(needed).contains(fallback[1], prereleases=True), project


def test_page_of_the_plugin_has_no_relative_link() -> None:
    page = (ROOT / "examples/plugins/pgdatahub-read-csv/README.md").read_text(encoding="utf-8")
    assert [link for link in re.findall(r"\]\(([^)\s]+)\)", page) if not re.match(r"https://|#", link)] == []


def test_description_has_absolute_links_on_the_index() -> None:
    metadata = script("docs/release_metadata.py")
    text = "![a run](docs/run.svg) [docs](docs/index.md#a) [top](#top) [web](https://example.org/x)"
    assert metadata.absolute_links(text, "https://host.test/o/r", "v1") == (
        "![a run](https://host.test/o/r/raw/v1/docs/run.svg) [docs](https://host.test/o/r/blob/v1/docs/index.md#a)"
        " [top](#top) [web](https://example.org/x)"
    )
    readme = metadata.absolute_links((ROOT / "README.md").read_text(encoding="utf-8"), "https://host.test/o/r", "v1")
    assert [link for link in re.findall(r"\]\(([^)\s]+)\)", readme) if not re.match(r"https://|#", link)] == []


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_is_valid_yaml(path: Path) -> None:
    assert YAML(typ="safe").load(path)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: (\S+)(?: # (.*))?$", path.read_text(encoding="utf-8"), re.MULTILINE)
    for action, comment in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
            assert re.fullmatch(r"v\d+(\.\d+)*", comment), action


def test_workflows_have_least_permissions() -> None:
    writing = set()
    for path in ROOT.glob(".github/workflows/*.yml"):
        workflow = YAML(typ="safe").load(path)
        assert workflow["permissions"] == {}, path
        for name, job in workflow["jobs"].items():
            writing |= {(name, scope) for scope, level in job["permissions"].items() if level == "write"}
    assert writing == {("publish", "id-token"), ("publish", "attestations"), ("github", "contents")}


def test_steps_take_values_of_events_from_variables_only() -> None:
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        for block in re.findall(r"run: (?:\|\n((?:\s{8,}.*\n)+)|(.*))", text):
            assert "${{" not in "".join(block), path


def test_container_has_no_root_and_a_health_check() -> None:
    text = (ROOT / "examples/docker/Dockerfile").read_text(encoding="utf-8")
    last_stage = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001$", last_stage, re.MULTILINE)
    assert 'CMD ["pgdatahub", "status", "--check"]' in last_stage
    ignored = (ROOT / "examples/docker/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for kept in (line[1:] for line in ignored if line.startswith("!")):
        assert (ROOT / kept).exists(), kept


NO_POSIX = """
import importlib, os, pkgutil, signal, sys
import concurrent.futures, ctypes, multiprocessing, selectors, shutil, socket, subprocess, tempfile
import psycopg, pydantic, rich.console, sqlalchemy, typer
try:
    import numpy, pandas  # some tests use them, and openpyxl does where they are there
except ImportError:
    pass

for name in ("geteuid getegid getuid getgid fork chown fchown fchmod killpg setsid O_CLOEXEC O_NOFOLLOW O_DIRECTORY"
             " O_NONBLOCK mkfifo sysconf memfd_create major minor uname sched_getaffinity register_at_fork statvfs pread"
             " wait4 ttyname nice WIFSIGNALED WNOHANG").split():
    if hasattr(os, name):
        delattr(os, name)
for name in "SIGKILL SIGHUP SIGUSR1 SIGALRM SIGQUIT SIGCHLD SIGPIPE SIGTSTP SIGCONT SIGWINCH pthread_sigmask setitimer alarm".split():
    if hasattr(signal, name):
        delattr(signal, name)
sys.modules |= dict.fromkeys(["fcntl", "pwd", "grp", "resource", "termios", "pty", "tty", "syslog"])
"""
COMMAND = """
import pgdatahub
for module in pkgutil.walk_packages(pgdatahub.__path__, "pgdatahub."):
    if not module.name.endswith(("__main__", "build_hook", "_core")):
        importlib.import_module(module.name)

from pgdatahub.cli.app import create_app
create_app()(["check", sys.argv[1]], standalone_mode=False)
"""


TESTS = """
import pathlib
import pytest

for path in sys.argv[1:]:
    for file in sorted(pathlib.Path(path).rglob("*.py")):
        try:
            importlib.import_module(".".join(file.with_suffix("").parts))
        except pytest.skip.Exception:
            pass
"""


def without_posix(program: str, *arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python that lacks what Windows lacks."""
    command = [sys.executable, "-c", NO_POSIX + program, *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120, check=False)


def test_nothing_of_posix_is_needed_to_import_and_check(tmp_path: Path) -> None:
    book = ROOT / "examples/quickstart/data/sales/2025/orders 2025-01.xlsx"
    ran = without_posix(COMMAND, str(book), directory=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "orders 2025-01.xlsx" in ran.stdout


def test_tests_for_windows_need_no_posix_to_begin() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    session = noxfile[noxfile.index("def windows(") :]
    (chosen,) = re.findall(r"session.posargs or \[(.*)\]", session)[:1]
    folders = re.findall(r'"(.+?)"', chosen)
    assert "tests/unit" in folders
    ran = without_posix(TESTS, "tests/conftest.py", *folders, directory=ROOT)
    assert ran.returncode == 0, ran.stderr[-3000:]


OF_THE_PROGRAM = compile("import os; os.there_is_none", str(ROOT / "pgdatahub/any.py"), "exec")


@pytest.mark.parametrize(
    ("use", "missing"),
    [
        (lambda: os.there_is_none, "os.there_is_none"),  # type: ignore[attr-defined]
        (lambda: Path("/proc/there_is_none/stat").read_text(), "/proc/there_is_none/stat"),
        (lambda: Path("/there_is_none").read_text(), None),
        (lambda: exec(OF_THE_PROGRAM), None),  # noqa: S102
        (lambda: Path().there_is_none, None),  # type: ignore[attr-defined]
        (lambda: html.escape(1), None),  # type: ignore[arg-type] # an error of the library
    ],
)
def test_a_test_that_needs_another_system_is_told_from_a_bug(use: Callable[[], object], missing: str | None) -> None:
    with pytest.raises((AttributeError, FileNotFoundError)) as raised:
        use()
    assert isinstance(raised.value, AttributeError | FileNotFoundError)
    assert missing_name(raised.value) == missing
