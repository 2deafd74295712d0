"""The whole job beside its peers: workbooks → committed table, process start included.

    python -m tests.benchmarks.whole_job [--cases 100k,1m,…] [--runs 5] [--peers NAME,…]
                                         [--results build/benchmarks.json] [--page docs/benchmarks.md]

Results are kept after each case, and a case that is run again takes the place of its older figures; so a long benchmark
can be done in parts. ``--cases ''`` runs nothing and renders the page. ``--scale 0.01`` is for trying whether all works.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.cases import CASES
from tests.benchmarks.page import render
from tests.benchmarks.peers import PEERS
from tests.benchmarks.results import read_results, write_results
from tests.benchmarks.rounds import Case
from tests.benchmarks.server import embedded_server


def main() -> None:
    """Run the cases asked for, keep the results, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each contestant in each case (default: 5)")
    parser.add_argument("--cases", default=",".join(CASES), help=f"some of {', '.join(CASES)} (default: all)")
    parser.add_argument("--peers", default=",".join(PEERS), help="of those that a case has (default: all)")
    parser.add_argument("--results", type=Path, default=Path("build/benchmarks.json"), help="where results are kept")
    parser.add_argument("--page", type=Path, help="the page to write")
    parser.add_argument("--scale", type=float, default=1.0, help="of the sizes; other than 1 for trials")
    parser.add_argument("--earlier", type=Path, help="a checkout of commit 881e432, to compare several workers with")
    arguments = parser.parse_args()
    names = [name for name in arguments.cases.split(",") if name]
    unknown = [name for name in names if name not in CASES]
    if unknown:
        parser.error(f"there is no case {unknown[0]!r}; there are {', '.join(CASES)}")
    if names:
        run(names, arguments.runs, arguments.peers.split(","), arguments.results, arguments.scale, arguments.earlier)
    page = render(read_results(arguments.results))
    if arguments.page:
        arguments.page.write_text(page, encoding="utf-8")
    else:
        print(page)


def run(
    names: list[str], rounds: int, peers: list[str], results: Path, scale: float, earlier: Path | None = None
) -> None:
    """Run cases and keep what was measured."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))  # or the server would stay
    directory = Path(tempfile.mkdtemp(prefix="pgdatahub-bench-"))
    directory.chmod(0o755)  # the server's account may be another one
    try:
        with embedded_server(directory / "home") as server:
            for name in names:
                print(f"{name}: {CASES[name].title}", flush=True)
                found = Case(name, directory, server, scale, earlier).run(rounds, peers)
                write_results(results, {**read_results(results), name: found})
                shutil.rmtree(directory / name)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
