"""Rich's console and text, with all characters escaped that could control a terminal or hide text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any, Final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from pgdatahub.values.printable import printable

INDENT: Final = 8
"""Columns before the second line of a wrapped line: the length of ``loaded`` and the words like it, with their spaces."""


class TerminalConsole(Console):
    """Console that ignores markup in texts, and escapes each text before writing it.

    Args:
        stderr: Write to standard error.
        file: Write to this file; None for standard output or standard error.
        width: Number of columns; None for the terminal's width.
    """

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(stderr=stderr, file=file, width=width, highlight=False, markup=False, emoji=False)

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        """Print; on a terminal, long lines break between words and go on indented, and other streams get whole lines.

        Args:
            *objects: The renderables.
            soft_wrap: Whether lines may be longer than the width.
            **options: Options of Rich's method.
        """
        if soft_wrap and self.file.isatty():
            texts = [one.__rich__() if hasattr(one, "__rich__") else one for one in objects]
            objects = tuple(wrapped(one, self) if isinstance(one, Text) else one for one in texts)
        super().print(*objects, soft_wrap=soft_wrap, **options)

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


def wrapped(text: Text, console: Console) -> Text:
    """Return a text with its lines broken between words where they pass the console's width."""
    return Text("\n").join(piece for line in text.split("\n", allow_blank=True) for piece in _pieces(line, console))


def _pieces(line: Text, console: Console) -> Iterable[Text]:
    if line.cell_len <= console.width:
        return [line]
    begun = len(line.plain) - len(line.plain.lstrip())
    indent = min(begun + 2 if begun else INDENT, console.width // 4)
    first = line.wrap(console, console.width)[0]
    rest = line[len(first) :]
    rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
    pieces = [first, *rest.wrap(console, console.width - indent)]
    for piece in pieces:
        piece.rstrip()
    for piece in pieces[1:]:
        piece.pad_left(indent)
    return pieces


def stacked(lines: Iterable[Text], *, indent: int = 0) -> Text:
    """Return the lines as one text; all lines but the first are indented by ``indent`` spaces."""
    return Text("\n" + " " * indent).join(lines)
