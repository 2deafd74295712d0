"""Pure parts of the benchmarks: medians, goals, the page, and the file of results."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("resource", reason="the benchmarks measure processes of POSIX systems")

from tests.benchmarks.cases import CASES, EARLIER, ONE_WORKER, OURS, scaled
from tests.benchmarks.goals import GOALS, middle
from tests.benchmarks.instructions import added_up, judge
from tests.benchmarks.measuring import Measurement, medians
from tests.benchmarks.page import render
from tests.benchmarks.peers import DUCKDB, FLOOR, OPENPYXL, PEERS, POLARS
from tests.benchmarks.results import CaseResult, read_results, write_results
from tests.benchmarks.rounds import environment
from tests.benchmarks.server import Server
from tests.benchmarks.simulation import Costs, Load, simulate

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def run(wall: float, *, cpu: float = 1.0, megabytes: float = 100, server: float = 0.5) -> Measurement:
    return Measurement(wall=wall, cpu=cpu, peak=int(megabytes * 1e6), server=server)


def result(
    runs: dict[str, list[Measurement]],
    *,
    notes: dict[str, str] | None = None,
    place: str = "a machine",
    scale: float = 1.0,
) -> CaseResult:
    return CaseResult(runs=runs, notes=notes or {}, place=place, day="2026-01-31", scale=scale)


def reached(results: dict[str, CaseResult]) -> dict[str, bool | None]:
    figures = {goal.text: (goal, goal.measure(results)) for goal in GOALS}
    return {text: None if figure is None else goal.reached(figure) for text, (goal, figure) in figures.items()}


def test_each_figure_has_a_median_of_its_own() -> None:
    found = medians([run(1, cpu=9, megabytes=2), run(5, cpu=8, megabytes=1), run(3, cpu=7, megabytes=3)])
    assert (found.wall, found.cpu, found.peak, found.server) == (3, 8, 2_000_000, 0.5)


def test_the_median_of_an_even_number_lies_between() -> None:
    assert medians([run(1), run(2)]).wall == 1.5


def test_without_results_no_goal_is_said_to_be_reached_or_missed() -> None:
    assert set(reached({}).values()) == {None}
    assert middle({}, "100k", OURS) is None
    assert middle({"100k": result({})}, "100k", OURS) is None


@pytest.mark.parametrize(("wall", "expected"), [(0.49, True), (0.51, False)])
def test_the_goal_beside_polars_is_a_ratio_of_medians(wall: float, expected: bool) -> None:
    results = {"100k": result({OURS: [run(9), run(wall), run(0)], POLARS: [run(1)]})}
    assert reached(results)[f"100k × 20, wall, of {POLARS}"] is expected


def test_memory_is_compared_between_cases() -> None:
    results = {"100k": result({OURS: [run(1, megabytes=100)]}), "1m": result({OURS: [run(1, megabytes=121)]})}
    assert reached(results)["memory of 1M rows, of 100k rows"] is False


def test_memory_in_megabytes_is_of_a_million_bytes() -> None:
    assert reached({"texts": result({OURS: [run(1, megabytes=250)]})})["memory with a million distinct texts"] is True


@pytest.mark.parametrize(("now", "expected"), [(3.6, True), (3.7, False)])
def test_several_files_are_compared_with_the_version_before(now: float, expected: bool) -> None:
    results = {"eight_files": result({EARLIER: [run(10)], ONE_WORKER: [run(now)]})}
    assert reached(results)["eight files, wall, of the version before the core"] is expected


@pytest.mark.parametrize(("server", "expected"), [(1.0, True), (1.1, False)])
def test_small_files_are_compared_by_all_processor_time(server: float, expected: bool) -> None:
    results = {"small_files": result({OURS: [run(9, cpu=2, server=server)], DUCKDB: [run(1, cpu=2.5, server=0.5)]})}
    assert reached(results)[f"1,000 small files, CPU and server, of {DUCKDB}"] is expected


def test_every_goal_can_be_measured_from_the_cases_there_are() -> None:
    results = {
        name: result({contestant: [run(1)] for contestant in (*case.ours, *case.peers, EARLIER)})
        for name, case in CASES.items()
    }
    assert None not in reached(results).values()


def test_case_names_existing_peers_and_why_some_are_missing() -> None:
    for case in CASES.values():
        assert set(case.peers) <= PEERS.keys()
        assert set(case.peers) in (set(PEERS), set()) or case.remark


def test_a_trial_is_never_empty() -> None:
    assert (scaled(1000, 0.01), scaled(8, 0.01), scaled(5, 1)) == (10, 1, 5)


def test_the_page_has_medians_and_our_share_of_theirs() -> None:
    page = render({"100k": result({OURS: [run(1, cpu=2, megabytes=50)], FLOOR: [run(4, cpu=1, megabytes=200)]})})
    assert "| pgdatahub | 1.00 s | 2.00 s | 0.50 s | 2.50 s | 50 MB | | | |" in page
    assert f"| {FLOOR} | 4.00 s | 1.00 s | 0.50 s | 1.50 s | 200 MB | 0.25 | 1.67 | 0.25 |" in page
    assert "1 runs each, 2026-01-31." in page
    assert f"| 100k × 20, wall, of {FLOOR} | ≤ 2.2 × | 0.25 × | reached |" in page


def test_the_page_says_who_did_not_run_and_what_was_a_trial() -> None:
    page = render({"100k": result({OURS: [run(1)]}, notes={OPENPYXL: "ModuleNotFoundError: openpyxl"}, scale=0.01)})
    assert f"| {OPENPYXL} | did not run: ModuleNotFoundError: openpyxl |" in page
    assert "the figures mean nothing" in page


def test_the_page_tells_machines_apart() -> None:
    results = {"100k": result({OURS: [run(1)]}), "1m": result({OURS: [run(2)]}, place="another machine")}
    assert f"another machine ({CASES['1m'].title})." in render(results)
    assert "\na machine.\n" in render({"100k": results["100k"]})


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    page = render({"100k": result({OURS: [run(1)], FLOOR: [run(4)]}, notes={POLARS: "no"})})
    for table in page.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, table


def test_results_are_kept_and_those_of_other_cases_stay(tmp_path: Path) -> None:
    path = tmp_path / "build" / "results.json"
    assert read_results(path) == {}
    first = {"100k": result({OURS: [run(1), run(2)]}, notes={POLARS: "no"})}
    write_results(path, first)
    write_results(path, {**read_results(path), "1m": result({OURS: [run(3)]})})
    assert read_results(path) == {**first, "1m": result({OURS: [run(3)]})}


def test_no_contestant_is_kept_from_storing_its_bytecode(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("ETL_WORKERS", "7")
    found = environment(Server(url="postgresql://", psql=tmp_path / "bin" / "psql"), tmp_path)
    assert not {"PYTHONDONTWRITEBYTECODE", "ETL_WORKERS"} & found.keys()
    assert found["PATH"].startswith(str(tmp_path / "bin"))


def test_documentation_page_was_rendered_and_not_written() -> None:
    assert PAGE.read_text(encoding="utf-8").startswith(render({}).partition("## Goals")[0])


REPORT = """\
--------------------------------------------------------------------------------
Ir
--------------------------------------------------------------------------------
1,002,990,019 (100.0%)  PROGRAM TOTALS

      631,274 ( 0.06%)  ???:core::sheet::Sheet::feed [/x/readers/xlsx/native/_core.so]
       36,046 ( 0.01%)  ???:_PyEval_EvalFrameDefault [/usr/bin/python3.11]
        1,000 ( 0.00%)  ???:encode [/x/readers/xlsx/native/_core.so]
"""


def test_instructions_of_the_core_are_those_of_its_library() -> None:
    assert added_up(REPORT) == (1_002_990_019, 632_274)


@pytest.mark.parametrize(("figure", "good"), [(1050, True), (1051, False), (950, True), (949, False)])
def test_instructions_may_differ_by_five_per_cent(figure: int, good: bool) -> None:
    lines, within = judge({"core": figure}, {"core": 1000})
    assert within is good
    assert f"{figure:,} instructions" in lines[0]


def test_instructions_without_a_committed_figure_pass_and_say_it() -> None:
    lines, within = judge({"core, rustc 9": 1000}, {"core, rustc 8": 1})
    assert within
    assert "--accept" in lines[0]


def test_simulation_of_one_worker_adds_up_its_costs() -> None:
    costs = Costs()
    outcome = simulate(Load(files=100, tables=10, rows=0), 1)
    each = costs.dispatch + costs.read_file + costs.round_trips + costs.server_file + costs.flush
    assert outcome.seconds == pytest.approx(100 * each / 1000)
    assert outcome.busy["workers"] == pytest.approx(costs.read_file / each)


@pytest.mark.parametrize(
    ("load", "limit"),
    [
        (Load(files=3000, tables=500), "the run's own process"),
        (Load(files=3000, tables=500, share=0.5), "the busiest table"),
        (Load(files=1000, tables=500, rows=10_000), "the server's processors"),
    ],
    ids=["small files", "one popular table", "large files"],
)
def test_simulation_names_the_limit_of_many_workers(load: Load, limit: str) -> None:
    assert simulate(load, 128).limit == limit
    assert simulate(load, 2).limit == "workers"
