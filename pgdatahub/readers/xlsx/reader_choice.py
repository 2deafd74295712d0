"""The reader of worksheets: the compiled core or the Python reader, as ``PGDATAHUB_READER`` and the installation allow."""

from __future__ import annotations

from typing import Final, Literal

from pgdatahub.errors import ConfigError
from pgdatahub.readers.packages.package_workbook import Reader
from pgdatahub.readers.xlsx.native.library import CoreMissingError, load_library

__all__ = ["Reader", "available_readers", "choose_reader", "core_problem", "describe_reader"]

HOW_TO_GET_CORE: Final = (
    "install a wheel of pgdatahub for this system, or Rust (apt install cargo, or rustup) and reinstall pgdatahub"
)


def choose_reader(wanted: Literal["native", "python"] | None) -> Reader:
    """Return the reader of worksheets.

    Args:
        wanted: The setting; None for the core where it can be loaded, and the Python reader elsewhere.

    Raises:
        ConfigError: The core is wanted and cannot be loaded.
    """
    if wanted == "python":
        return "python"
    problem = core_problem()
    if problem is None:
        return "native"
    if wanted == "native":
        raise ConfigError(
            f"the compiled core is not available: {problem}",
            where="PGDATAHUB_READER=native",
            hint=f"to get it, {HOW_TO_GET_CORE}; or set PGDATAHUB_READER=python",
        )
    return "python"


def describe_reader(reader: Reader) -> str:
    """Return one line about the reader, and about the way to the faster one if there is one."""
    if reader == "native":
        return "workbooks are read by the compiled core"
    problem = core_problem()
    way = f"{problem}; to get it, {HOW_TO_GET_CORE}" if problem else "PGDATAHUB_READER=native chooses the compiled core"
    return f"workbooks are read by the Python reader, several times as slow as the compiled core: {way}"


def core_problem() -> str | None:
    """Return the reason why the compiled core cannot be used; None if it can be used."""
    try:
        load_library()
    except CoreMissingError as error:
        return str(error)
    return None


def available_readers() -> tuple[Reader, ...]:
    """Return the readers that this installation has."""
    return ("python", "parser") if core_problem() else ("native", "python", "parser")
