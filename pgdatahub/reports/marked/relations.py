"""Relationships and content types of a package, edited and written."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.package import Package, part_key
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.small_part import SmallPart
from pgdatahub.reports.marked.tags import as_value

PACKAGE_NAMESPACE: Final = "http://schemas.openxmlformats.org/package/2006"
"""The same in strict and transitional files."""
CONTENT_TYPES: Final = "[Content_Types].xml"
_EMPTY: Final = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="{PACKAGE_NAMESPACE}/relationships"/>'
).encode()


def relations_name(name: str) -> str:
    """Return the name of the part that has the relationships of a part (``""``: of the package)."""
    folder, base = posixpath.split(name)
    return posixpath.join(folder, "_rels", base + ".rels")


class Relations:
    """The relationships of one part, to which others are added."""

    def __init__(self, package: Package, part: str, limits: Limits) -> None:
        self.name = relations_name(part)
        exists = self.name in package
        self._part = (
            SmallPart.read(package.open(self.name), limits) if exists else SmallPart(_EMPTY, self.name, limits)
        )  # fmt: skip
        self._used = {one.attributes.get("Id", "") for one in self._part.children(self._part.root)}
        self.changed = False

    def type_base(self, kind: str) -> str:
        """Return the beginning of the types of relationships, from one that ends with ``kind``: strict files have another."""
        for one in self._part.children(self._part.root):
            base, _, last = one.attributes.get("Type", "").rpartition("/")
            if last == kind:
                return base
        return "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

    def fresh_id(self) -> str:
        """Return an identifier that no relationship has."""
        number = len(self._used) + 1
        while f"rId{number}" in self._used:
            number += 1
        self._used.add(f"rId{number}")
        return f"rId{number}"

    def add(self, type_: str, target: str, identifier: str | None = None) -> str:
        """Add a relationship to a part by its name; return the identifier."""
        identifier = identifier or self.fresh_id()
        self._part.append(
            self._part.root,
            f'<{self._part.prefix}Relationship Id="{identifier}" Type="{type_}" Target="/{as_value(target)}"/>',
        )
        self.changed = True
        return identifier

    def remove(self, identifiers: Iterable[str]) -> None:
        """Remove relationships."""
        gone = frozenset(identifiers)
        for one in self._part.children(self._part.root):
            if one.attributes.get("Id", "") in gone:
                self._part.remove(one)
                self.changed = True

    def render(self) -> bytes:
        """Return the part."""
        return self._part.render()


class ContentTypes:
    """The content types of a package, to which others are added."""

    def __init__(self, package: Package, limits: Limits) -> None:
        if CONTENT_TYPES not in package:
            raise UnmarkableError("the package lists no content types")
        self._part = SmallPart.read(package.open(CONTENT_TYPES), limits)
        self._defaults = {
            one.attributes.get("Extension", "").lower()
            for one in self._part.children(self._part.root)
            if one.name == "Default"
        }

    def add(self, name: str, content_type: str) -> None:
        """Add a part."""
        self._part.append(
            self._part.root,
            f'<{self._part.prefix}Override PartName="/{as_value(name)}" ContentType="{content_type}"/>',
        )

    def require_default(self, extension: str, content_type: str) -> None:
        """Add the content type of all parts with an extension, if there is none."""
        if extension not in self._defaults:
            self._defaults.add(extension)
            self._part.append(
                self._part.root,
                f'<{self._part.prefix}Default Extension="{extension}" ContentType="{content_type}"/>',
            )

    def remove(self, names: Iterable[str]) -> None:
        """Remove parts."""
        keys = frozenset(map(part_key, names))
        for one in self._part.children(self._part.root):
            if one.name == "Override" and part_key(one.attributes.get("PartName", "")) in keys:
                self._part.remove(one)

    def render(self) -> bytes:
        """Return the part."""
        return self._part.render()
