"""Files at URLs: listed, told apart by version, and read in ranges, through fsspec and its drivers.

No password is ever part of a URL here. Drivers look for credentials where they always do: their own files, their own
variables, or fsspec's (https://filesystem-spec.readthedocs.io/en/latest/features.html#configuration).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import unquote

from pgdatahub.errors import ConfigError, FileChangedError, PgDataHubError, ReadError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES: Final = 4 * 2**20
"""What is fetched at a time: most workbooks take one request."""
BLOCKS: Final = 8
"""How many blocks of a file are kept: a workbook is read from its end, its beginning, and along one or two parts."""
MAX_COPY_BYTES: Final = 2 * 2**30
"""A file that cannot be read in ranges is copied to the disk, but not without bounds."""
_HTTP: Final = frozenset({"http", "https"})
_VERSION_WORDS: Final = (
    "etag",
    "md5",
    "digest",
    "modified",
    "mtime",
    "updated",
    "created",
    "generation",
    "version",
    "crc",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file in a listing.

    Attributes:
        location: Its URL.
        parts: Its path below the listed folder.
        size: Bytes.
        stamp: What the listing says of its version; empty if it says nothing.
        problem: Why it could not be listed, for a folder; else None.
    """

    location: str
    parts: tuple[str, ...]
    size: int
    stamp: tuple[str, ...]
    problem: str | None = None


def is_url(location: str) -> bool:
    """Tell whether a location is a URL and not a path."""
    return "://" in location


def list_files(url: str) -> Iterator[Found]:
    """Yield all files below a folder, and the folders below it that cannot be listed.

    Raises:
        ConfigError: The folder is not there, cannot be listed, or no driver is installed for it.
    """
    file_system, root = _file_system(url)
    http = bool(_HTTP.intersection(_protocols(file_system)))
    if http and not root.endswith("/"):
        root += "/"  # or links of the page are taken for the parent folder's
    try:
        file_system.invalidate_cache()
        file_system.ls(root, detail=False)
        # fsspec's own walk leaves out a folder that cannot be listed in silence, or ends there.
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
            stamp = _telling(entry)
            yield Found(
                location=file_system.unstrip_protocol(name),
                parts=parts,
                size=int(entry.get("size") or 0),
                # The size alone is no version.
                stamp=stamp if len(stamp) > 1 else (),
            )
    except PgDataHubError:
        raise
    except FileNotFoundError:
        raise ConfigError(
            "the data root does not exist", where=url, hint="a bucket or a folder that is spelt so?"
        ) from None
    except Exception as error:  # drivers raise whatever their libraries do
        raise ConfigError(
            f"the data root cannot be listed: {_one_line(error)}",
            where=url,
            hint="are the credentials where the driver looks for them?",
        ) from error


def _walk(file_system: Any, root: str) -> Iterator[tuple[str, dict[str, Any] | Exception]]:
    """Yield the name of each file below a folder with its entry, and of each folder that cannot be listed its error.

    Raises:
        Exception: The folder itself cannot be listed; drivers raise whatever their libraries do.
    """
    seen = {root.rstrip("/")}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = file_system.ls(folder, detail=True)
        except Exception as error:  # drivers raise whatever their libraries do
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
    """Return texts that change when the file is written to or replaced.

    Raises:
        FileChangedError: It is gone.
        ReadError: It cannot be reached.
    """
    with _read_errors():
        file_system, path = _file_system(location)
        file_system.invalidate_cache()
        entry = file_system.info(path)
        return _telling(entry)


def _telling(entry: Mapping[str, Any]) -> tuple[str, ...]:
    keys = (key for key in entry if key == "size" or any(word in key.lower() for word in _VERSION_WORDS))
    return tuple(f"{key}={entry[key]}" for key in sorted(keys))


def open_url(location: str) -> BinaryIO:
    """Open a file for reading at any position; nothing is copied if its server gives ranges.

    Raises:
        FileChangedError: It is gone.
        ReadError: It cannot be read.
    """
    with _read_errors():
        file_system, path = _file_system(location)
        if _HTTP.intersection(_protocols(file_system)):
            file_system.invalidate_cache()
            entry = file_system.info(path)
            # A server that does not know ranges answers with the beginning, whatever was asked for.
            if not entry.get("partial") or entry.get("size") is None:
                return _copied(file_system.open(path, "rb", block_size=0))
        options = {"block_size": BLOCK_BYTES, "cache_type": "blockcache", "cache_options": {"maxblocks": BLOCKS}}
        file = file_system.open(path, "rb", **options)
        if not file.seekable():
            return _copied(file)
        return io.BufferedReader(_Ranges(file), buffer_size=256 * 1024)


class _Ranges(io.RawIOBase):
    """A file of fsspec as Python's own readers like it; its errors are ours."""

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
    """Return a copy that the system deletes by itself."""
    copy = cast("BinaryIO", TemporaryFile(prefix="pgdatahub-"))  # noqa: SIM115 - the caller's
    try:
        with file:
            size = 0
            while piece := file.read(1 << 20):
                size += len(piece)
                if size > MAX_COPY_BYTES:
                    raise ReadError(
                        f"its server does not give ranges, and it has more than {MAX_COPY_BYTES:,} bytes",
                        hint="copy it to a disk of this machine",
                    )
                copy.write(piece)
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy


def _file_system(url: str) -> tuple[Any, str]:
    """Return the driver and the path that it calls the file by.

    Raises:
        ConfigError: None is installed.
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
    """Turn whatever a driver raises into an error of the file's."""
    try:
        yield
    except PgDataHubError:
        raise
    except FileNotFoundError as error:
        raise FileChangedError("the file is gone", hint="it was there when the folder was listed") from error
    except Exception as error:  # drivers raise whatever their libraries do
        raise ReadError(f"the file cannot be read: {_one_line(error)}", hint="the next run tries it again") from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__
