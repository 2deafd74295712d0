"""Versions of the reading rules, by file format.

A version is raised when the same file may give other values than before, so that a run can name the imports whose file
may read differently now. Version 0 is the reading of all imports without a recorded version.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

READING_VERSIONS: Final[Mapping[str, int]] = {
    # 1: currencies and units are numbers; the section that applies to the value decides; codes of zeros with literals and
    #    further sections are text; number formats within mc:AlternateContent count.
    ".xlsx": 1,
    ".xlsm": 1,
    # 1: the own reader; durations, dates with a zone, codes of zeros, spaces and covered cells.
    ".ods": 1,
}
"""Suffix of a file's name, lower case, to the version; a format that is not here has version 0."""


def reading_version(name: str) -> int:
    """Return the version of the rules that read a file with this name or path."""
    return READING_VERSIONS.get(PurePosixPath(name).suffix.lower(), 0)
