"""Rich's console and text, with everything escaped that could control a terminal or hide text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from pgdatahub.values.printable import printable


class TerminalConsole(Console):
    """A console that takes no markup from texts, and escapes each piece of text before it is written.

    Args:
        file: Write there; None for standard output, or standard error with ``stderr``.
        width: Columns; None to ask the terminal.
    """

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(stderr=stderr, file=file, width=width, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable; those that Rich itself controls the terminal by stay as they are."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text, lines=True), segment.style)


class Line(Text):
    """A text of one line: what is put into it is escaped, line feeds too."""

    def __init__(self, text: str = "", style: str | Style = "") -> None:
        super().__init__(printable(text), style)

    def append(self, text: Text | str, style: str | Style | None = None) -> Line:
        """Add text with an optional style."""
        super().append(printable(text) if isinstance(text, str) else text, style)
        return self


def stacked(lines: Iterable[Text], *, indent: int = 0) -> Text:
    """Return lines below each other; all but the first are indented by so many spaces."""
    return Text("\n" + " " * indent).join(lines)
