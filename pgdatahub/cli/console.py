"""Rich's console and text, with all characters escaped that could control a terminal or hide text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from pgdatahub.values.printable import printable


class TerminalConsole(Console):
    """Console that ignores markup in texts, and escapes each text before writing it.

    Args:
        stderr: Write to standard error.
        file: Write to this file; None for standard output or standard error.
        width: Number of columns; None for the terminal's width.
    """

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(stderr=stderr, file=file, width=width, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the escaped segments of a renderable; Rich's own control segments stay unchanged."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text, lines=True), segment.style)


class Line(Text):
    """Text of one line; its contents are escaped, line feeds included."""

    def __init__(self, text: str = "", style: str | Style = "") -> None:
        super().__init__(printable(text), style)

    def append(self, text: Text | str, style: str | Style | None = None) -> Line:
        """Append text with an optional style."""
        super().append(printable(text) if isinstance(text, str) else text, style)
        return self


def stacked(lines: Iterable[Text], *, indent: int = 0) -> Text:
    """Return the lines as one text; all lines but the first are indented by ``indent`` spaces."""
    return Text("\n" + " " * indent).join(lines)
