"""Small parts of a package, edited in place: elements found by a parser, changed as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import GuardedParser
from pgdatahub.readers.packages.part_stream import PartStream
from pgdatahub.reports.marked.errors import UnmarkableError
from pgdatahub.reports.marked.tags import TOKEN, attributes, is_closed, opened, tag_name, with_attributes

_MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_ELEMENTS: Final = 200_000
_ENCODINGS: Final = (None, "utf-8", "us-ascii")


@dataclass(slots=True, kw_only=True)
class Element:
    """An element with its place in the bytes of a part.

    Attributes:
        uri: Its namespace.
        name: Its name without prefix.
        depth: 1 for the root.
        start: The offset of its start tag.
        inner: The offset behind its start tag.
        close: The offset of its end tag; that behind its only tag for an element without content.
        attributes: Attributes, of which those of a namespace are named ``uri local``.
    """

    uri: str
    name: str
    depth: int
    start: int
    inner: int
    close: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


class SmallPart:
    """A part in memory, with edits.

    Args:
        data: Its bytes.
        name: Its name, for errors.
        limits: The limits on its markup.
        depth: Elements deeper than this are not looked at.

    Raises:
        UnmarkableError: The part is too large, or its encoding is not UTF-8.
        CorruptError: It is not well-formed.
    """

    def __init__(self, data: bytes, name: str, limits: Limits, *, depth: int = 2) -> None:
        self.data = data
        self._edits: list[tuple[int, int, bytes]] = []
        self._values: dict[int, dict[bytes, bytes | None]] = {}
        self._appended: dict[int, bytes] = {}
        self.elements: list[Element] = []
        self._parse(name, limits, depth)

    @classmethod
    def read(cls, stream: PartStream, limits: Limits, *, depth: int = 2) -> SmallPart:
        """Read a part to its end, and parse it."""
        return cls(read_all(stream), stream.name, limits, depth=depth)

    def _parse(self, name: str, limits: Limits, depth: int) -> None:
        path: list[Element | None] = []

        def start(full: str, values: dict[str, str]) -> None:
            if len(path) >= limits.depth:
                raise UnmarkableError(f"the part {name} nests its elements too deep")
            if len(path) >= depth:
                path.append(None)
                return
            uri, _, local = full.rpartition(" ")
            tag = TOKEN.match(self.data, parser.offset)
            if tag is None or len(self.elements) >= _MAX_ELEMENTS:
                raise UnmarkableError(f"the part {name} has markup of an unusual form")
            element = Element(
                uri=uri, name=local, depth=len(path) + 1, start=tag.start(), inner=tag.end(), attributes=values
            )
            self.elements.append(element)
            path.append(element)

        def end(_name: str) -> None:
            element = path.pop()
            if element is not None:
                closed = is_closed(self.data[element.start : element.inner])
                element.close = element.inner if closed else parser.offset

        parser = GuardedParser(name, limits, start=start, end=end, mapping=True)
        parser.feed(self.data, final=True)
        if (parser.encoding or "utf-8").lower() not in _ENCODINGS:
            raise UnmarkableError(f"the part {name} is not encoded in UTF-8")

    @property
    def root(self) -> Element:
        """The outermost element."""
        return self.elements[0]

    @property
    def prefix(self) -> str:
        """The prefix of the root, with its colon; empty for none."""
        prefix, colon, _ = tag_name(self.tag(self.root)).decode().rpartition(":")
        return prefix + colon

    def tag(self, element: Element) -> bytes:
        """Return the start tag of an element."""
        return self.data[element.start : element.inner]

    def children(self, parent: Element) -> Iterator[Element]:
        """Yield the children of an element that is not too deep."""
        for element in self.elements[self.elements.index(parent) + 1 :]:
            if element.depth <= parent.depth:
                return
            if element.depth == parent.depth + 1:
                yield element

    def child(self, parent: Element, name: str) -> Element | None:
        """Return the first child of this name in the namespace of its parent."""
        return next((one for one in self.children(parent) if one.name == name and one.uri == parent.uri), None)

    def raw(self, element: Element) -> bytes:
        """Return the bytes of an element from its start tag to its end tag."""
        if element.close == element.inner and is_closed(self.tag(element)):
            return self.tag(element)
        end = self.data.index(b">", element.close) + 1
        return self.data[element.start : end]

    def append(self, parent: Element, content: str | bytes) -> None:
        """Add content at the end of an element."""
        content = content.encode() if isinstance(content, str) else content
        self._appended[parent.start] = self._appended.get(parent.start, b"") + content

    def insert(self, offset: int, content: str | bytes) -> None:
        """Insert content before an offset."""
        self._edits.append((offset, offset, content.encode() if isinstance(content, str) else content))

    def set(self, element: Element, **values: str) -> None:
        """Give attributes without a prefix other values."""
        self._values.setdefault(element.start, {}).update(
            {key.encode(): value.encode() for key, value in values.items()}
        )

    def remove(self, element: Element) -> None:
        """Remove an element."""
        self._edits.append((element.start, element.start + len(self.raw(element)), b""))

    def written(self, element: Element) -> dict[str, str]:
        """Return the attributes of an element as written, with their prefixes."""
        return {key.decode(): value.decode() for key, value in attributes(self.tag(element)).items()}

    def render(self) -> bytes:
        """Return the part with its edits."""
        changed = self._values.keys() | self._appended.keys()
        edits = [*self._edits, *(edit for one in self.elements if one.start in changed for edit in self._changes(one))]
        pieces: list[bytes] = []
        at = 0
        for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
            pieces += [self.data[at:start], content]
            at = end
        return b"".join((*pieces, self.data[at:]))

    def _changes(self, element: Element) -> Iterator[tuple[int, int, bytes]]:
        """Yield the edits that give an element its new attributes and its appended content."""
        tag = with_attributes(self.tag(element), self._values.get(element.start, {}))
        content = self._appended.get(element.start, b"")
        if content and is_closed(tag):
            start, end = opened(tag)
            tag = start + content + end
        elif content:
            yield element.close, element.close, content
        yield element.start, element.inner, tag


def read_all(stream: PartStream, most: int = _MAX_BYTES) -> bytes:
    """Return the bytes of a part.

    Raises:
        UnmarkableError: They are more than ``most``.
    """
    pieces: list[bytes] = []
    size = 0
    while data := stream.read(1024 * 1024):
        size += len(data)
        if size > most:
            raise UnmarkableError(f"the part {stream.name} is larger than {most:,} bytes")
        pieces.append(data)
    return b"".join(pieces)
