"""White space around a text, which counts only under ``xml:space="preserve"``, as in Excel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

XML_SPACE: Final = " \t\r\n"
"""The white space of XML; Excel keeps all other white space, such as U+00A0."""
_NAME: Final = "http://www.w3.org/XML/1998/namespace space"


def preserves_space(attributes: Sequence[str]) -> bool:
    """Return whether an element, given its attributes as names and values in turn, preserves white space."""
    return "preserve" in attributes and any(
        name == _NAME and value == "preserve" for name, value in zip(attributes[::2], attributes[1::2], strict=True)
    )


def trim(texts: Sequence[bytes]) -> list[bytes]:
    """Return texts, with XML's references resolved, without the white space around them."""
    return [text.strip(b" \t\r\n") for text in texts]
