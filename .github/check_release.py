"""Check of a release: ``python .github/check_release.py v1.2.3 [DIST]``, or ``read-csv-v1.2.3`` for the plugin.

The version is that of the tag. The changelog must have a dated section for it. No document may have the placeholder of the
repository's address, and README may not tell that nothing is published yet. With a folder of distributions, each of them must be of this version.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PLACEHOLDER: Final = "OWNER/pgdatahub"
UNPUBLISHED: Final = "not published yet"
_DATED: Final = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>\d{4}-\d\d-\d\d)$", re.MULTILINE)
# The form that the package index gives a version: https://packaging.python.org/en/latest/specifications/version-specifiers/
_VERSION: Final = re.compile(r"\d+(\.\d+)+((a|b|rc)\d+)?(\.post\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A distribution of this repository.

    Attributes:
        prefix: The beginning of its tags.
        name: Its name in the names of its files.
        changelog: Its changelog.
        version_file: The file with its version, if the build does not take the version from the tag.
    """

    prefix: str
    name: str
    changelog: str
    version_file: str | None = None


DISTRIBUTIONS: Final = (
    Distribution(prefix="v", name="pgdatahub", changelog="CHANGELOG.md"),
    Distribution(
        prefix="read-csv-v",
        name="pgdatahub_read_csv",
        changelog="examples/plugins/pgdatahub-read-csv/CHANGELOG.md",
        version_file="examples/plugins/pgdatahub-read-csv/pyproject.toml",
    ),
)


def faults(tag: str, root: Path = ROOT, built: Path | None = None) -> Iterator[str]:
    """Yield a line for each reason against releasing a tag."""
    known = [one for one in DISTRIBUTIONS if re.fullmatch(rf"{one.prefix}{_VERSION.pattern}", tag)]
    if not known:
        yield f"{tag}: a tag is one of {', '.join(f'{one.prefix}1.2.3' for one in DISTRIBUTIONS)}, or ends in a1, b1, rc1, .post1"
        return
    distribution = known[0]
    wanted = tag.removeprefix(distribution.prefix)
    if distribution.version_file is not None:
        text = (root / distribution.version_file).read_text(encoding="utf-8")
        declared = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
        if declared is None or declared[1] != wanted:
            yield f"{distribution.version_file}: has {declared[1] if declared else 'no version'}, and the tag is {tag}"
    changelog = (root / distribution.changelog).read_text(encoding="utf-8")
    dated = [section["version"] for section in _DATED.finditer(changelog)]
    if wanted not in dated:
        yield f"{distribution.changelog}: has no section ## [{wanted}] - YYYY-MM-DD"
    elif dated[0] != wanted:
        yield f"{distribution.changelog}: the newest version is {dated[0]}, not {wanted}"
    yield from _placeholders(root)
    if UNPUBLISHED in (root / "README.md").read_text(encoding="utf-8"):
        yield f"README.md: has {UNPUBLISHED!r}; write how to install it from the index"
    if built is not None:
        yield from _other_versions(built, f"{distribution.name}-{wanted}")


def _placeholders(root: Path) -> Iterator[str]:
    """Yield a line for each place that still has the placeholder."""
    for folder in (".github", "docs", "examples"):
        for path in sorted((root / folder).rglob("*.md")):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if PLACEHOLDER in line:
                    yield f"{path.relative_to(root).as_posix()}:{number}: has {PLACEHOLDER}; write the repository's own name"


def _other_versions(built: Path, start: str) -> Iterator[str]:
    """Yield a line for each file that is not a distribution of the version, and one if there is none at all."""
    names = sorted(path.name for path in built.iterdir())
    for name in names:
        if name != f"{start}.tar.gz" and not (name.startswith(f"{start}-") and name.endswith(".whl")):
            yield f"{built}/{name}: is not a distribution of {start}"
    if f"{start}.tar.gz" not in names:
        yield f"{built}: has no {start}.tar.gz"


if __name__ == "__main__":
    if len(sys.argv) in (2, 3):
        found = list(faults(sys.argv[1], built=Path(sys.argv[2]) if len(sys.argv) == 3 else None))
    else:
        found = [str(__doc__).splitlines()[0]]
    print("\n".join(found) or f"{sys.argv[1]} can be released")  # noqa: T201 - a script
    sys.exit(1 if found else 0)
