"""Nodes of a YAML text, with the lines where they stand."""

from __future__ import annotations

from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, NodeEvent
from ruamel.yaml.nodes import Node, ScalarNode

from pgdatahub.errors import ConfigError

_DEEPEST: Final = 64  # the composer recurses, so the depth needs a limit
_QUOTE: Final = 'quote a name that begins with *, as in "*"'


def compose(text: str, shown: str) -> Node | None:
    """Return the root of a YAML text; None if the text is empty.

    Args:
        text: The text.
        shown: The file's name in messages.

    Raises:
        ConfigError: The text is not YAML, or has anchors or too many levels.
    """
    try:
        depth = 0
        for event in YAML(typ="rt", pure=True).parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            where = f"{shown}:{event.start_mark.line + 1}"
            if isinstance(event, NodeEvent) and event.anchor is not None:
                line = text.splitlines()[event.start_mark.line].strip()
                hint = _QUOTE if line.startswith("*") else "folders inherit the options above them"
                raise ConfigError("anchors and aliases are not supported", where=where, hint=hint)
            if depth > _DEEPEST:
                raise ConfigError(f"more than {_DEEPEST} levels", where=where)
        node: Node | None = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}" if mark else shown
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        advice = "indent with spaces, not tabs" if "\t" in line else None
        if line.strip().startswith("*"):
            advice = _QUOTE
        problem = error.problem or error.context or "unknown syntax"
        raise ConfigError(f"invalid YAML: {problem}", where=where, hint=advice) from error
    except YAMLError as error:
        raise ConfigError("the file is not valid YAML", where=shown) from error
    return node


def is_nothing(node: Node) -> bool:
    """Return whether a node is empty, ``null`` or ``~``."""
    return isinstance(node, ScalarNode) and node.style is None and node.value in ("", "~", "null", "Null", "NULL")
