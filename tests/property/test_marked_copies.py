"""Law 14 of marked copies: a marked copy has the content of its origin. Hostile packages give one of our errors, or a copy."""

from __future__ import annotations

import os
import random
import time
import zipfile
from collections.abc import Collection
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from pgdatahub.config import Config, FolderOptions
from pgdatahub.errors import FileError
from pgdatahub.load.staging.spool import Spool, SpoolFile
from pgdatahub.load.staging.staged_file import stage
from pgdatahub.model.events import NullReporter
from pgdatahub.model.faults import Fault
from pgdatahub.model.files import MarkedOrigin, SourceFile
from pgdatahub.model.schema import TableName
from pgdatahub.model.workbooks import sheet_labels
from pgdatahub.plugins.manager import Stages, create_plugin_manager
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.packages.marked_origin import read_origins
from pgdatahub.readers.packages.package import Package
from pgdatahub.readers.xlsx.workbook import XlsxWorkbook
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.marks import Faults
from pgdatahub.reports.marked.package_marking import mark_package
from pgdatahub.values.cells import cell_address
from tests.marked_workbooks import fault, write_rich_workbook

MUTATIONS = int(os.environ.get("PGDATAHUB_FUZZ", "400")) // 2
CORPUS = Path(os.environ.get("PGDATAHUB_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
STAGES = Stages(create_plugin_manager())
CONFIG = Config()
ORIGIN = MarkedOrigin(identity="sales/märz & <co>.xlsx", sha256="ab" * 32, bytes=123)


def content_of(path: Path) -> tuple[str, ...]:
    """Return the content hash of all sheets, or the error of a file that cannot be loaded."""
    source = SourceFile(
        location=str(path),
        identity="sales/x.xlsx",
        table=TableName(schema="public", name="sales"),
        options=FolderOptions(sheet=("*",), uncached="blank", sheet_column="sheet_name"),
        size=path.stat().st_size,
    )
    with SpoolFile() as spool_file:
        try:
            staged = stage(
                source,
                STAGES,
                CONFIG,
                NullReporter(),
                Spool(spool_file),
                file_sha256="0" * 64,
                version=source.version(),
            )
        except FileError as error:
            return type(error).__name__, error.message
        return tuple(part.content_sha256 for part in staged.parts)


def faults_at(path: Path, places: Collection[tuple[int, int]]) -> list[Fault]:
    """Return faults at cells (row from 1, position from 0) of each sheet."""
    with path.open("rb") as file:
        workbook = XlsxWorkbook(BytesIO(file.read()), name=path.name)
    labels = sheet_labels(workbook.sheets)
    workbook.close()
    addresses = [cell_address(*place) for place in places]
    return [fault("values", "a, b", addresses, sheet=label) for label in labels]


def marked(path: Path, out: Path, faults: list[Fault]) -> bool:
    """Write a marked copy; return whether the package can be marked."""
    with path.open("rb") as file, out.open("w+b") as written:
        try:
            mark_package(file, written, Faults(file="x", faults=faults), DEFAULT_LIMITS, origin=ORIGIN)
        except UnmarkableError:
            return False
    with out.open("rb") as file:
        assert ORIGIN in read_origins(Package(file, DEFAULT_LIMITS))
    return True


VALUES = st.one_of(st.none(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9), st.booleans(), st.text(max_size=5))
PLACES = st.sets(st.tuples(st.integers(1, 12), st.integers(0, 7)), max_size=12)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.lists(VALUES, max_size=5), max_size=8),
    places=PLACES,
    formats=st.lists(st.sampled_from(["", "0.00", "yyyy-mm-dd", "@", "00000"]), min_size=5, max_size=5),
    merged=st.booleans(),
    again=st.booleans(),
)
def test_a_marked_copy_has_the_content_of_its_origin(
    rows: list[list[object]],
    places: set[tuple[int, int]],
    formats: list[str],
    merged: bool,
    again: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("law14")
    path = folder / "x.xlsx"
    workbook = xlsxwriter.Workbook(path)
    for name in ("One", "It's two"):
        sheet = workbook.add_worksheet(name)
        sheet.write_row(0, 0, ["a", "b", "c"])
        for at, code in enumerate(formats):
            sheet.set_column(at, at, None, workbook.add_format({"num_format": code}) if code else None)
        sheet.set_row(3, None, workbook.add_format({"bold": True}))
        for row, values in enumerate(rows, start=1):
            for at, value in enumerate(values):
                if isinstance(value, str):
                    sheet.write_string(row, at, value)
                elif value is not None:
                    sheet.write(row, at, value)
        if merged:
            sheet.merge_range("B3:C4", "both")
    workbook.close()
    before = content_of(path)
    for number in range(1 + again):
        assert marked(path, folder / f"{number}.xlsx", faults_at(path, places))
        path = folder / f"{number}.xlsx"
    assert content_of(path) == before


@pytest.mark.corpus
def test_marked_copies_of_the_corpus_have_its_content(tmp_path: Path) -> None:
    if not CORPUS.is_dir():
        pytest.skip("no corpus")
    choice = random.Random(14)  # noqa: S311 - repeatable
    files = [path for path in sorted(CORPUS.rglob("*.xls[xm]")) if path.stat().st_size < 500_000]
    done = 0
    for path in files:
        places = {(choice.randint(1, 30), choice.randint(0, 12)) for _ in range(20)}
        try:
            faults = faults_at(path, places)
            marks = marked(path, tmp_path / "out.xlsx", faults)
        except FileError:
            continue
        if marks:
            done += 1
            assert content_of(tmp_path / "out.xlsx") == content_of(path), path
    assert done > len(files) // 2


def mutated(data: bytes, choice: random.Random) -> bytes:
    at = choice.randrange(max(1, len(data)))
    length = choice.choice((0, 1, 5, 50, 2000))
    insert = choice.choice(
        (b"", b"<", b">", b'"', b"<row>", b"</row>", b'<c r="A9"/>', b"<!--", b"]]>", data[at : at + 99])
    )
    return data[:at] + insert + data[at + length :]


def test_mutated_packages_give_a_copy_or_an_error(tmp_path: Path) -> None:
    choice = random.Random(37)  # noqa: S311 - repeatable
    rich = write_rich_workbook(tmp_path / "rich.xlsx")
    with zipfile.ZipFile(rich) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    faults = [fault("max", "1", ["A1", "C3", "B40", "Z9"]), fault("max", "1", ["A1"], sheet="It's other")]
    outcomes = {"copy": 0, "error": 0}
    slowest = 0.0
    for _ in range(MUTATIONS):
        name = choice.choice(sorted(parts))
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for part, data in parts.items():
                archive.writestr(part, mutated(data, choice) if part == name else data)
        began = time.monotonic()
        try:
            mark_package(packed, BytesIO(), Faults(file="x", faults=faults), DEFAULT_LIMITS, origin=ORIGIN)
            outcomes["copy"] += 1
        except (UnmarkableError, FileError):
            outcomes["error"] += 1
        slowest = max(slowest, time.monotonic() - began)
    assert min(outcomes.values()) > MUTATIONS // 20
    assert slowest < 5


HOSTILE = {
    "comments without an end": b"<!--" * 200_000,
    "sections without an end": b"<![CDATA[" * 100_000,
    "instructions without an end": b"<?" * 300_000,
    "a tag of spaces": b"<row" + b" " * 400_000 + b">",
    "a tag of quotes": b"<row " + b"'\"'" * 100_000,
    "a text without an end": b"<row r='9'><c r='A9'><v>" + b"9" * 3_000_000,
    "numbers of many digits": b'<row r="' + b"9" * 100_000 + b'"><c s="' + b"1" * 100_000 + b'"/></row>',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", [b"<sheetViews>", b'<row r="3"', b"</sheetData>", b"<pageMargins"])
def test_hostile_markup_takes_bounded_time(tmp_path: Path, name: str, place: bytes) -> None:
    rich = write_rich_workbook(tmp_path / "rich.xlsx")
    packed = BytesIO()
    with zipfile.ZipFile(rich) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for part in source.namelist():
            data = source.read(part)
            if part == "xl/worksheets/sheet1.xml":
                assert place in data
                data = data.replace(place, HOSTILE[name] + place, 1)
            target.writestr(part, data)
    began = time.process_time()
    with suppress(UnmarkableError, FileError):
        faults = [fault("max", "1", ["A1", "B9"])]
        mark_package(packed, BytesIO(), Faults(file="x", faults=faults), DEFAULT_LIMITS, origin=ORIGIN)
    assert time.process_time() - began < 5
