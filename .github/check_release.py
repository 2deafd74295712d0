"""Check of a release's tag: ``python .github/check_release.py v1.2.3``, or ``read-csv-v1.2.3`` for the plugin.

The tag must name the version that the distribution declares, and its changelog must have a dated section for that version.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_DATED: Final = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>\d{4}-\d\d-\d\d)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A distribution of this repository.

    Attributes:
        prefix: The beginning of its tags.
        version_file: The file with its version.
        version: The line with its version.
        changelog: Its changelog.
    """

    prefix: str
    version_file: str
    version: str
    changelog: str


DISTRIBUTIONS: Final = (
    Distribution(
        prefix="v",
        version_file="pgdatahub/system/version.py",
        version=r'^__version__ = "(.+)"$',
        changelog="CHANGELOG.md",
    ),
    Distribution(
        prefix="read-csv-v",
        version_file="examples/plugins/pgdatahub-read-csv/pyproject.toml",
        version=r'^version = "(.+)"$',
        changelog="examples/plugins/pgdatahub-read-csv/CHANGELOG.md",
    ),
)


def faults(tag: str, root: Path = ROOT) -> Iterator[str]:
    """Yield a line for each reason against releasing a tag."""
    known = [one for one in DISTRIBUTIONS if re.fullmatch(rf"{one.prefix}\d.*", tag)]
    if not known:
        yield f"{tag}: a tag is one of {', '.join(f'{one.prefix}1.2.3' for one in DISTRIBUTIONS)}"
        return
    distribution = known[0]
    wanted = tag.removeprefix(distribution.prefix)
    declared = re.search(
        distribution.version, (root / distribution.version_file).read_text(encoding="utf-8"), re.MULTILINE
    )
    if declared is None or declared[1] != wanted:
        found = "no version" if declared is None else declared[1]
        yield f"{distribution.version_file}: has {found}, and the tag is {tag}"
    changelog = (root / distribution.changelog).read_text(encoding="utf-8")
    dated = [section["version"] for section in _DATED.finditer(changelog)]
    if wanted not in dated:
        yield f"{distribution.changelog}: has no section ## [{wanted}] - YYYY-MM-DD"
    elif dated[0] != wanted:
        yield f"{distribution.changelog}: the newest version is {dated[0]}, not {wanted}"


if __name__ == "__main__":
    found = list(faults(sys.argv[1])) if len(sys.argv) == 2 else [str(__doc__).splitlines()[0]]
    print("\n".join(found) or f"{sys.argv[1]} can be released")  # noqa: T201 - a script
    sys.exit(1 if found else 0)
