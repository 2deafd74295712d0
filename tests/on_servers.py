"""Runs the integration tests on several PostgreSQL versions: ``python -m tests.on_servers 12 13 -- -k revert``.

A version that is not available here is reported and counts as a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.server_versions import VERSIONS, UnavailableError, binaries_of
from tests.servers import running_server

_OTHER_SERVERS = ("--ignore=tests/integration/embedded", "--ignore=tests/integration/remote")
"""Tests of the embedded server's own program, and of file servers."""


def main() -> None:
    """Run pytest once for each version; exit 1 if a run fails or a version is not available."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    majors = [int(major) for major in arguments[:split]] or list(VERSIONS)
    ended = {major: _test(major, arguments[split + 1 :]) for major in majors}
    for major, problem in ended.items():
        print(f"PostgreSQL {major}: {problem or 'passed'}")  # noqa: T201 - a script
    sys.exit(any(ended.values()))


def _test(major: int, options: list[str]) -> str | None:
    """Return why the tests of a version did not pass; None if they did."""
    try:
        binaries = binaries_of(major)
    except UnavailableError as error:
        return f"not available: {error}"
    print(f"\n==> PostgreSQL {major}", flush=True)  # noqa: T201
    with running_server(binaries, parameters={"max_connections": "200"}) as url:
        command = [sys.executable, "-m", "pytest", "-m", "integration", *_OTHER_SERVERS, *options]
        code = subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False).returncode
    return f"pytest ended with exit code {code}" if code else None


if __name__ == "__main__":
    main()
