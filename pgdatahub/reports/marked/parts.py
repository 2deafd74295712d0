"""Parts of a package that are replaced, added and dropped in its copy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.package import Package, part_key
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.package_writer import PackageWriter
from pgdatahub.reports.marked.relations import CONTENT_TYPES, ContentTypes


@dataclass(slots=True, kw_only=True)
class ChangedParts:
    """Changes of a package: a part is copied with its compressed bytes unless it is named here.

    Attributes:
        package: The package.
        limits: The limits on its resources.
        types: Its content types.
    """

    package: Package
    limits: Limits
    types: ContentTypes
    _now: dict[str, Callable[[], Iterable[bytes]]] = field(default_factory=dict)
    _later: dict[str, tuple[str, Callable[[], bytes]]] = field(default_factory=dict)
    _dropped: set[str] = field(default_factory=set)
    _fresh: int = 0

    def open(self, part: str) -> PartStream:
        """Open a part, which may be as large as a sheet."""
        return self.package.open(part, limit=self.limits.part_bytes)

    def replace(self, name: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        """Have a part rewritten at its place in the package.

        Raises:
            UnmarkableError: Two sheets have this part in common.
        """
        self._claim(name)
        self._now[part_key(name)] = pieces

    def replace_later(self, name: str, content: Callable[[], bytes]) -> None:
        """Have a part, which may be new, written behind all others, when their content is known.

        Raises:
            UnmarkableError: Two sheets have this part in common.
        """
        self._claim(name)
        self._later[part_key(name)] = (name, content)

    def is_replaced(self, name: str) -> bool:
        """Return whether a part is rewritten."""
        return part_key(name) in self._now or part_key(name) in self._later

    def drop(self, names: Iterable[str]) -> None:
        """Leave parts out."""
        self._dropped.update(map(part_key, names))

    def fresh_name(self, pattern: str) -> str:
        """Return the name of a new part: the pattern with a number."""
        while True:
            self._fresh += 1
            name = pattern.format(self._fresh)
            if name not in self.package:
                return name

    def _claim(self, name: str) -> None:
        if self.is_replaced(name) or part_key(name) in self.package.doubles:
            raise UnmarkableError(f"two parts or two sheets share {name}")

    def write(self, file: BinaryIO, writer: PackageWriter) -> None:
        """Write all parts: copies from ``file``, and the changed ones."""
        for entry in self.package.entries:
            key = part_key(entry.filename)
            if key == part_key(CONTENT_TYPES):
                writer.write(entry.filename, (self.types.render(),))
            elif key in self._now:
                writer.write(entry.filename, self._now[key]())
            elif key not in self._later and key not in self._dropped:
                writer.copy(file, entry)
        for name, content in list(self._later.values()):
            writer.write(name, (content(),))
