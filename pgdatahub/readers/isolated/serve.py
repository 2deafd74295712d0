"""The loop of a reading process: each request names a method of the program's ``Reader``, and its answer is sent back."""

from __future__ import annotations

import importlib
import marshal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgdatahub.system.child_main import Channel


def serve(channel: Channel, program: str) -> None:
    """Answer requests until the parent ends the process.

    Args:
        channel: Messages from and to the parent.
        program: Name of the module with ``Reader`` and ``describe``.
    """
    module = importlib.import_module(program)
    reader = module.Reader()
    while request := channel.receive():
        verb, *arguments = marshal.loads(request)  # noqa: S302 - from the parent
        try:
            answer = ("ok", getattr(reader, verb)(*arguments))
        except BaseException as error:  # noqa: BLE001 - a panic of a library is a BaseException
            answer = ("error", module.describe(error))
        channel.send(marshal.dumps(answer))
