"""Versions of the reading rules, by file format.

A version is raised when the same file may give other values than before, so that a run can name the imports whose file
may read differently now. Version 0 is the reading of all imports without a recorded version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from pgdatahub.errors import FileError

READING_VERSIONS: Final[Mapping[str, int]] = {
    # 1: currencies and units are numbers; the section that applies to the value decides; codes of zeros with literals and
    #    further sections are text; number formats within mc:AlternateContent count; <t> loses its outer white space; ISO
    #    times have any number of digits; values under merged areas are left out.
    ".xlsx": 1,
    ".xlsm": 1,
    # 1: the own reader; durations, dates with a zone, codes of zeros, spaces and covered cells.
    ".ods": 1,
    # 1: xlrd; number formats below 164, zeros, code pages, errors, hidden rows, merged areas.
    ".xls": 1,
    # 1: the own reader, in place of python-calamine.
    ".xlsb": 1,
}
"""Suffix of a file's name, lower case, to the version; a format that is not here has version 0."""


def reading_version(name: str) -> int:
    """Return the version of the rules that read a file with this name or path."""
    return READING_VERSIONS.get(_suffix(name), 0)


def may_read_differently(name: str, since: int, open_file: Callable[[], BinaryIO]) -> bool:
    """Return whether a file may give other values than under the rules of an older version.

    Args:
        name: Its name or path.
        since: The older version.
        open_file: Opens its bytes.
    """
    return any(_step(_suffix(name), version, open_file) for version in range(since + 1, reading_version(name) + 1))


def _step(suffix: str, version: int, open_file: Callable[[], BinaryIO]) -> bool:
    """Return whether a version reads a file differently from the version before."""
    if suffix not in (".xlsx", ".xlsm") or version != 1:
        return True
    # Here, so that a run without older imports does not import the machinery.
    from pgdatahub.readers.limits import Limits
    from pgdatahub.readers.packages.package import Package
    from pgdatahub.readers.xlsx.first_format_codes import formats_read_differently
    from pgdatahub.readers.xlsx.first_texts import has_covered_values, texts_read_differently

    try:
        with open_file() as file:
            package = Package(file, Limits())
            return (
                formats_read_differently(package)
                or texts_read_differently(package)
                or has_covered_values(package, file)
            )
    except (FileError, OSError):
        return True


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
