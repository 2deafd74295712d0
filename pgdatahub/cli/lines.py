"""Lines with styles, written by Rich on a terminal and as plain text elsewhere.

Rich takes 40 ms to import, a tenth of a small run, and in pipes and from cron it only removes the styles again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from pgdatahub.values.printable import printable

if TYPE_CHECKING:
    import rich.text

    from pgdatahub.cli.console import TerminalConsole

_FORCED = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""Environment variables that request styles without a terminal."""


class Line:
    """Text of one line, in pieces with styles; the pieces are escaped, line feeds included.

    Args:
        text: The first piece.
        style: Its style, as Rich names it.
    """

    def __init__(self, text: str = "", style: str = "") -> None:
        self._pieces = [(printable(text), style)] if text else []
        self._style = style

    def append(self, text: str, style: str | None = None) -> Line:
        """Append a piece; without a style it gets the style of the line."""
        self._pieces.append((printable(text), self._style if style is None else style))
        return self

    def extend(self, line: Line) -> Line:
        """Append the pieces of another line."""
        self._pieces += line._pieces
        return self

    @property
    def plain(self) -> str:
        """The text without styles."""
        return "".join(text for text, _ in self._pieces)

    def __rich__(self) -> rich.text.Text:
        """Return the text for Rich."""
        from rich.text import Text

        return Text.assemble(*self._pieces)


class Lines:
    """Several lines; all lines but the first are indented by ``indent`` spaces."""

    def __init__(self, lines: Iterable[Line], *, indent: int = 0) -> None:
        self.lines = tuple(lines)
        self._separator = "\n" + " " * indent

    @property
    def plain(self) -> str:
        """The text without styles."""
        return self._separator.join(line.plain for line in self.lines)

    def __rich__(self) -> rich.text.Text:
        """Return the text for Rich."""
        from rich.text import Text

        return Text(self._separator).join(line.__rich__() for line in self.lines)


class PlainConsole:
    """Console that writes text without styles; has the part of Rich's interface that a run needs."""

    is_terminal = False
    width = 100

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def print(self, text: Line | Lines | str = "", **_options: Any) -> None:
        """Write one or more lines; characters that the stream cannot encode are escaped."""
        line = (printable(text, lines=True) if isinstance(text, str) else text.plain) + "\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
        self._stream.flush()


Console: TypeAlias = "TerminalConsole | PlainConsole"


def open_console(*, stderr: bool = False) -> Console:
    """Return the console for standard output or standard error."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty() and not any(os.environ.get(name) for name in _FORCED):
        return PlainConsole(stream)
    from pgdatahub.cli.console import TerminalConsole

    return TerminalConsole(stderr=stderr)


def plain_table(first: str, rows: Mapping[str, Mapping[str, str]], titles: Sequence[str]) -> str:
    """Return a table as text: a column of names, then right-aligned columns; a title may have two lines.

    Args:
        first: Title of the names.
        rows: Name → title → cell.
        titles: Titles of the columns.
    """
    names = {name: printable(name) for name in rows}
    cells = {name: {title: row[title] or "–" for title in titles} for name, row in rows.items()}
    widths = {title: max(map(len, [*title.split("\n"), *(row[title] for row in cells.values())])) for title in titles}
    name_width = max(map(len, [first, *names.values()]))
    height = max(title.count("\n") for title in titles) + 1
    heads = {title: [*title.split("\n"), *[""] * height][:height] for title in titles}
    head = ([first, *[""] * height][:height], heads)
    lines = [
        "  ".join([head[0][index].ljust(name_width), *(heads[title][index].rjust(widths[title]) for title in titles)])
        for index in range(height)
    ]
    lines.append("─" * (name_width + sum(width + 2 for width in widths.values())))
    for name, row in cells.items():
        lines.append("  ".join([names[name].ljust(name_width), *(row[title].rjust(widths[title]) for title in titles)]))
    return "\n".join(line.rstrip() for line in lines)
