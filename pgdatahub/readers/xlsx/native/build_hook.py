"""Build hook of hatchling: compile the core where cargo is found, and put its library and the version into the wheel.

``PGDATAHUB_CORE`` chooses: ``auto`` (default) compiles where there is a cargo, and gives a pure wheel where there is none or
where compiling fails; ``require`` fails then; ``none`` gives a pure wheel. A pure wheel has the reason in a file of one line,
which :mod:`pgdatahub.readers.xlsx.native.library` shows.

An editable installation has no wheel to put these files into, so they stay beside the sources. No other build writes into the
sources, which may belong to another account.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from platform import machine
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = "pgdatahub/readers/xlsx/native"
_BUILT = {"darwin": "libpgdatahub_core.dylib", "win32": "pgdatahub_core.dll"}.get(sys.platform, "libpgdatahub_core.so")
_LIBRARY = "_core" + Path(_BUILT).suffix
_REASON = "_core.missing.txt"
_VERSION = "pgdatahub/system/_version.py"
_OLDEST_MACOS = {"arm64": "11.0", "x86_64": "10.13"}


class CoreError(RuntimeError):
    """The core was not compiled; the message gives the reason."""


class CoreBuildHook(BuildHookInterface[Any]):
    """Compiles the core and writes the version before the files of a wheel are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the library, or the reason why there is none, and the version into a wheel; ``version`` tells an editable one."""
        wish = os.environ.get("PGDATAHUB_CORE", "") or "auto"
        if wish not in ("auto", "require", "none"):
            raise ValueError(f"PGDATAHUB_CORE is {wish!r}; it must be auto, require or none")
        target = Path(tempfile.mkdtemp(prefix="pgdatahub-core-"))
        atexit.register(shutil.rmtree, target, ignore_errors=True)
        try:
            if wish == "none":
                raise CoreError("PGDATAHUB_CORE=none")
            file, name = _compile(Path(self.root, _FOLDER), target), _LIBRARY
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{_platform()}"
        except CoreError as error:
            if wish == "require":
                raise
            self.app.display_warning(f"pgdatahub is built without its compiled core: {error}")
            file, name = target / _REASON, _REASON
            file.write_text(f"{error}\n".splitlines()[0], encoding="utf-8")
        number = target / "version.py"
        number.write_text(f'"""Written by the build."""\n\n__version__ = "{self.metadata.version}"\n', encoding="utf-8")
        added = {file: f"{_FOLDER}/{name}", number: _VERSION}
        if version == "editable":
            for old in (_LIBRARY, _REASON):
                Path(self.root, _FOLDER, old).unlink(missing_ok=True)
            for source, place in added.items():
                shutil.copyfile(source, Path(self.root, place))
        else:
            build_data["force_include"] |= {str(source): place for source, place in added.items()}


def _compile(crate: Path, target: Path) -> Path:
    """Compile the crate and return its library.

    Raises:
        CoreError: cargo is missing or fails.
    """
    cargo = _find_cargo()
    if cargo is None:
        raise CoreError("cargo, Rust's build tool, was not found")
    command = [cargo, "build", "--release", "--offline", "--locked", "--target-dir", str(target)]
    try:
        done = subprocess.run(  # noqa: S603 - cargo, as the user installed it
            command, cwd=crate, env=_environment(), capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise CoreError(f"{cargo} cannot be run: {error}") from error
    library = target / "release" / _BUILT
    if done.returncode or not library.is_file():
        lines = done.stderr.strip().splitlines()
        first = next((line for line in lines if line.startswith("error")), f"exit code {done.returncode}")
        raise CoreError("\n".join([f"cargo build failed: {first}", *lines[-40:]]))
    return library


def _find_cargo() -> str | None:
    """Return cargo from ``PATH``, else from the folders in which rustup puts it."""
    folders = [Path(home, "bin") for home in (os.environ.get("CARGO_HOME"), Path.home() / ".cargo") if home]
    return shutil.which("cargo") or next(
        (found for folder in folders if (found := shutil.which("cargo", path=folder))), None
    )


def _environment() -> dict[str, str]:
    environment = {"CARGO_PROFILE_RELEASE_STRIP": "symbols", **os.environ}  # some distributions' std has them: 11 MB
    # cargo looks for rustc there, and rustup's stands beside it.
    environment["PATH"] = os.pathsep.join([environment.get("PATH", ""), str(Path(_find_cargo() or "").parent)])
    if sys.platform == "darwin":
        environment.setdefault("MACOSX_DEPLOYMENT_TARGET", _OLDEST_MACOS.get(machine(), "11.0"))
    if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
        # Rust links musl statically by default, and then makes no shared library.
        environment["RUSTFLAGS"] = f"{environment.get('RUSTFLAGS', '')} -C target-feature=-crt-static".strip()
    return environment


def _platform() -> str:
    """Return the platform tag of what cargo compiles here."""
    if sys.platform == "darwin":
        # Python may be a universal one, and be built for another release; the library is for this processor.
        oldest = _environment()["MACOSX_DEPLOYMENT_TARGET"].split(".")
        return f"macosx_{oldest[0]}_{oldest[1] if len(oldest) > 1 else 0}_{machine()}"
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
