"""The end of a run: heard once by every plugin, and told to services, without harm to the run."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pgdatahub.config import Config
from pgdatahub.errors import DatabaseError, PluginError
from pgdatahub.model.events import Notice
from pgdatahub.model.results import Outcome, RunReport, StopReason
from pgdatahub.plugins.manager import create_plugin_manager
from pgdatahub.plugins.notify_send import send
from pgdatahub.plugins.notify_text import compose, is_worth_telling
from pgdatahub.plugins.specs import hookimpl
from pgdatahub.runs import run as run_module
from tests.integration.pipeline.conftest import Warehouse

pytestmark = pytest.mark.integration

with_apprise = pytest.mark.skipif(find_spec("apprise") is None, reason="the dependency group around is not installed")
BAD = (["Item", "Amount"], ["tea", "n/a"])
GOOD = (["Item", "Amount"], ["tea", 1], ["mint", 3])
YAML = "sales:\n  columns:\n    Amount: {type: integer}\n"
TOKEN = "Qx7TokenOfTheHook9"


@pytest.fixture
def warehouse(tmp_path: Path, database_url: str) -> Warehouse:
    """A folder whose column ``Amount`` must hold whole numbers."""
    warehouse = Warehouse(directory=tmp_path, url=database_url)
    warehouse.configure(YAML)
    return warehouse


@dataclass(kw_only=True)
class Hook:
    """A web server that keeps what is posted to it, and answers with ``code`` after ``wait`` seconds."""

    url: str = ""
    code: int = 200
    wait: float = 0.0
    bodies: list[Any] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(hook.wait)
            self.send_response(hook.code)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has above
            """Keep standard error free."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"json://ann:hunter2@127.0.0.1:{server.server_address[1]}/{TOKEN}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


class Hearer:
    """A plugin that keeps the reports."""

    def __init__(self) -> None:
        self.reports: list[RunReport] = []

    @hookimpl
    def pgdatahub_finished(self, report: RunReport) -> None:
        self.reports.append(report)


class Broken:
    """A plugin that fails, and shows a password."""

    @hookimpl
    def pgdatahub_finished(self, report: RunReport, config: Config) -> None:
        raise RuntimeError(f"{report.run_id} {config.notify.get_secret_value() if config.notify else ''}")


@pytest.fixture
def hearer(monkeypatch: pytest.MonkeyPatch) -> Hearer:
    """A plugin that hears, between two that fail."""
    hearer = Hearer()

    def created() -> Any:
        manager = create_plugin_manager()
        for name, plugin in (("first", Broken()), ("hearer", hearer), ("last", Broken())):
            manager.register(plugin, name=name)
        return manager

    monkeypatch.setattr(run_module, "create_plugin_manager", created)
    return hearer


def warnings(warehouse: Warehouse) -> list[str]:
    return [event.text for event in warehouse.events if isinstance(event, Notice) and event.warning]


def test_a_plugin_hears_once_of_all_files_of_a_run(warehouse: Warehouse, hearer: Hearer) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    warehouse.write("sales/b.xlsx", BAD)
    report = warehouse.run()
    (heard,) = hearer.reports
    assert {result.source.identity: result.outcome for result in heard.results} == {
        "sales/a.xlsx": Outcome.LOADED,
        "sales/b.xlsx": Outcome.FAILED,
    }
    assert heard.run_id == report.run_id


def test_a_failing_plugin_is_a_warning_of_the_report(warehouse: Warehouse, hearer: Hearer) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    report = warehouse.run()
    assert report.exit_code == 0
    assert sorted(text.partition(" failed")[0] for text in report.warnings) == [
        "the run is complete, but the plugin first",
        "the run is complete, but the plugin last",
    ]
    assert warnings(warehouse) == list(report.warnings)
    assert len(hearer.reports) == 1


def test_a_run_without_a_database_is_heard_of(warehouse: Warehouse, hearer: Hearer) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://u:s3cret@127.0.0.1:{closed.getsockname()[1]}/x"
        with pytest.raises(DatabaseError):
            warehouse.run(database_url=url)
    (heard,) = hearer.reports
    assert heard.stopped is StopReason.DATABASE_LOST
    assert [source.identity for source in heard.remaining] == ["sales/a.xlsx"]
    assert "s3cret" not in f"{heard.problem}{heard.destination}"


@pytest.mark.skipif(find_spec("apprise") is not None, reason="Apprise is installed")
def test_without_apprise_the_warning_names_the_extra(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", BAD)
    report = warehouse.run(notify="slack://TokenA12345/TokenB12345/TokenC12345")
    (warning,) = report.warnings
    assert "Apprise is not installed (pip install 'pgdatahub[notify]')" in warning


def test_a_run_without_the_event_tells_no_service(warehouse: Warehouse) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    # Without Apprise, a message would be a warning; with it, the port refuses.
    assert warehouse.run(notify="json://127.0.0.1:9/x").warnings == ()


@pytest.mark.around
@with_apprise
def test_apprise_tells_of_failures_and_of_schemas(warehouse: Warehouse, hook: Hook) -> None:
    warehouse.write("sales/a.xlsx", GOOD)
    warehouse.write("sales/b.xlsx", BAD)
    report = warehouse.run(notify=hook.url)
    assert report.warnings == ()
    (body,) = hook.bodies
    assert body["title"] == "pgdatahub: run failed: 1 loaded, 1 failed"
    assert report.run_id in body["message"]
    assert "failed sales/b.xlsx" in body["message"]
    assert "B2" in body["message"]
    warehouse.run(notify=hook.url, notify_on="schema")
    assert len(hook.bodies) == 1
    warehouse.write("sales/c.xlsx", (["Item", "Amount", "City"], ["tea", 1, "Kiel"]))
    warehouse.run(notify=hook.url, notify_on="schema")
    assert "city" in hook.bodies[1]["message"]
    warehouse.run(notify=hook.url, notify_on="always")
    assert len(hook.bodies) == 3


def test_a_standing_failure_is_not_a_new_one(warehouse: Warehouse) -> None:
    def told() -> bool:
        report = warehouse.run()
        texts.append(compose(report)[1])
        return is_worth_telling(report, ["new_failures"])

    texts: list[str] = []
    warehouse.write("sales/a.xlsx", GOOD)
    assert not told()
    warehouse.write("sales/b.xlsx", BAD)
    assert told()
    assert not told()
    assert "still failed sales/b.xlsx" in texts[-1]
    warehouse.write("sales/c.xlsx", BAD)
    assert told()
    warehouse.write("sales/c.xlsx", (["Item", "Amount"], ["tea", "none"]))
    assert told()
    assert not told()
    warehouse.write("sales/c.xlsx", (["Item", "Amount"], ["tea", 7]))
    assert told()
    assert "no longer fails: sales/c.xlsx" in texts[-1]
    assert not told()
    (warehouse.directory / "data" / "sales" / "b.xlsx").unlink()
    assert not told()


@pytest.mark.around
@with_apprise
def test_a_refused_notification_is_a_masked_warning(warehouse: Warehouse, hook: Hook) -> None:
    hook.code = 403
    warehouse.write("sales/a.xlsx", GOOD)
    report = warehouse.run(
        notify=f"{hook.url} nosuch://{TOKEN} json://127.0.0.1:1/{TOKEN}", notify_on="always", debug=True
    )
    assert report.exit_code == 0
    (warning,) = report.warnings
    assert "json (URL 1 of ETL_NOTIFY): Failed to " in warning
    assert "403" in warning
    assert "nosuch (URL 2 of ETL_NOTIFY): Apprise does not know this kind of URL" in warning
    assert "json (URL 3 of ETL_NOTIFY): A Connection error" in warning
    log = (warehouse.directory / "etl.log").read_text()
    for word in (TOKEN, "hunter2"):
        assert word not in warning + log + repr(warehouse.events)


@pytest.mark.around
@with_apprise
def test_a_service_that_hangs_is_ended_and_others_hear(hook: Hook) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hanging = f"json://127.0.0.1:{silent.getsockname()[1]}/{TOKEN}?rto=600&cto=600"
        began = time.monotonic()
        with pytest.raises(PluginError, match=r"json \(URL 1 of ETL_NOTIFY\): no answer within 3 seconds$"):
            send(f"{hanging} {hook.url}", "title", "text", seconds=3)
    assert time.monotonic() - began < 10
    assert len(hook.bodies) == 1
