"""Coverage of isolated reading processes, which get neither ``site`` nor the environment, and are killed at their end.

In use only while coverage is measured (COVERAGE_PROCESS_START is set); other child processes measure themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

from pgdatahub.system import child_process

GOODBYE_SECONDS = 2
"""Time in which a child writes its data."""

PROGRAM = """
import atexit, sys
sys.path[:0] = {path!r}
import coverage
from importlib.util import module_from_spec, spec_from_file_location
measured = coverage.Coverage(config_file={config!r}, data_file={data!r}, data_suffix=True)
measured.start()
atexit.register(measured.save)
atexit.register(measured.stop)
spec = spec_from_file_location("pgdatahub.system.child_main", {main!r})
module = module_from_spec(spec)
spec.loader.exec_module(module)
module.main()
"""


def measure_children(directory: Path) -> None:
    """Make the confined children of this process measure themselves, by a program in ``directory``."""
    import coverage

    main = child_process._MAIN
    program = directory / "measured_child.py"
    # Each pytest process has its own directory, so that no process reads a program that another one writes.
    program.write_text(
        PROGRAM.format(
            path=[str(Path(coverage.__file__).parents[1])],
            config=os.environ["COVERAGE_PROCESS_START"],
            data=os.environ["COVERAGE_FILE"],
            main=main,
        ),
        encoding="utf-8",
    )
    start, close = child_process.ChildProcess.__init__, child_process.ChildProcess.close

    def start_measured(self: child_process.ChildProcess, *arguments: str, **options: object) -> None:
        child_process._MAIN = str(program) if options.get("confined") else main  # type: ignore[misc]
        start(self, *arguments, **options)  # type: ignore[arg-type]

    def close_later(self: child_process.ChildProcess, *, goodbye: float = 0) -> None:
        close(self, goodbye=max(goodbye, GOODBYE_SECONDS))

    child_process.ChildProcess.__init__ = start_measured  # type: ignore[method-assign]
    child_process.ChildProcess.close = close_later  # type: ignore[method-assign]
