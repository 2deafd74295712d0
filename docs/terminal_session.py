"""README's recorded session: commands of the real program on the quickstart's workbooks, as an animated picture.

``python docs/terminal_session.py docs/static/session.svg`` runs :data:`COMMANDS` under a pseudo-terminal, notes when each line
comes, and writes an SVG that plays them once. Pauses are shortened to :data:`LONGEST_PAUSE`. Readers who prefer reduced motion, and
programs that know no animation, see the end of the session.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pictures

COMMANDS: Final = (
    "pgdatahub run data/sales/2025",
    "pgdatahub run data/sales/2025   # nothing is loaded twice",
    "pgdatahub revert 'orders 2025-03.xlsx' --with-schema --yes   # exactly",
    "pgdatahub history --limit 1",
)
TYPING: Final = 1.2
"""Seconds for a command to be typed."""
READING: Final = 1.6
"""Seconds before the next command."""
LONGEST_PAUSE: Final = 0.6
"""Seconds between two lines of a command's output, at most."""
_LINE: Final = re.compile(r'(<text [^>]*clip-path="url\(#terminal-line-(\d+)\)"[^>]*)>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line on the terminal, with ANSI colours.

    Attributes:
        text: The line.
        moment: Seconds from the start.
    """

    text: str
    moment: float


def record() -> Iterator[Line]:
    """Run the commands and yield the lines of the session."""
    now = 0.5
    with pictures.place() as (directory, environment):
        for command in COMMANDS:
            yield Line(text=f"\x1b[1;32m$\x1b[0m \x1b[1m{command}\x1b[0m", moment=now)
            now += TYPING
            last = time.monotonic()
            for line in pictures.lines_of(command, directory, environment):
                arrived = time.monotonic()
                now += min(arrived - last, LONGEST_PAUSE)
                last = arrived
                yield Line(text=line.replace(str(directory), "~/coffee"), moment=now)
            now += READING
            yield Line(text="", moment=now)


def as_svg(lines: list[Line]) -> str:
    """Return a picture in which each line appears at its moment."""
    while lines and not lines[-1].text:
        lines = lines[:-1]
    rows: list[Line] = []
    for line in lines:
        # A line that is wider than the terminal takes several rows.
        rows += [line] * pictures.rows_of(line.text)
    svg = pictures.frame("\n".join(line.text for line in lines))

    def timed(match: re.Match[str]) -> str:
        moment = rows[min(int(match[2]), len(rows) - 1)].moment
        return f'{match[1]} style="animation-delay:{moment:.1f}s">'

    style = (
        "@media (prefers-reduced-motion: no-preference) {"
        ".terminal-matrix text { animation: appear 0.01s both } @keyframes appear { from { opacity: 0 } to { opacity: 1 } } }"
    )
    return _LINE.sub(timed, svg).replace("</style>", f"{style}</style>", 1)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(as_svg(list(record())), encoding="utf-8")
