"""The addresses of other sites in all pages, each asked for: ``nox -s links``, or ``python -m tests.links``."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = ("*.md", ".github/**/*.md", "docs/**/*.md", "examples/**/*.md")
# The page exists, but not for programs, or not that often.
_REFUSALS: Final = frozenset({401, 403, 405, 406, 429})


def addresses() -> dict[str, str]:
    """Return the addresses in links, and a page of each."""
    return {
        target: page.relative_to(ROOT).as_posix()
        for pattern in PAGES
        for page in ROOT.glob(pattern)
        for target in re.findall(r"\]\((https://[^)\s]+)\)", page.read_text(encoding="utf-8"))
    }


def unreachable(address: str) -> str | None:
    """Return the reason why nothing is at an address, if any."""
    agent = {"User-Agent": "Mozilla/5.0 (links of pgdatahub)"}
    request = Request(address, headers=agent)  # noqa: S310 - https, or the server of a test
    try:
        with urlopen(request, timeout=30):  # noqa: S310
            return None
    except HTTPError as error:
        return None if error.code in _REFUSALS else f"{error.code} {error.reason}"
    except OSError as error:
        return str(error)


def main() -> int:
    """Print a line for each address without a page, and return the exit code."""
    asked = addresses()
    with ThreadPoolExecutor(8) as pool:
        reasons = dict(zip(asked, pool.map(unreachable, asked), strict=True))
    faults = [f"{asked[address]}: {address}: {reason}" for address, reason in sorted(reasons.items()) if reason]
    print("\n".join([*faults, f"{len(asked)} addresses, {len(faults)} without a page"]))  # noqa: T201 - a script
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
