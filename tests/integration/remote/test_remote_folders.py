"""Data roots that are URLs: the same files, identities, hashes and rows as from a disk."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pgdatahub import Config, RunReport, Selection, discover, load_config, run
from pgdatahub.errors import ConfigError, FileChangedError
from pgdatahub.model.events import RunStarted
from pgdatahub.model.files import SourceFile
from pgdatahub.model.results import Outcome
from pgdatahub.plugins.discover_remote import discover_remote
from pgdatahub.testing import make_workbook
from pgdatahub.undo.plan import UndoRequest
from pgdatahub.undo.revert import revert
from tests.integration.remote.conftest import Load, Web, fill

fsspec = pytest.importorskip("fsspec", reason="the dependency group remote is not installed")

pytestmark = pytest.mark.remote

Rows = Callable[[str], list[tuple[Any, ...]]]
Settings = Callable[..., Config]
IMPORTS = "SELECT identity, file_sha256, content_sha256, row_count FROM etl_imports ORDER BY identity"


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in this process's memory."""
    file_system = fsspec.filesystem("memory")
    yield file_system
    file_system.store.clear()
    file_system.pseudo_dirs[:] = [""]


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket, and the file system that it is in."""

    file_system: Any
    name: str


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket of a server that speaks S3, whose credentials are where its driver looks for them."""
    pytest.importorskip("s3fs", reason="the dependency group remote is not installed")
    servers = pytest.importorskip("moto.server", reason="the dependency group remote is not installed")
    server = servers.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    file_system = fsspec.filesystem("s3")
    # moto keeps its buckets for as long as the process lives.
    file_system.mkdir(name := f"bucket-{secrets.token_hex(4)}")
    yield Bucket(file_system=file_system, name=name)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


def put(file_system: Any, folder: Path, to: str) -> None:
    """Copy a folder into a file system."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            file_system.pipe(f"{to}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def assert_as_from_a_disk(report: RunReport, url: str, folder: Path, load: Load, rows: Rows) -> None:
    """Assert that ``url`` gave the schema public the same tables as a local folder gives another schema."""
    assert [result.outcome for result in report.results] == [Outcome.LOADED] * 3, report.results
    local = load(folder, schema_name="local")
    assert [result.source.identity for result in report.results] == [r.source.identity for r in local.results]
    assert report.ignored == local.ignored
    assert rows(IMPORTS) == rows(IMPORTS.replace("etl_imports", "local.etl_imports"))
    for table in ("sales", "stock_north_south"):
        of = "SELECT to_jsonb(t) - 'source_file' - 'load_timestamp' FROM {}.{} t ORDER BY id"
        assert rows(of.format("public", table)) == rows(of.format("local", table))
    files = [file for (file,) in rows("SELECT DISTINCT source_file FROM sales ORDER BY 1")]
    assert len(files) == 2
    assert all(file.startswith(url) for file in files)


def test_files_in_memory_are_loaded_as_from_a_disk(memory: Any, tmp_path: Path, load: Load, rows: Rows) -> None:
    fill(tmp_path / "data")
    put(memory, tmp_path / "data", "/a/data")
    assert_as_from_a_disk(load("memory://a/data"), "memory://", tmp_path / "data", load, rows)
    again = load("memory://a/data")
    assert {result.outcome for result in again.results} == {Outcome.SKIPPED}


def test_files_of_a_web_server_are_loaded_as_from_a_disk(web: Web, load: Load, rows: Rows) -> None:
    pytest.importorskip("aiohttp")
    fill(web.root)
    assert_as_from_a_disk(load(web.url), web.url, web.root, load, rows)


def test_files_of_a_bucket_are_loaded_as_from_a_disk(bucket: Bucket, tmp_path: Path, load: Load, rows: Rows) -> None:
    fill(tmp_path / "data")
    url = f"s3://{bucket.name}/in/data"
    put(bucket.file_system, tmp_path / "data", f"{bucket.name}/in/data")
    report = load(url, workers=2)
    report = replace(report, results=tuple(sorted(report.results, key=lambda result: result.source.identity)))
    assert_as_from_a_disk(report, f"{url}/", tmp_path / "data", load, rows)


def test_credentials_are_not_in_tables_files_or_the_report(
    bucket: Bucket, tmp_path: Path, load: Load, rows: Rows
) -> None:
    from pgdatahub.cli.render import report_json

    fill(tmp_path / "data")
    put(bucket.file_system, tmp_path / "data", f"{bucket.name}/data")
    report = load(f"s3://{bucket.name}/data")
    kept = "SELECT to_jsonb(t)::text FROM {} t"
    told = [
        report_json(report),
        *(path.read_text() for path in (tmp_path / "state").iterdir()),
        *(
            text
            for table in ("etl_imports", "etl_schema_changes", "etl_failures", "sales")
            for (text,) in rows(kept.format(table))
        ),
    ]
    assert f"s3://{bucket.name}/data/sales/week 1.xlsx" in {
        result["source_file"] for result in json.loads(told[0])["files"]
    }
    assert not [text for text in told if "s3cret" in text or "AKIA" in text]


def test_excludes_hold_in_a_bucket_as_on_a_disk(memory: Any, tmp_path: Path) -> None:
    fill(tmp_path / "data")
    put(memory, tmp_path / "data", "/data")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "etl_config.yaml").write_text('exclude: [stock, "week 1*"]', encoding="utf-8")

    def names(root: str, discovered: Callable[[Config], Iterable[SourceFile]]) -> dict[str, str | None]:
        config = load_config(overrides={"data_root": root}, directory=tmp_path)
        return {source.identity: source.ignored for source in discovered(config)}

    remote = names("memory://data", discover_remote)
    assert remote == names(str(tmp_path / "data"), discover)
    assert remote["stock"] == 'excluded by "stock"'
    assert remote["sales/week 1.xlsx"] == 'excluded by "week 1*"'


def test_a_large_workbook_is_read_in_ranges_and_not_copied(
    memory: Any, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgdatahub.system.storage.BLOCK_BYTES", 4096)
    fill(tmp_path / "data")
    put(memory, tmp_path / "data", "/data")
    largest = max(discover_remote(settings("memory://data")), key=lambda source: source.size)
    assert largest.size > 10 * 4096
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with largest.open() as file:
        file.seek(-100, 2)
        end = file.read()
        file.seek(5000)
        middle = file.read(20_000)
        assert list(temporary.iterdir()) == []
    content = next((tmp_path / "data").rglob("all.xlsx")).read_bytes()
    assert end == content[-100:]
    assert middle == content[5000:25_000]


def test_a_selection_names_remote_files_by_url_or_by_their_path(
    memory: Any, tmp_path: Path, settings: Settings
) -> None:
    fill(tmp_path / "data")
    put(memory, tmp_path / "data", "/data")
    by_url = run(settings("memory://data", skip_db=True), selection=Selection(paths=(Path("memory:///data/stock"),)))
    assert [result.source.name for result in by_url.results] == ["all.xlsx"]
    by_path = run(settings("memory://data", skip_db=True), selection=Selection(paths=(Path("sales/week 2.xlsx"),)))
    assert [result.source.name for result in by_path.results] == ["week 2.xlsx"]


def test_a_file_that_is_replaced_while_it_is_read_is_not_loaded(
    memory: Any, tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "data")
    put(memory, tmp_path / "data", "/data")
    opened = SourceFile.open
    times = []

    def replaced(source: SourceFile) -> Any:
        times.append(source.name)
        if source.name == "all.xlsx" and times.count("all.xlsx") == 2:
            memory.pipe("/data/stock/north & south/all.xlsx", memory.cat("/data/sales/week 1.xlsx"))
        return opened(source)

    monkeypatch.setattr(SourceFile, "open", replaced)
    (failed,) = (result for result in load("memory://data").results if result.outcome is Outcome.FAILED)
    assert failed.failure is not None
    assert failed.failure.kind == FileChangedError.__name__


def test_file_deleted_after_the_listing_fails_only_that_file(web: Web, load: Load) -> None:
    fill(web.root)
    gone = web.root / "stock" / "north & south" / "all.xlsx"

    def remove(event: object) -> None:
        if isinstance(event, RunStarted):
            gone.unlink()

    report = load(web.url, reporter=remove)
    outcomes = {result.source.name: result for result in report.results}
    assert outcomes["week 1.xlsx"].outcome is Outcome.LOADED
    failure = outcomes["all.xlsx"].failure
    assert failure is not None
    assert failure.kind == FileChangedError.__name__


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/data/", "memory://nothing/here", "quux://bucket/data"])
@pytest.mark.usefixtures("memory")
def test_missing_folder_is_an_error_and_not_an_empty_folder(url: str, load: Load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(url)
    assert caught.value.where == url


def test_a_folder_that_cannot_be_listed_fails_the_run(memory: Any, tmp_path: Path, load: Load) -> None:
    class Guarded(type(memory)):  # type: ignore[misc]  # a driver that has a folder which this user may not list
        protocol = "guarded"
        find = fsspec.AbstractFileSystem.find  # it lists folder by folder, as SFTP and SMB do

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return str(super()._strip_protocol(path.replace("guarded://", "memory://")))

        def ls(self, path: str, detail: bool = True, **more: Any) -> Any:
            if path.rstrip("/").endswith("shut"):
                raise PermissionError(13, "Permission denied")
            return super().ls(path, detail=detail, **more)

    fsspec.register_implementation("guarded", Guarded, clobber=True)
    fill(tmp_path / "filled")
    memory.put(str(tmp_path / "filled"), "/data", recursive=True)
    before = {result.source.identity for result in load("memory://data").results}
    memory.pipe("/data/shut/a.xlsx", b"never seen")
    report = load("guarded://data")
    assert {result.source.identity for result in report.results} == before
    assert list(report.unreadable) == ["shut"]
    assert "Permission denied" in report.unreadable["shut"]
    assert report.exit_code == 1


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_an_error(load: Load) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load("s3://another-bucket/data")


def test_local_folder_is_ignored_by_the_remote_discovery(settings: Settings, tmp_path: Path) -> None:
    fill(tmp_path / "data")
    config = settings(tmp_path / "data")
    assert list(discover_remote(config)) == []
    assert list(discover(config)) != []


def test_sheets_of_remote_files_are_loaded_as_from_a_disk(memory: Any, tmp_path: Path, load: Load, rows: Rows) -> None:
    from tests.integration.pipeline.conftest import write_workbook

    sheets: dict[str, list[list[object]]] = {
        "Sales": [["n"], [1], [2]],
        "Ref": [["code"], ["x"]],
        "Other": [["a"], [None]],
    }
    write_workbook(tmp_path / "data" / "m" / "jan.xlsx", sheets)
    (tmp_path / "config").mkdir(exist_ok=True)
    yaml = 'm:\n  sheets:\n    Sales: {table: s, range: "A1:A"}\n    Ref: {table: r}\n'
    (tmp_path / "config" / "etl_config.yaml").write_text(yaml, encoding="utf-8")
    put(memory, tmp_path / "data", "/a/data")
    (remote,) = load("memory://a/data").results
    (local,) = load(tmp_path / "data", schema_name="local").results
    assert [(part.table.name, part.rows) for part in remote.parts] == [("s", 2), ("r", 1)]
    assert [part.rows for part in local.parts] == [2, 1]
    for table, key in (("s", "n"), ("r", "code")):
        assert rows(f"SELECT {key} FROM {table} ORDER BY 1") == rows(f"SELECT {key} FROM local.{table} ORDER BY 1")
    (again,) = load("memory://a/data").results
    assert again.outcome is Outcome.SKIPPED


def test_ranges_of_files_on_a_web_server_are_read_and_undone(
    web: Web, tmp_path: Path, settings: Settings, load: Load, rows: Rows
) -> None:
    pytest.importorskip("aiohttp")
    saved = Path(__file__).parents[2] / "formats"
    for number, suffix in enumerate(("xlsx", "xlsb", "ods"), 1):
        (web.root / "m" / "north").mkdir(parents=True, exist_ok=True)
        path = web.root / "m" / "north" / f"2025-0{number}.{suffix}"
        path.write_bytes((saved / f"ranges.{suffix}").read_bytes())
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "etl_config.yaml").write_text(
        "m:\n"
        "  path_columns: '(?P<region>[^/]+)/(?P<month>\\d{4}-\\d{2})'\n"
        "  sheets:\n"
        "    Sales: {range: Orders, table: orders, stop_at: Total}\n"
        "    Ref: {range: Data, table: codes}\n",
        encoding="utf-8",
    )
    report = load(web.url)
    assert [[part.rows for part in result.parts] for result in report.results] == [[2, 2]] * 3, report.results
    found = rows("SELECT id, n, region, month FROM orders ORDER BY month, id")
    assert found == [(one, one * 10, "north", f"2025-0{month}") for month in (1, 2, 3) for one in (1, 2)]
    revert(settings(web.url), UndoRequest(source_file=f"{web.url}m/north/2025-02.xlsb"))
    assert rows("SELECT count(*) FROM orders UNION ALL SELECT count(*) FROM codes") == [(4,), (4,)]


def _set_newest_modified(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "etl_config.yaml").write_text("c:\n  key: [no]\n  newest: modified\n", encoding="utf-8")


def test_the_file_changed_last_on_a_web_server_wins(web: Web, tmp_path: Path, load: Load, rows: Rows) -> None:
    pytest.importorskip("aiohttp")
    _set_newest_modified(tmp_path)
    for name, changed in (("a", 1_774_746_123), ("b", 1_700_000_000)):
        path = make_workbook(web.root / "c" / f"{name}.xlsx", {"Sheet1": [["no", "city"], [1, name]]})
        os.utime(path, (changed, changed))
    report = load(web.url)
    assert [result.outcome for result in report.results] == [Outcome.LOADED] * 2, report.results
    assert rows("SELECT no, city FROM c") == [(1, "a")]
    assert rows("SELECT modified_at FROM etl_imports ORDER BY identity")[0] == (datetime(2026, 3, 29, 1, 2, 3),)  # noqa: DTZ001 - UTC


def test_a_storage_without_times_fails_newest_modified(memory: Any, tmp_path: Path, load: Load) -> None:
    _set_newest_modified(tmp_path)
    make_workbook(tmp_path / "data" / "c" / "a.xlsx", {"Sheet1": [["no", "city"], [1, "a"]]})
    put(memory, tmp_path / "data", "/a/data")
    (result,) = load("memory://a/data").results
    assert result.failure is not None
    assert "its storage does not tell" in result.failure.message
    assert "newest: path" in (result.failure.hint or "")
