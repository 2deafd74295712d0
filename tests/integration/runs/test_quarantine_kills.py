"""``kill -9`` while rows are set aside: an import has its rows in the table and in the quarantine, or in neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pgdatahub.system.failpoints import KEYED_POINTS, POINTS
from tests.integration.runs.conftest import HEAVY, TableState, write_workbook

if TYPE_CHECKING:
    from tests.integration.runs.conftest import Job, MakeJob

LOADING = [point for point in POINTS if "pause" not in point and not point.startswith("move ")]
WHILE_READING = "import pgdatahub.runs.workers.pool_choice as choice\nchoice.EAGER_BYTES = 1"
SMALL_BATCHES = {"ETL_CHUNK_SIZE": "2"}
HEADER = ["id", "n", "status", "code"]
PLACES = """
    SELECT identity, status = 'loaded', row_count, quarantined, coalesce((counts ->> 'rows with blanked cells')::int, 0),
           {rows},
           (SELECT count(*) FROM etl_quarantine q WHERE q.import_id = i.id AND q.action = 'row'),
           (SELECT count(*) FROM etl_quarantine q WHERE q.import_id = i.id AND q.action = 'cells')
      FROM etl_imports i ORDER BY i.id
"""


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way into the table.

    Attributes:
        on_bad: The fate of bad cells.
        key: The table has a key.
        while_reading: The file is copied while it is read.
    """

    on_bad: str
    key: bool = False
    while_reading: bool = False

    def __str__(self) -> str:
        return " ".join(
            [self.on_bad, "keyed" if self.key else "append", *(["while reading"] if self.while_reading else [])]
        )

    @property
    def prelude(self) -> str:
        return WHILE_READING if self.while_reading else ""

    @property
    def points(self) -> list[str]:
        """The failpoints that this way reaches."""
        if self.while_reading:
            return [point for point in LOADING if not point.endswith("-ddl")]  # a table to change is not copied so
        return [*LOADING, *(KEYED_POINTS if self.key else [])]


WAYS = (
    Way(on_bad="quarantine"),
    Way(on_bad="blank"),
    Way(on_bad="quarantine", key=True),
    Way(on_bad="blank", key=True),
    Way(on_bad="quarantine", while_reading=True),
    Way(on_bad="blank", while_reading=True),
)
FEW = (
    *((WAYS[0], point, 1) for point in ("copied", "quarantined", "after-commit")),
    (WAYS[1], "recorded", 2),
    (WAYS[2], "keys merged", 1),
    (WAYS[3], "quarantined", 2),
    (WAYS[4], "before-commit", 2),
)
"""Each way and each moment between two writes."""
KILLS = (
    tuple(
        (way, point, turn)
        for way in WAYS
        for point in way.points
        for turn in (1, 2)
        if (point, turn) != ("discovered", 2)
    )
    if HEAVY
    else FEW
)


def configure(job: Job, way: Way) -> Job:
    (job.directory / "config").mkdir()
    (job.directory / "config" / "etl_config.yaml").write_text(
        f"t:\n  on_bad: {way.on_bad}\n  max_bad: 100%\n" + ("  key: [id]\n" if way.key else "") + "  columns:\n"
        "    n: {type: integer, min: 0}\n    status: {values: [open, paid]}\n    code: {unique: true}\n"
    )
    return job


def write(job: Job, way: Way, file: str, start: int, *, extra: str | None = None, corrected: bool = False) -> None:
    """Write a file of six rows, three of them bad; one if it was corrected. An extra column changes the table."""
    rows: list[list[Any]] = [[start + at, at, "open", f"c{start + at}"] for at in range(6)]
    rows[1][1] = "bad"
    if not corrected:
        rows[3][2], rows[4][1] = "Paid", -1
    if not corrected and not way.while_reading:  # equal values end a load while reading
        rows[4][3] = rows[1][3]
    header = HEADER if extra is None or way.while_reading else [*HEADER, extra]
    write_workbook(job.root / "t" / f"{file}.xlsx", [header, *([*row, 7][: len(header)] for row in rows)])


def change(job: Job, way: Way) -> None:
    """Correct a loaded file, and add two others whose keys meet those of loaded files."""
    write(job, way, "f1", 10, corrected=True)
    write(job, way, "f2", 4, extra="more")
    write(job, way, "f3", 22, extra="most")


def aside(job: Job) -> list[tuple[Any, ...]]:
    return sorted(
        job.query(
            "SELECT i.identity, q.sheet, q.row_number, q.action, q.cells::text, q.kinds, q.faults::text, q.section, q.ordinal"
            " FROM etl_quarantine q LEFT JOIN etl_imports i ON i.id = q.import_id"
        )
    )


def check_places(job: Job, way: Way) -> None:
    """Check that each import has all its rows in their tables, and that there are no others."""
    tables = ["t", "t_replaced"] if way.key else ["t"]
    rows = " + ".join(f"(SELECT count(*) FROM {table} WHERE load_timestamp = i.imported_at)" for table in tables)
    loaded = 0
    for _, is_loaded, count, set_aside, blanked, in_table, in_quarantine, emptied in job.query(
        PLACES.format(rows=rows)
    ):
        expected = (count, set_aside, blanked) if is_loaded else (0, 0, 0)
        assert (in_table, in_quarantine, emptied) == expected
        loaded += count if is_loaded else 0
    there = " + ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    assert job.query(f"SELECT {there}") == [(loaded,)]
    assert job.query("SELECT count(*) FROM etl_quarantine WHERE import_id NOT IN (SELECT id FROM etl_imports)") == [
        (0,)
    ]


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, tuple[TableState, list[tuple[Any, ...]]]]:
    """The tables and the quarantine that runs without a kill leave, by way."""
    return {}


@pytest.mark.parametrize(("way", "point", "turn"), KILLS, ids=lambda value: str(value))
def test_a_kill_leaves_rows_in_neither_table_or_in_both(
    way: Way,
    point: str,
    turn: int,
    make_job: MakeJob,
    undisturbed: dict[str, tuple[TableState, list[tuple[Any, ...]]]],
) -> None:
    job = configure(make_job(**SMALL_BATCHES), way)
    write(job, way, "f0", 0)
    write(job, way, "f1", 10)
    job.load()
    others = configure(make_job(**SMALL_BATCHES), way) if str(way) not in undisturbed else None
    if others is not None:
        others.load()
    change(job, way)
    if others is not None:
        others.load()
        undisturbed[str(way)] = others.standing(), aside(others)
    assert job.run(fault=f"{point}:kill:{turn}", prelude=way.prelude).wait() == -9
    check_places(job, way)
    before = job.query("SELECT count(*) FROM etl_quarantine")
    assert before != [(0,)]
    job.load()
    check_places(job, way)
    state, rows = undisturbed[str(way)]
    job.assert_like(state)
    assert aside(job) == rows
