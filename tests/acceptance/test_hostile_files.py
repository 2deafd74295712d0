"""Small workbooks that ask for much: each is loaded or refused in 10 seconds and 500 MB."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from pgdatahub.errors import NotAWorkbookError
from pgdatahub.load.staging import file_hash
from tests.acceptance.hostile_files import HOSTILE
from tests.unit.readers.xls.conftest import source_of

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units"),
]

SECONDS: Final = 10
MEGABYTES: Final = 500
ROWS: Final = ("xlsx headers", "xlsx attributes", "xlsx comments")
MEASURE: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss // 1024 if sys.platform == "darwin" else used.ru_maxrss  # bytes there
print(used.ru_utime + used.ru_stime, peak, file=sys.stderr)
"""


def run(place: Place, *, reader: str = "") -> dict[str, Any]:
    """Load all files and return the report; check the processor time and the memory of the largest process."""
    environment = place.variables({"PGDATAHUB_READER": reader or None, "ETL_WORKERS": "1"})
    with (place.directory / "out").open("wb") as out:
        # A process between, since a child begins with the largest memory that its parent ever had.
        measured = subprocess.run(
            [sys.executable, "-S", "-c", MEASURE, *place.command("run", "--format", "json")],
            cwd=place.directory,
            env=environment,
            stdout=out,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
    seconds, kilobytes = map(float, measured.stderr.split())
    assert seconds < SECONDS
    assert kilobytes < MEGABYTES * 1000
    text = (place.directory / "out").read_text(encoding="utf-8")
    assert "Traceback" not in text
    report: dict[str, Any] = json.loads(text[text.index("{") :])
    return report


def _parameters() -> list[tuple[str, str]]:
    """Return each file for the default reader, and those that only a reader of rows sees for the Python reader too."""
    return [(name, "") for name in HOSTILE] + [(name, "python") for name in ROWS]


@pytest.mark.parametrize(("name", "reader"), _parameters())
def test_hostile_file_is_bounded(place: Place, name: str, reader: str) -> None:
    hostile = HOSTILE[name]
    path = place.directory / "data" / "t" / f"a{hostile.ending}"
    path.parent.mkdir(parents=True)
    path.write_bytes(hostile.make())
    (place.directory / "config").mkdir()
    settings = json.dumps({"t": dict(hostile.options)})
    (place.directory / "config" / "etl_config.yaml").write_text(settings, encoding="utf-8")
    (file,) = run(place, reader=reader)["files"]
    if hostile.message:
        assert file["outcome"] == "failed"
        assert re.search(hostile.message, json.dumps(file, ensure_ascii=False))
    else:
        assert file["outcome"] == "loaded", file


def test_huge_files_pipes_and_devices_are_refused_at_once(place: Place) -> None:
    folder = place.directory / "data" / "t"
    folder.mkdir(parents=True)
    for name, head in (("holes.xlsx", b"PK\x03\x04"), ("zeros.xls", b""), ("zeros.ods", b"")):
        with (folder / name).open("wb") as file:
            file.write(head)
            file.truncate(300 * 10**9)
    os.mkfifo(folder / "pipe.xlsx")
    (folder / "zero.xlsb").symlink_to("/dev/zero")
    (folder / "standard.ods").symlink_to("/dev/stdin")
    report = run(place)
    failures = {file["file"]: file["failure"]["message"] for file in report["files"]}
    assert set(failures) == {"t/holes.xlsx", "t/zeros.xls", "t/zeros.ods"}
    assert all("300,000,000,000 bytes" in message for message in failures.values())
    ignored = {name for names in report["ignored"].values() for name in names}
    assert ignored == {"t/pipe.xlsx", "t/zero.xlsb", "t/standard.ods"}
    for name in ("pipe.xlsx", "zero.xlsb"):
        done = place.run("inspect", f"data/t/{name}")
        assert (done.code, "not a file" in done.error) == (2, True)


def test_huge_file_of_another_kind_is_refused_before_hashing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_hash, "_HUGE_BYTES", 1000)
    path = place.directory / "data" / "t" / "a.xlsx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100)
    with pytest.raises(NotAWorkbookError, match="a picture"):
        file_hash.hash_file(source_of(path))
