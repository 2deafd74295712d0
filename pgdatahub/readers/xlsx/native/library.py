"""The library of the compiled core: its place, and its loading with a check of its version."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from pathlib import Path
from typing import Final

ABI_VERSION: Final = 4
"""The version of the C interface that this package speaks; the core's ``abi.rs`` has the same."""
_SUFFIXES: Final = {"darwin": ".dylib", "win32": ".dll"}


class CoreMissingError(Exception):
    """The compiled core cannot be used; the message gives the reason."""


def library_path() -> Path:
    """Return the path of the library, which the build hook puts beside this module."""
    return Path(__file__).with_name("_core" + _SUFFIXES.get(sys.platform, ".so"))


def _build_message(library: Path) -> str:
    """Return the reason that the build hook left in place of the library."""
    reason = library.with_name("_core.missing.txt")
    return reason.read_text(encoding="utf-8").strip() if reason.is_file() else "the build hook did not run"


@lru_cache(maxsize=1)
def load_library() -> ctypes.CDLL:
    """Load the library. Calls into it release the interpreter's lock.

    Raises:
        CoreMissingError: The installation has none, or one that does not fit the system or this package.
    """
    path = library_path()
    if not path.is_file():
        raise CoreMissingError(f"this installation was built without it ({_build_message(path)})")
    try:
        library = ctypes.CDLL(str(path))
        version = library.pgh_version
    except (OSError, AttributeError) as error:
        raise CoreMissingError(f"{path.name} cannot be loaded: {error}") from error
    version.argtypes, version.restype = (), ctypes.c_uint32
    if (found := version()) != ABI_VERSION:
        raise CoreMissingError(f"{path.name} has version {found} of the interface; this package needs {ABI_VERSION}")
    return library
