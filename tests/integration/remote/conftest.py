"""Servers of files: one that gives ranges, one that does not, and one that speaks S3, each on a port of this machine."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from pgdatahub import Config, RunReport, load_config, run
from pgdatahub.model.events import Reporter
from pgdatahub.testing import make_workbook

Load: TypeAlias = "Callable[..., RunReport]"


class Handler(SimpleHTTPRequestHandler):
    """Python's own handler, which knows nothing of ranges; it keeps an account of what was asked for."""

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002, ARG002 - the library's signature
        server: Any = self.server
        server.requests.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".strip())


class RangeHandler(Handler):
    """Answers what is asked for of a file, as nearly all web servers do."""

    def do_GET(self) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            return super().do_GET()
        content = path.read_bytes()
        start, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        self.send_response(206)
        self.send_header("Content-Length", str(end + 1 - start))
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        self.end_headers()
        self.wfile.write(content[start : end + 1])
        return None

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()


@dataclass(frozen=True, kw_only=True)
class Web:
    """A web server, and the folder that it serves."""

    root: Path
    url: str
    requests: list[str] = field(default_factory=list)


@pytest.fixture(params=[RangeHandler, Handler], ids=["ranges", "no ranges"])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Web]:
    """A web server."""
    root = tmp_path / "served"
    root.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(request.param, directory=str(root))) as server:
        requests: list[str] = []
        server.requests = requests  # type: ignore[attr-defined]  # ours, for the handler
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Web(root=root, url=f"http://127.0.0.1:{server.server_port}/", requests=requests)
        server.shutdown()
        thread.join()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Callable[..., Config]:
    """Make settings for a data root."""

    def make(data_root: object, **more: object) -> Config:
        overrides = {"database_url": database_url, "data_root": str(data_root), "state_dir": tmp_path / "state", **more}
        return load_config(overrides=overrides, directory=tmp_path)

    return make


@pytest.fixture
def load(settings: Callable[..., Config]) -> Load:
    """Run over a data root."""

    def make(data_root: object, reporter: Reporter | None = None, **more: object) -> RunReport:
        return run(settings(data_root, **more), reporter=reporter)

    return make


@pytest.fixture
def rows(database_url: str) -> Callable[[str], list[tuple[Any, ...]]]:
    """Ask the database."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(database_url) as connection:
            return connection.execute(query.encode()).fetchall()

    return ask


def fill(root: Path) -> None:
    """Write workbooks in two folders, and a file that is not a workbook."""
    make_workbook(root / "sales" / "week 1.xlsx", {"Sheet1": [["id", "amount"], [1, 0.5], [2, 1.25]]})
    make_workbook(root / "sales" / "week 2.xlsx", {"Sheet1": [["id", "amount", "by"], [3, 2, "Ä. Ö."]]})
    # Larger than a block of what is fetched at a time would be if it were small, with text that does not compress.
    long: list[list[int | str]] = [[number, f"{number * 7919 % 10007:x}" * 20] for number in range(3000)]
    make_workbook(root / "stock" / "north & south" / "all.xlsx", {"Sheet1": [["id", "code"], *long]})
    (root / "sales" / "notes.txt").write_text("not a workbook")
    make_workbook(root / "sales" / "~$week 2.xlsx", {"Sheet1": [["a"]]})
