"""Files are deleted, replaced and written to while a run goes on, and disks fill up: nothing is lost or half."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgdatahub.errors import SpoolError
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.model.batches import ColumnBatch
from tests.integration.runs.conftest import fill, write_workbook

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, TableState

NAME = "t0/f001.xlsx"


def _change_at(job: Job, point: str, turn: int, change: Callable[[Path], object]) -> dict[str, str | None]:
    """Change the second of three files at a point of a run; return what became of each."""
    fill(job.root, files=3, tables=1)
    running = job.start("run", "--format", "json", fault=f"{point}:hold:{turn}")
    running.wait_held()
    change(job.root / NAME)
    running.let_go()
    running.wait()
    return {
        result["file"]: result["failure"]["message"] if result["failure"] else None
        for result in running.report["files"]
    }


def _replace(path: Path) -> None:
    write_workbook(path.with_name("new"), [["id", "value"], [1, "replaced"]])
    path.with_name("new").replace(path)


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Path.unlink, "the file is gone"),
        (lambda path: os.truncate(path, 0), "the file is empty"),
        (lambda path: os.truncate(path, 1000), "cut off or damaged"),
    ],
    ids=["deleted", "emptied", "truncated"],
)
def test_a_file_that_is_spoilt_before_it_is_read_costs_itself(
    change: Callable[[Path], object], message: str, job: Job
) -> None:
    outcomes = _change_at(job, "discovered", 1, change)
    assert message in (outcomes.pop(NAME) or "")
    assert set(outcomes.values()) == {None}
    assert job.imported() == ["t0/f000.xlsx", "t0/f002.xlsx"]


def test_file_replaced_before_reading_is_loaded_as_it_is_now(job: Job) -> None:
    outcomes = _change_at(job, "discovered", 1, _replace)
    assert set(outcomes.values()) == {None}
    assert job.query("SELECT count(*) FROM t0 WHERE value = 'replaced'") == [(1,)]


@pytest.mark.parametrize(
    "change", [_append, _replace, Path.unlink, os.utime], ids=["written to", "replaced", "deleted", "touched"]
)
def test_file_changed_during_reading_is_loaded_by_the_next_run(change: Callable[[Path], object], job: Job) -> None:
    kept = job.directory / "kept"
    # The second file's only batch is the second of all.
    outcomes = _change_at(job, "spooling", 2, lambda path: (kept.write_bytes(path.read_bytes()), change(path)))
    message = outcomes.pop(NAME) or ""
    assert "the file changed while it was being read" in message or "the file is gone" in message
    assert set(outcomes.values()) == {None}
    assert job.imported() == ["t0/f000.xlsx", "t0/f002.xlsx"]
    (job.root / NAME).write_bytes(kept.read_bytes())
    job.load()
    assert NAME in job.imported()


def test_nothing_is_written_into_the_data_folder(job: Job) -> None:
    fill(job.root, files=3, tables=2)
    (job.root / "t0/f000.xlsx").write_bytes(b"PK\3\4 no workbook")
    paths = [job.root, *job.root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}
    assert job.run().wait() == 1
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [job.root, *job.root.rglob("*")]} == before
    for path in paths:
        path.chmod(0o755)
    assert len(job.imported()) == 2


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_ends_the_run_with_a_pause_file(workers: str, job: Job, expected: Callable[[], TableState]) -> None:
    fill(job.root, files=4, tables=2)
    running = job.run("run", fault="spooling:full:2", ETL_WORKERS=workers)
    assert running.wait() == 1
    assert "No space left on device" in job.pause["reason"]
    assert str(job.temporary) in job.pause["reason"]
    assert "TMPDIR" in running.output
    assert job.pause["failed"] == []
    job.load("resume")
    job.assert_like(expected())


def test_rows_beyond_the_memory_limit_are_in_an_unnamed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    batches = [ColumnBatch(names=("a",), rows=1, columns=(b"%d" % number * 1000,)) for number in range(50)]
    with SpoolFile(memory_bytes=10_000) as file:
        first, second = Spool(file), Spool(file)
        for number, batch in enumerate(batches):
            (first, second)[number % 2].append(batch)
        # A killed process leaves what the directory names now.
        assert list(tmp_path.iterdir()) == []
        for _ in range(2):
            assert list(first) == batches[::2]
            assert list(second) == batches[1::2]


def test_a_disk_that_is_really_full_is_told_when_rows_are_added() -> None:
    import resource
    import signal

    batch = ColumnBatch(names=("a",), rows=1, columns=(b"x" * 50_000,))
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with SpoolFile(memory_bytes=1000) as file:
        spool = Spool(file)
        spool.append(batch)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
        try:
            with pytest.raises(SpoolError, match="TMPDIR"):
                spool.append(batch)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, previous)
