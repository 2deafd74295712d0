"""Nodes of a YAML text, with the lines where they stand."""

from __future__ import annotations

from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionStartEvent
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
    # Not "rt", which marks folds of texts with \x07, to write the same folds, and takes twice the time.
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _LimitedComposer
    try:
        node: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown}:{mark.line + 1}" if mark else shown
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        if isinstance(error, _LimitError):
            raise ConfigError(error.problem, where=where, hint=_QUOTE if _is_star(line) else error.note) from None
        advice = "indent with spaces, not tabs" if "\t" in line else None
        problem = error.problem or error.context or "unknown syntax"
        hint = _QUOTE if _is_star(line) else advice
        raise ConfigError(f"invalid YAML: {problem}", where=where, hint=hint) from error
    except (YAMLError, AssertionError) as error:  # an assertion fails for "%YAML 1.3"
        raise ConfigError("the file is not valid YAML", where=shown) from error
    return node


def _is_star(line: str) -> bool:
    return line.strip().startswith("*")


class _LimitError(MarkedYAMLError):
    """YAML that settings must not have; ``note`` is a hint."""


class _LimitedComposer(Composer):
    """Composer that refuses anchors, aliases and too many levels, in the same pass."""

    def __init__(self, loader: YAML | None = None) -> None:
        super().__init__(loader)
        self._levels = 0

    def compose_node(self, parent: Node | None, index: Node | int | None) -> Node:
        """Return the next node with all nodes below it."""
        event = self.parser.peek_event()
        if event.anchor is not None:
            raise _LimitError(
                problem="anchors and aliases are not supported",
                problem_mark=event.start_mark,
                note="folders inherit the options above them",
            )
        is_collection = isinstance(event, CollectionStartEvent)
        self._levels += is_collection
        if self._levels > _DEEPEST:
            raise _LimitError(problem=f"more than {_DEEPEST} levels", problem_mark=event.start_mark)
        node: Node = super().compose_node(parent, index)
        self._levels -= is_collection
        return node


def is_nothing(node: Node) -> bool:
    """Return whether a node is empty, ``null`` or ``~``."""
    return isinstance(node, ScalarNode) and node.style is None and node.value in ("", "~", "null", "Null", "NULL")
