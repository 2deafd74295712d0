"""The condition of queries about a file that a user names by its path, or by the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import LiteralString


def of_file(path: LiteralString) -> LiteralString:
    """Return the condition that a path is the parameter ``file``, or ends with the parameter ``tail``.

    Args:
        path: SQL for the path.
    """
    return f"({path} = %(file)s OR right({path}, length(%(tail)s)) = %(tail)s)"


def file_parameters(name: str | None) -> dict[str, str | None]:
    """Return the parameters for the condition: a path, or its end after a ``/``."""
    return {"file": name, "tail": f"/{name}"}
