"""The example plugins, built and installed beside the project, and plugins that are broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest

from pgdatahub.testing import make_workbook

EXAMPLES = Path(__file__).parents[2] / "examples" / "plugins"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which both plugins were installed from wheels that were just built."""
    target = tmp_path_factory.mktemp("installed")
    sources = [str(EXAMPLES / name) for name in ("pgdatahub-read-csv", "pgdatahub-notify")]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(
        [*pip, "--target", str(target), *sources],
        check=True,
        timeout=120,
        env=environment,
    )
    return target


def pgdatahub(*arguments: str, path: Path, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path), "COLUMNS": "100", **variables}
    return subprocess.run(
        [str(Path(sys.executable).with_name("pgdatahub")), *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def install_by_hand(target: Path, module: str, source: str, *, entry: str | None = None) -> None:
    """Install a distribution ``pgdatahub-<module>`` of one module: what pip leaves behind, without pip."""
    (target / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = target / f"pgdatahub_{module}-1.2.3.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pgdatahub-{module}\nVersion: 1.2.3\n")
    (metadata / "entry_points.txt").write_text(f"[pgdatahub]\n{entry or module} = {module}\n")


def test_the_readers_own_tests_pass_as_installed(installed: Path, tmp_path: Path) -> None:
    reader = EXAMPLES / "pgdatahub-read-csv"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--config-file",
        reader / "pyproject.toml",
    ]
    ran = subprocess.run(
        [*map(str, command), str(reader / "tests")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr


def test_plugin_listing_has_version_hooks_and_how_to_disable(installed: Path, tmp_path: Path) -> None:
    listed = pgdatahub("plugins", path=installed, directory=tmp_path)
    assert listed.returncode == 0, listed.stderr
    lines = {line.split()[0]: line.split() for line in listed.stdout.splitlines() if line.strip()}
    assert lines["read_csv"] == [
        "read_csv",
        "0.1.0",
        "discover,",
        "read",
        "pgdatahub-read-csv",
    ]
    assert lines["notify"] == ["notify", "0.1.0", "audit,", "finished", "pgdatahub-notify"]
    assert "PGDATAHUB_DISABLE_PLUGINS=notify,read_csv" in listed.stdout


def test_a_disabled_plugin_is_listed_as_such(installed: Path, tmp_path: Path) -> None:
    listed = pgdatahub(
        "plugins",
        "--format",
        "json",
        path=installed,
        directory=tmp_path,
        PGDATAHUB_DISABLE_PLUGINS="read_csv",
    )
    plugins = {plugin["name"]: plugin for plugin in json.loads(listed.stdout)}
    assert plugins["read_csv"] == {
        "name": "read_csv",
        "distribution": "pgdatahub-read-csv",
        "version": "0.1.0",
        "hooks": [],
        "builtin": False,
        "disabled": True,
    }
    assert not plugins["notify"]["disabled"]


@pytest.mark.integration
def test_workers_see_plugins_and_skip_files_of_disabled_ones(
    installed: Path, tmp_path: Path, database_url: str, webhook: tuple[str, list[bytes]]
) -> None:
    folder = tmp_path / "data" / "sales"
    make_workbook(folder / "0.xlsx", {"Sheet1": [["id", "amount"], [0, 0.5]]})
    for number in range(1, 4):
        (folder / f"{number}.csv").write_text(f"id;amount\n{number};{number}.5\n", encoding="utf-8")
    url, posted = webhook
    variables = {
        "DATABASE_URL": database_url,
        "ETL_WORKERS": "2",
        "PGDATAHUB_WEBHOOK_URL": url,
    }

    disabled = {**variables, "PGDATAHUB_DISABLE_PLUGINS": "read_csv"}
    first = pgdatahub("run", "--format", "json", path=installed, directory=tmp_path, **disabled)
    assert first.returncode == 0, first.stderr
    second = pgdatahub("run", "--format", "json", path=installed, directory=tmp_path, **variables)
    assert second.returncode == 0, second.stderr

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT id, amount FROM sales ORDER BY load_timestamp, id").fetchall()
    assert rows[0] == (0, 0.5)
    assert sorted(rows) == [(number, number + 0.5) for number in range(4)]
    announced = [json.loads(body)["file"] for body in posted]
    assert announced[0] == "sales/0.xlsx"
    assert sorted(announced) == [
        "sales/0.xlsx",
        *(f"sales/{number}.csv" for number in range(1, 4)),
    ]


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """A URL, and what is posted to it."""
    posted: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has above
            """Keep standard error free."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", posted
        server.shutdown()
        thread.join()


HOOK = "from pgdatahub import hookimpl\n\n@hookimpl\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import a_module_that_is_missing\n",
            "No module named 'a_module_that_is_missing'",
        ),
        ("raise SystemExit(7)\n", "cannot be imported: SystemExit: 7"),
        (
            HOOK + "def pgdatahub_raed(source):\n    return None\n",
            "unknown hook 'pgdatahub_raed'",
        ),
        (
            HOOK + "def pgdatahub_read(file):\n    return None\n",
            "{'file'} are declared in the hookimpl",
        ),
        ("def pgdatahub_read(source):\n    return None\n", "need @hookimpl"),
    ],
)
def test_broken_plugin_error_names_distribution_and_workaround(tmp_path: Path, source: str, message: str) -> None:
    install_by_hand(tmp_path, "broken", source)
    failed = pgdatahub("plugins", path=tmp_path, directory=tmp_path)
    assert failed.returncode == 2
    assert failed.stdout == ""
    assert len(failed.stderr.splitlines()) == 1, "one line, no traceback"
    for part in (
        message,
        "the plugin 'broken' of pgdatahub-broken 1.2.3",
        "PGDATAHUB_DISABLE_PLUGINS=broken",
    ):
        assert part in failed.stderr


def test_a_broken_plugin_that_is_disabled_does_no_harm(tmp_path: Path) -> None:
    install_by_hand(tmp_path, "broken", "import a_module_that_is_missing\n")
    disabled = pgdatahub("plugins", path=tmp_path, directory=tmp_path, PGDATAHUB_DISABLE_PLUGINS="broken")
    assert disabled.returncode == 0
    assert "disabled: pgdatahub-broken" in disabled.stdout


def test_two_plugins_of_one_name_are_an_error(tmp_path: Path) -> None:
    source = HOOK + "def pgdatahub_read(source):\n    return None\n"
    install_by_hand(tmp_path, "one", source, entry="same")
    install_by_hand(tmp_path, "other", source, entry="same")
    failed = pgdatahub("plugins", path=tmp_path, directory=tmp_path)
    assert failed.returncode == 2
    assert "the plugin 'same' of pgdatahub-" in failed.stderr


@pytest.mark.integration
def test_plugin_mistake_fails_only_the_file_and_is_named(tmp_path: Path, database_url: str) -> None:
    reader = "def pgdatahub_read(source):\n    if source.name == 'bad.xlsx':\n        raise KeyError('oops')\n"
    auditor = "\n@hookimpl\ndef pgdatahub_audit(record):\n    def later():\n        1 / 0\n    return later\n"
    install_by_hand(tmp_path, "clumsy", HOOK + reader + auditor)
    for name in ("bad", "good"):
        make_workbook(
            tmp_path / "data" / "sales" / f"{name}.xlsx",
            {"Sheet1": [["id"], [len(name)]]},
        )
    failed = pgdatahub("run", path=tmp_path, directory=tmp_path, DATABASE_URL=database_url)
    assert failed.returncode == 1
    told = " ".join((failed.stdout + failed.stderr).split())
    assert "the plugin 'clumsy' made a mistake: KeyError: 'oops'" in told
    assert "sales/good.xlsx is loaded, but clumsy failed after it: ZeroDivisionError" in told
    assert "Traceback" not in told
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT id FROM sales").fetchall() == [(4,)]
