"""The origin of a marked copy: the file that was marked, as a document property that survives correction and renaming.

The property is ``pgdatahub origin`` (``pgdatahub origin 2`` … for the origins of a copy of a copy) with the text ``SHA-256 bytes
path``. Excel keeps it in ``docProps/custom.xml``, LibreOffice also in ``meta.xml`` of an ``.ods`` file. Senders can write what
they want there: an origin has an effect only on a file of the same table with this path and these bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from pgdatahub.errors import FileError
from pgdatahub.model.files import MarkedOrigin
from pgdatahub.readers.limits import DEFAULT_LIMITS
from pgdatahub.readers.packages.markup import GuardedParser
from pgdatahub.readers.packages.package import Package

PROPERTY: Final = "pgdatahub origin"
MAX_ORIGINS: Final = 5
"""Origins of a file: a copy that has faults again is marked again."""
CUSTOM_PROPERTIES: Final = "docProps/custom.xml"
_PARTS: Final = (CUSTOM_PROPERTIES, "meta.xml")
_MOST_CHARACTERS: Final = 255
"""Excel's limit for the text of a property."""
_TEXT: Final = re.compile(r"([0-9a-f]{64}) ([0-9]{1,15}) ([^\0]+)")
_NAME: Final = re.compile(rf"{PROPERTY}( [2-9])?")


def origin_text(origin: MarkedOrigin) -> str | None:
    """Return the text of the property for an origin; None if it is longer than a property can be."""
    text = f"{origin.sha256} {origin.bytes} {origin.identity}"
    return text if len(text) <= _MOST_CHARACTERS else None


def is_origin_property(name: str) -> bool:
    """Return whether a property holds an origin."""
    return _NAME.fullmatch(name) is not None


def read_origins(package: Package) -> tuple[MarkedOrigin, ...]:
    """Return the origins that a workbook names, at most :data:`MAX_ORIGINS`; none if the part with them is damaged."""
    try:
        return tuple(islice(_origins_in(package), MAX_ORIGINS))
    except FileError:
        return ()  # no sheet needs the part


def _origins_in(package: Package) -> Iterator[MarkedOrigin]:
    for part in _PARTS:
        if part not in package:
            continue
        for name, text in _properties(package, part):
            found = _TEXT.fullmatch(text) if is_origin_property(name) else None
            if found is not None:
                yield MarkedOrigin(sha256=found[1], bytes=int(found[2]), identity=found[3])


def _properties(package: Package, part: str) -> Iterable[tuple[str, str]]:
    """Return the names and texts of the properties that a part has."""
    found: list[tuple[str, str]] = []
    names: list[str] = []
    texts: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local in ("property", "user-defined"):
            names.append(next((value for key, value in attributes.items() if key.rpartition(" ")[2] == "name"), ""))
            texts.clear()

    def text(data: str) -> None:
        if names and len(texts) < _MOST_CHARACTERS:
            texts.append(data)

    def end(name: str) -> None:
        if name.rpartition(" ")[2] in ("property", "user-defined") and names:
            found.append((names.pop(), "".join(texts)[: 2 * _MOST_CHARACTERS]))

    parser = GuardedParser(part, DEFAULT_LIMITS, start=start, end=end, text=text, mapping=True)
    stream = package.open(part)
    while data := stream.read(64 * 1024):
        parser.feed(data)
    parser.feed(b"", final=True)
    return found
