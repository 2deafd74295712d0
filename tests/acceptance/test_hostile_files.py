"""Small workbooks that ask for much: each is loaded or refused in 10 seconds and 500 MB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.acceptance.hostile_files import HOSTILE

if TYPE_CHECKING:
    from tests.acceptance.conftest import Place

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units"),
]

SECONDS: Final = 10
MEGABYTES: Final = 500
MEASURE: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""


def load(place: Place, *, reader: str = "") -> dict[str, object]:
    """Load the only file and return its report; check the processor time and the memory of the largest process."""
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
    (file,) = json.loads(text[text.index("{") :])["files"]
    return dict(file)


@pytest.mark.parametrize("reader", ["", "python"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_bounded(place: Place, name: str, reader: str) -> None:
    hostile = HOSTILE[name]
    if reader and hostile.ending not in (".xlsx", ".ods"):
        pytest.skip("no other reader")
    path = place.directory / "data" / "t" / f"a{hostile.ending}"
    path.parent.mkdir(parents=True)
    path.write_bytes(hostile.make())
    (place.directory / "config").mkdir()
    settings = json.dumps({"t": dict(hostile.options)})
    (place.directory / "config" / "etl_config.yaml").write_text(settings, encoding="utf-8")
    file = load(place, reader=reader)
    if hostile.message:
        assert file["outcome"] == "failed"
        assert re.search(hostile.message, json.dumps(file, ensure_ascii=False))
    else:
        assert file["outcome"] == "loaded", file
