"""Files at URLs: listing, versions and reading in ranges, through fsspec and its drivers.

URLs never contain passwords. Drivers find credentials in their usual places: their own files, their own variables, or
fsspec's (https://filesystem-spec.readthedocs.io/en/latest/features.html#configuration).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import unquote

from pgdatahub.errors import ConfigError, FileChangedError, PgDataHubError, ReadError
from pgdatahub.system.url_versions import version_in

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES: Final = 4 * 2**20
"""Bytes of one request: most workbooks take one."""
BLOCKS: Final = 8
"""Cached blocks of a file: a reader reads the end and the start of a workbook, and one or two parts from start to end."""
MAX_COPY_BYTES: Final = 2 * 2**30
"""The largest file to copy to disk if its server does not support ranges."""
_HTTP: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file in a listing.

    Attributes:
        location: Its URL.
        parts: Its path below the listed folder.
        size: Bytes.
        stamp: Its version according to the listing; empty if the listing has no version.
        problem: For a folder that cannot be listed, the reason; else None.
    """

    location: str
    parts: tuple[str, ...]
    size: int
    stamp: tuple[str, ...]
    problem: str | None = None


def is_url(location: str) -> bool:
    """Return whether a location is a URL, not a path."""
    return "://" in location


def list_files(url: str) -> Iterator[Found]:
    """Yield all files below a folder, and the folders below it that cannot be listed.

    Raises:
        ConfigError: The folder is not found, cannot be listed, or needs a driver that is not installed.
    """
    file_system, root = _file_system(url)
    http = bool(_HTTP.intersection(_protocols(file_system)))
    if http and not root.endswith("/"):
        root += "/"  # otherwise fsspec resolves the page's links against the parent folder
    try:
        file_system.invalidate_cache()
        file_system.ls(root, detail=False)
        # fsspec's own walk silently skips a folder that cannot be listed, or stops there.
        walked = _walk(file_system, root) if _walks(file_system) else None
        entries = walked or iter(file_system.find(root, detail=True).items())
        for name, entry in entries:
            below = name.removeprefix(root)
            parts = tuple(part for part in (unquote(below) if http else below).split("/") if part)
            if isinstance(entry, Exception):
                location, problem = file_system.unstrip_protocol(name), _one_line(entry)
                yield Found(location=location, parts=parts, size=0, stamp=(), problem=problem)
                continue
            if entry.get("type") != "file" or not parts or name.endswith("/"):
                continue
            if entry.get("size") is None:
                entry = file_system.info(name)
            stamp = version_in(entry)
            yield Found(
                location=file_system.unstrip_protocol(name),
                parts=parts,
                size=int(entry.get("size") or 0),
                # A size alone does not identify a version.
                stamp=stamp if len(stamp) > 1 else (),
            )
    except PgDataHubError:
        raise
    except FileNotFoundError:
        raise ConfigError(
            "the data root does not exist", where=url, hint="check the name of the bucket or folder"
        ) from None
    except Exception as error:  # drivers raise exceptions of any class
        raise ConfigError(
            f"the data root cannot be listed: {_one_line(error)}",
            where=url,
            hint="check the credentials, in the places where the driver looks for them",
        ) from error


def _walk(file_system: Any, root: str) -> Iterator[tuple[str, dict[str, Any] | Exception]]:
    """Yield each file below a folder with its entry, and each folder that cannot be listed with its error.

    Raises:
        Exception: The folder itself cannot be listed; drivers raise exceptions of any class.
    """
    seen = {root.rstrip("/")}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = file_system.ls(folder, detail=True)
        except Exception as error:  # drivers raise exceptions of any class
            if folder == root:
                raise
            yield folder, error
            continue
        for entry in entries:
            name = str(entry["name"])
            if entry.get("type") != "directory":
                yield name, entry
            elif name.rstrip("/") not in seen:
                seen.add(name.rstrip("/"))
                waiting.append(name)


def version_of(location: str) -> tuple[str, ...]:
    """Return texts that change when a file is written or replaced.

    Raises:
        FileChangedError: The file was deleted.
        ReadError: The file cannot be reached.
    """
    with _read_errors():
        file_system, path = _file_system(location)
        file_system.invalidate_cache()
        entry = file_system.info(path)
        return version_in(entry)


def open_url(location: str) -> BinaryIO:
    """Open a file for reading at any position; copy it first only if its server does not support ranges.

    Raises:
        FileChangedError: The file was deleted.
        ReadError: The file cannot be read.
    """
    with _read_errors():
        file_system, path = _file_system(location)
        if _HTTP.intersection(_protocols(file_system)):
            file_system.invalidate_cache()
            entry = file_system.info(path)
            # A server without support for ranges always returns the start of the file.
            if not entry.get("partial") or entry.get("size") is None:
                return _copied(file_system.open(path, "rb", block_size=0))
        options = {"block_size": BLOCK_BYTES, "cache_type": "blockcache", "cache_options": {"maxblocks": BLOCKS}}
        file = file_system.open(path, "rb", **options)
        if not file.seekable():
            return _copied(file)
        return io.BufferedReader(_Ranges(file), buffer_size=256 * 1024)


class _Ranges(io.RawIOBase):
    """Raw stream over a file of fsspec, whose errors become :class:`ReadError`."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        with _read_errors():
            data = self._file.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _read_errors():
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _copied(file: Any) -> BinaryIO:
    """Copy a file to a temporary file that the system deletes when it is closed."""
    copy = cast("BinaryIO", TemporaryFile(prefix="pgdatahub-"))  # noqa: SIM115 - the caller closes it
    try:
        with file:
            size = 0
            while piece := file.read(1 << 20):
                size += len(piece)
                if size > MAX_COPY_BYTES:
                    raise ReadError(
                        f"its server does not support ranges, and the file has more than {MAX_COPY_BYTES:,} bytes",
                        hint="copy the file to this machine",
                    )
                copy.write(piece)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy


def _file_system(url: str) -> tuple[Any, str]:
    """Return the driver for a URL and the driver's path of the file.

    Raises:
        ConfigError: No driver is installed.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ConfigError(
            "files at URLs need a library that is not installed", where=url, hint="pip install 'pgdatahub[remote]'"
        ) from error
    try:
        file_system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"no driver for this URL: {_one_line(error)}", where=url) from error
    return file_system, str(path)


def _walks(file_system: Any) -> bool:
    from fsspec import AbstractFileSystem
    from fsspec.asyn import AsyncFileSystem

    kind = type(file_system)
    if issubclass(kind, AsyncFileSystem):
        return kind._find is AsyncFileSystem._find
    return kind.find is AbstractFileSystem.find


def _protocols(file_system: Any) -> frozenset[str]:
    protocol = file_system.protocol
    return frozenset({protocol} if isinstance(protocol, str) else protocol)


@contextmanager
def _read_errors() -> Iterator[None]:
    """Turn each exception of a driver into a :class:`ReadError`."""
    try:
        yield
    except PgDataHubError:
        raise
    except FileNotFoundError as error:
        raise FileChangedError("the file is gone", hint="it was there when the folder was listed") from error
    except Exception as error:  # drivers raise exceptions of any class
        raise ReadError(f"the file cannot be read: {_one_line(error)}", hint="the next run tries it again") from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__
