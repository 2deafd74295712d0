"""Pieces of Markdown that the generated parts of the reference are made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: object) -> str:
    """Return a text as code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def as_markdown(text: str) -> str:
    """Return a docstring or help text as Markdown, without the marks that stand for layout in a terminal."""
    return inspect.cleandoc(text.replace("\b", "").split("\f")[0]).replace("``", "`")


def sentence(text: str) -> str:
    """Return a help text as Markdown, ended by a period."""
    text = as_markdown(text)
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."
