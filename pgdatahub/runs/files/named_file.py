"""Imports and failures of a file that a user names: by its path, by the end of its path, or by its place in a moved data root."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pgdatahub.config import Config
from pgdatahub.model.failures import FailureRow
from pgdatahub.model.imports import ImportRow, Status
from pgdatahub.postgres.history.imports import History
from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.postgres.server.connection import Connection


def imports_of_file(connection: Connection, history: History, file: str, config: Config) -> list[ImportRow]:
    """Return the imports of a file, oldest first.

    Args:
        connection: The connection.
        history: The history.
        file: Its path, absolute or relative to the directory of the settings; the end of its path; or its URL.
        config: The settings.
    """
    exact = file if is_url(file) else _absolute(file, config)
    found = [past for past in history.select_imports(connection, file_tail=exact) if past.source_file == exact]
    identity = place_below_root(file, config)
    if identity is not None and not any(past.status == Status.LOADED for past in found):
        # Below a data root that moved it is the same file, whatever its path was when it was loaded.
        known = {past.id for past in found}
        moved = [past for past in history.select_imports(connection, identity=identity) if past.id not in known]
        found = sorted([*found, *moved], key=lambda past: past.id)
    if not is_url(file) and not any(past.status == Status.LOADED for past in found):
        # Or its path leads there by other links than the data root's.
        names = {PurePath(exact).name, PurePath(os.path.realpath(exact)).name}
        same_name = (past for name in sorted(names) for past in history.select_imports(connection, file_tail=name))
        linked = {past.id: past for past in same_name if is_place_of(file, past.identity, config)}
        linked |= {past.id: past for past in found}
        found = [linked[number] for number in sorted(linked)]
    return found or history.select_imports(connection, file_tail=file.removeprefix("./"))


def failures_of_file(failures: Sequence[FailureRow], file: str, config: Config) -> list[FailureRow]:
    """Return the failures of a file, named as for :func:`imports_of_file`."""
    exact, tail = file if is_url(file) else _absolute(file, config), "/" + file.removeprefix("./")
    for is_meant in (
        lambda one: one.source_file == exact,
        lambda one: is_place_of(file, one.identity, config),
        lambda one: one.source_file.endswith(tail),
    ):
        found = [one for one in failures if is_meant(one)]
        if found:
            return found
    return []


def _absolute(file: str, config: Config) -> str:
    # Without links resolved, as discover() names files.
    return os.path.abspath(config.directory / Path(file).expanduser())  # noqa: PTH100


def place_below_root(file: str, config: Config) -> str | None:
    """Return the path of a file below the data root; None if it is elsewhere."""
    if is_url(config.data_root):
        root = config.data_root.rstrip("/") + "/"
        return file.removeprefix(root) if file.startswith(root) else None
    if is_url(file):
        return None
    path = Path(_absolute(file, config))
    root_path = Path(os.path.abspath(config.root_path))  # noqa: PTH100
    return path.relative_to(root_path).as_posix() if path.is_relative_to(root_path) else None


def is_place_of(file: str, identity: str, config: Config) -> bool:
    """Return whether a path leads to the place of a file below the data root, also by links."""
    if is_url(file) or is_url(config.data_root):
        return place_below_root(file, config) == identity
    given = os.path.realpath(_absolute(file, config))
    return os.path.realpath(Path(os.path.abspath(config.root_path), identity)) == given  # noqa: PTH100
