"""Paths of files for a reading process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pgdatahub.system.storage import is_url

if TYPE_CHECKING:
    from pgdatahub.model.files import SourceFile


@contextmanager
def local_path(source: SourceFile, *, suffix: str = "") -> Iterator[str]:
    """Yield a path to the file; a file at a URL is copied to this machine for the time.

    Args:
        source: The file.
        suffix: Ending that the path must have, because a library chooses the format by it.
    """
    is_local = not is_url(source.location)
    if is_local and source.location.endswith(suffix):
        yield source.location
        return
    with TemporaryDirectory(prefix="pgdatahub-") as folder:
        path = Path(folder, f"workbook{suffix}")
        try:
            if not is_local:
                raise OSError("no file to link to")
            path.symlink_to(source.location)
        except OSError:  # Windows allows few users to create links
            with source.open() as file, path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        yield os.fspath(path)
