"""A folder that is watched, by the console script in a process of its own, while files arrive in every way they do."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgdatahub import Config, WatchReport, watch
from pgdatahub.errors import ConfigError, DatabaseError
from pgdatahub.model.events import Event, Notice
from pgdatahub.model.results import StopReason
from pgdatahub.postgres.embedded import EmbeddedServer, EmbeddedSettings
from pgdatahub.runs.signals import Interruption
from tests.integration.runs.conftest import (
    HEAVY,
    TIMEOUT_SECONDS,
    Job,
    MakeJob,
    Running,
    TableState,
    fill,
    write_workbook,
)

SETTLE = "1"
AT_ONCE = 200 if HEAVY else 30


def start(job: Job, *options: str, **environment: str) -> Running:
    """Watch the job's data root."""
    running = job.start("watch", "--settle", SETTLE, *options, **environment)
    until(lambda: Path(f"{running.log}err").exists() and "watching " in running.errors, running)
    return running


def wait_for_idle(running: Running, seconds: float = 5) -> None:
    """Wait until each run that began is finished: its last file is in the table a moment before that."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        log = "".join(path.read_text() for path in running.log.parent.rglob("etl.log"))
        if log.count(" run started ") == log.count(" run finished "):
            return
        time.sleep(0.02)


def until(there: Callable[[], bool], running: Running, seconds: float = TIMEOUT_SECONDS) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not there():
        assert running.process.exitcode is None, running.errors
        assert time.monotonic() < end, running.errors
        time.sleep(0.05)


def end(running: Running, number: int = signal.SIGTERM) -> str:
    """End it as a service manager does; nothing was in work, so it ends well. Return what it said."""
    wait_for_idle(running)
    running.kill(number)
    assert running.wait() == 0, running.errors
    assert "Traceback" not in running.errors
    return running.errors


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder on the same disk that is not watched."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


def test_file_arriving_in_slow_pieces_is_loaded_once_and_whole(job: Job, elsewhere: Path) -> None:
    content = write_workbook(elsewhere / "a.xlsx", [["id"], *([number] for number in range(500))]).read_bytes()
    (job.root / "t").mkdir()
    running = start(job)
    with (job.root / "t" / "a.xlsx").open("wb") as file:
        for start_of_piece in range(0, len(content), len(content) // 7):
            file.write(content[start_of_piece : start_of_piece + len(content) // 7])
            file.flush()
            time.sleep(0.4)
            assert job.imported() == []
    until(lambda: job.imported() == ["t/a.xlsx"], running)
    time.sleep(2)
    told = end(running)
    assert told.count("loaded  t/a.xlsx") == 1
    assert "failed" not in told
    assert job.query("SELECT count(*) FROM t") == [(500,)]
    assert "1 file loaded, 500 rows" in running.output


def test_unreadable_folder_is_named_and_the_watch_goes_on(job: Job) -> None:
    write_workbook(job.root / "open" / "a.xlsx", [["id"], [1]])
    (job.root / "closed").symlink_to("closed")
    running = start(job)
    until(lambda: job.imported() == ["open/a.xlsx"], running)
    (job.root / "closed").unlink()
    write_workbook(job.root / "closed" / "b.xlsx", [["id"], [2]])
    until(lambda: len(job.imported()) == 2, running)
    told = end(running)
    assert told.count("closed: the folder cannot be read") == 1
    assert not job.pause_file.exists()


def test_many_files_that_are_dropped_at_once_are_all_loaded(
    job: Job, elsewhere: Path, expected: Callable[[], TableState]
) -> None:
    files = fill(elsewhere, files=AT_ONCE, tables=3, rows=3)
    running = start(job)
    for folder in sorted(elsewhere.iterdir()):
        shutil.move(folder, job.root / folder.name)
    until(lambda: job.imported() == files, running)
    told = end(running)
    assert told.count("loaded  ") == AT_ONCE
    assert job.tables() == expected().tables
    assert not job.pause_file.exists()


def test_watch_loads_existing_files_and_reloads_changed_ones(job: Job) -> None:
    write_workbook(job.root / "t" / "a.xlsx", [["id"], [1]])
    running = start(job)
    until(lambda: job.imported() == ["t/a.xlsx"], running)
    write_workbook(job.root / "t" / "a.xlsx", [["id"], [1], [2]])
    until(lambda: len(job.imported()) == 2, running)
    end(running, signal.SIGINT)
    assert sorted(job.query("SELECT id FROM t")) == [(1,), (1,), (2,)]


@pytest.mark.parametrize("lock", ["~$a.xlsx", ".~lock.a.xlsx#"], ids=["Excel", "LibreOffice"])
def test_a_file_that_somebody_has_open_waits_until_it_is_closed(job: Job, lock: str) -> None:
    write_workbook(job.root / "t" / "a.xlsx", [["id"], [1]])
    (job.root / "t" / lock).write_bytes(b"somebody")
    running = start(job)
    until(lambda: "t/a.xlsx is open in another program" in running.errors, running)
    time.sleep(2)
    assert job.imported() == []
    (job.root / "t" / lock).unlink()
    until(lambda: job.imported() == ["t/a.xlsx"], running)
    assert end(running).count("is open in another program") == 1


def test_failing_file_is_reported_once_and_retried_on_change(job: Job) -> None:
    (job.root / "t").mkdir()
    (job.root / "t" / "a.xlsx").write_bytes(b"no workbook")
    running = start(job, "--every", "0.5", ETL_ON_ERROR="stop")
    until(lambda: "failed  t/a.xlsx" in running.errors, running)
    time.sleep(3)
    write_workbook(job.root / "t" / "a.xlsx", [["id"], [1]])
    until(lambda: job.imported() == ["t/a.xlsx"], running)
    assert end(running).count("failed  t/a.xlsx") == 1


def test_one_event_is_one_line_with_its_time(job: Job) -> None:
    write_workbook(job.root / "t" / "a.xlsx", [["id", "id"], [1, 2]])
    running = start(job)
    until(lambda: job.imported() == ["t/a.xlsx"], running)
    for line in end(running).splitlines():
        assert line[:2] == "20" or line in ("", "terminated"), line


@pytest.fixture
def settings() -> Iterator[EmbeddedSettings]:
    """The settings of a server of this test's own, which may be stopped."""
    home = Path(tempfile.mkdtemp(prefix="pgdatahub-tests-"))
    home.chmod(0o711)
    yield EmbeddedSettings(home=home, parameters={"fsync": "off"})
    EmbeddedServer(EmbeddedSettings(home=home)).stop(force=True)
    shutil.rmtree(home)


def test_database_outage_delays_the_watch_and_loses_nothing(
    job: Job, settings: EmbeddedSettings, elsewhere: Path
) -> None:
    server = EmbeddedServer(settings)
    server.attach()
    job.url = server.url()
    first = fill(job.root, files=4, tables=2, rows=3)
    running = start(job)
    until(lambda: job.imported() == first, running)
    EmbeddedServer(settings).stop(force=True)
    for number in range(6):
        write_workbook(elsewhere / f"g{number}.xlsx", [["id"], [number]])
    (elsewhere / "t9").mkdir()
    for path in sorted(elsewhere.glob("*.xlsx")):
        path.rename(elsewhere / "t9" / path.name)
    (elsewhere / "t9").rename(job.root / "t9")
    until(lambda: "wait until it is better" in running.errors, running)
    time.sleep(10 if HEAVY else 1)
    EmbeddedServer(settings).attach()
    until(lambda: len(job.imported()) == 10, running)
    until(lambda: "going on" in running.errors, running)
    told = end(running)
    assert told.count("wait until it is better") == 1
    assert told.count("going on") == 1
    assert told.count("loaded  ") == 10
    assert not job.pause_file.exists()


def test_watch_ended_during_a_run_is_completed_by_the_next(
    job: Job,
) -> None:
    files = fill(job.root, files=6, tables=1, rows=3)
    running = job.start("watch", "--settle", "0", fault="staged:hold:2")
    running.wait_held()
    running.kill(signal.SIGINT)
    time.sleep(0.5)
    running.let_go()
    assert running.wait() == 130, running.errors
    assert job.pause_file.exists()
    assert len(job.imported()) == 2
    again = start(job)
    until(lambda: job.imported() == files, again)
    end(again)
    assert not job.pause_file.exists()


# ── the function ──────────────────────────────────────────────────────────────────────────────────────────────────────


def watched(config: Config, stop: Callable[[], bool]) -> tuple[WatchReport, list[Event]]:
    """Watch until something is so."""
    interruption = Interruption()
    events: list[Event] = []

    def wait() -> None:
        limit = time.monotonic() + TIMEOUT_SECONDS
        while not stop() and time.monotonic() < limit:
            time.sleep(0.05)
        interruption.reason = StopReason.INTERRUPTED

    thread = threading.Thread(target=wait)
    thread.start()
    report = watch(config, reporter=events.append, interruption=interruption, settle_seconds=0.2, look_seconds=0.2)
    thread.join()
    return report, events


def test_a_bucket_is_listed_every_now_and_then(make_job: MakeJob, tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the dependency group remote is not installed")
    job = make_job()
    memory = fsspec.filesystem("memory")
    content = write_workbook(tmp_path / "a.xlsx", [["id"], [1]]).read_bytes()
    memory.pipe("/inbox/t/a.xlsx", content)
    config = Config.model_validate(
        {"database_url": job.url, "schema_name": job.schema, "data_root": "memory://inbox", "state_dir": job.directory}
    )
    threading.Timer(
        1, memory.pipe, ("/inbox/t/b.xlsx", write_workbook(tmp_path / "b", [["id"], [2]]).read_bytes())
    ).start()
    report, events = watched(config, lambda: len(job.imported()) == 2)
    memory.store.clear()
    assert job.imported() == ["t/a.xlsx", "t/b.xlsx"]
    assert report.rows == 2
    assert not report.unfinished
    assert not [event for event in events if isinstance(event, Notice) and event.warning]


def test_a_wrong_password_is_an_error_and_not_a_reason_to_wait(job: Job, server_url: str) -> None:
    write_workbook(job.root / "t" / "a.xlsx", [["id"], [1]])
    wrong = psycopg.conninfo.make_conninfo(server_url, dbname="there_is_no_such_database")
    config = Config.model_validate({"database_url": wrong, "data_root": str(job.root), "state_dir": job.directory})
    with pytest.raises(DatabaseError, match="does not exist"):
        watch(config, settle_seconds=0)


def test_a_data_root_that_is_not_there_is_an_error(job: Job) -> None:
    config = Config.model_validate({"database_url": job.url, "data_root": str(job.root / "nothing")})
    with pytest.raises(ConfigError, match="does not exist"):
        watch(config)
