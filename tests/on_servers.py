"""Runs the integration tests on several PostgreSQL versions: ``python -m tests.on_servers 12 13 -- -k revert``.

``--pooler session`` or ``--pooler transaction`` before the ``--`` has the product connect through PgBouncer; with both,
one after the other.

A version or a pooler that is not available here is reported and counts as a failure.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.server_versions import VERSIONS, UnavailableError, binaries_of
from tests.servers import pgbouncer, pgbouncer_program, running_server

_OTHER_SERVERS = ("--ignore=tests/integration/embedded", "--ignore=tests/integration/remote")
"""Tests of the embedded server's own program, and of file servers."""


def main() -> None:
    """Run pytest once for each version; exit 1 if a run fails or a version is not available."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options = argparse.ArgumentParser()
    options.add_argument("majors", nargs="*", type=int, metavar="major", help=f"of {', '.join(map(str, VERSIONS))}")
    options.add_argument("--pooler", action="append", choices=("session", "transaction"))
    given = options.parse_args(arguments[:split])
    unknown = [str(major) for major in given.majors if major not in VERSIONS]
    if unknown:
        options.error(f"no binaries are known for PostgreSQL {', '.join(unknown)}")
    ended = {
        (major, pooler): _test(major, pooler, arguments[split + 1 :])
        for major in given.majors or VERSIONS
        for pooler in given.pooler or [None]
    }
    for (major, pooler), problem in ended.items():
        through = f" through PgBouncer, {pooler} mode" if pooler else ""
        print(f"PostgreSQL {major}{through}: {problem or 'passed'}")  # noqa: T201 - a script
    sys.exit(any(ended.values()))


def _test(major: int, pooler: str | None, options: list[str]) -> str | None:
    """Return why the tests of a version did not pass; None if they did."""
    try:
        binaries = binaries_of(major)
        if pooler is not None and pgbouncer_program() is None:
            return "PgBouncer is not installed (Debian's package pgbouncer)"
    except UnavailableError as error:
        return f"not available: {error}"
    print(f"\n==> PostgreSQL {major}", flush=True)  # noqa: T201
    with running_server(binaries, parameters={"max_connections": "200"}) as url, ExitStack() as resources:
        environment = {**os.environ, "TEST_DATABASE_URL": url}
        if pooler is not None:
            pooled = resources.enter_context(pgbouncer(url, pooler, pool_size=20))
            environment["TEST_POOLER"] = urlsplit(pooled).netloc.rpartition("@")[2]
        command = [sys.executable, "-m", "pytest", "-m", "integration", *_OTHER_SERVERS, *options]
        code = subprocess.run(command, env=environment, check=False).returncode
    return f"pytest ended with exit code {code}" if code else None


if __name__ == "__main__":
    main()
