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
def local_path(source: SourceFile) -> Iterator[str]:
    """Give a path to the file; one at a URL is copied to this machine for the time."""
    if not is_url(source.location):
        yield source.location
        return
    with TemporaryDirectory(prefix="pgdatahub-") as folder:
        path = Path(folder, "workbook")
        with source.open() as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        yield os.fspath(path)
