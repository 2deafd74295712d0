"""XML parsed with expat under limits: no DTD, no entities of a document, bounded depth and tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol
from xml.parsers import expat

from pgdatahub.errors import CorruptError
from pgdatahub.readers.limits import Limits

_PIECE = 64 * 1024
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_UNDERSTOOD = (
    "http://schemas.microsoft.com/office/",
    "http://schemas.openxmlformats.org/",
    "http://purl.oclc.org/ooxml/",
)
"""Namespaces that Excel understands begin with one of these."""
TRUE: Final = frozenset({"1", "true", "on"})
"""The texts of a boolean attribute that is true (ECMA-376 part 1, 22.9.2.7)."""
_MOST_PREFIXES = 1000
_BAD_CHARACTERS = frozenset(
    expat.errors.codes[name]
    for name in (
        expat.errors.XML_ERROR_INVALID_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_BAD_CHAR_REF,
    )
)
BAD_CHARACTER: Final = (
    "a control character, a bare & or <, or text that is not UTF-8, stands there; remove it where the file comes from, "
    "and export it again"
)


class Stream(Protocol):
    """A part that is open for reading."""

    @property
    def name(self) -> str:
        """The part's name."""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, ``b""`` at the end."""


class GuardedParser:
    """An expat parser that takes a part's bytes piece by piece.

    Args:
        part: The part's name, for errors.
        limits: Depth and size of tokens.
        start: Called with an element's name (``uri local``, or ``local`` alone) and its attributes.
        end: Called with an element's name.
        text: Called with character data, in pieces of any size.
        namespaces: Called with the prefix and the namespace of a declaration before ``start``, and with its prefix
            after ``end``; None for no prefix.
        mapping: Attributes come as a dict instead of a list of names and values.
    """

    def __init__(
        self,
        part: str,
        limits: Limits,
        *,
        start: Callable[[str, Any], None],
        end: Callable[[str], None],
        text: Callable[[str], None] | None = None,
        namespaces: tuple[Callable[[str | None, str | None], None], Callable[[str | None], None] | None] | None = None,
        mapping: bool = False,
    ) -> None:
        self._part = part
        self._limits = limits
        self._on_prefix: Callable[[str | None, str | None], None] | None = None
        self._on_prefix_end: Callable[[str | None], None] | None = None
        if namespaces is not None:
            self._on_prefix, self._on_prefix_end = namespaces
        self._fed = 0
        self.encoding: str | None = None
        self._prefixes: dict[str, int] = {}
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.ordered_attributes = not mapping
        # Since expat 2.6 a token cut in two may wait for more data; fed in rows, it must not.
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.XmlDeclHandler = self._declaration
        parser.StartNamespaceDeclHandler = self._declare
        parser.EndNamespaceDeclHandler = self._undeclare

    @property
    def offset(self) -> int:
        """The offset of the tag that the parser reads, in the bytes of the part."""
        return self._parser.CurrentByteIndex

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The namespace prefixes that are declared where the parser stands."""
        return tuple(prefix for prefix, count in self._prefixes.items() if count)

    @property
    def shadows_prefix(self) -> bool:
        """Return whether a prefix is declared twice where the parser stands."""
        return any(count > 1 for count in self._prefixes.values())

    def feed(self, data: bytes, final: bool = False) -> None:
        """Parse the next bytes.

        Raises:
            CorruptError: They are not well-formed, or one token is too long.
        """
        size = self._limits.token_bytes
        for start in range(size, len(data), size):  # rarely any
            self._feed(data[start - size : start])
        self._feed(data[(len(data) - 1) // size * size :] if len(data) > size else data, final=final)

    def _feed(self, data: bytes, *, final: bool = False) -> None:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            message = expat.errors.messages.get(error.code, str(error.code))
            raise CorruptError(
                f"the part {self._part} is not well-formed XML: {message}",
                where=self._where(),
                hint=BAD_CHARACTER if error.code in _BAD_CHARACTERS else None,
            ) from error
        except (LookupError, ValueError) as error:  # an unknown encoding, or one of several bytes a character
            raise CorruptError(f"the part {self._part} has an unknown encoding: {error}") from error
        self._fed += len(data)
        if self._fed - self._parser.CurrentByteIndex > self._limits.token_bytes + len(data):
            raise CorruptError(
                f"the part {self._part} has a tag or comment of more than {self._limits.token_bytes:,} bytes"
            )

    def _where(self) -> str | None:
        """Return the place of what the parser reads, None if only the part is known."""
        return None

    def _doctype(self, *_: object) -> None:
        raise CorruptError(f"the part {self._part} has a DTD, which no workbook needs")

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        self._prefixes[prefix or ""] = self._prefixes.get(prefix or "", 0) + 1
        if self._on_prefix is not None:
            self._on_prefix(prefix, uri)

    def _undeclare(self, prefix: str | None) -> None:
        self._prefixes[prefix or ""] -= 1
        if self._on_prefix_end is not None:
            self._on_prefix_end(prefix)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = encoding


def start_elements(stream: Stream, limits: Limits) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the elements of a small part as they begin.

    Of alternatives (``mc:AlternateContent``, ECMA-376 part 3) only the elements of the chosen one are there, as if they
    stood in its place.

    Yields:
        The name of the element around it, its own name (both without namespace), and its attributes, of which those
        of a namespace are named ``uri local``.
    """
    path: list[str] = [""]
    found: list[tuple[str, str, dict[str, str]]] = []
    alternatives = Alternatives()

    def start(name: str, attributes: list[str]) -> None:
        uri, _, local = name.rpartition(" ")
        depth = len(path)
        if alternatives.start(uri, local, attributes, depth):
            path.append(path[-1])  # what is within belongs to the element around the alternatives
        else:
            if not alternatives.skipping:
                found.append((path[-1], local, dict(zip(attributes[::2], attributes[1::2], strict=True))))
            path.append(local)
        if depth >= limits.depth:
            raise CorruptError(f"the part {stream.name} nests elements more than {limits.depth} deep")

    def end(_name: str) -> None:
        path.pop()
        alternatives.end(len(path))

    parser = GuardedParser(stream.name, limits, start=start, end=end, namespaces=(alternatives.declare, None))
    while data := stream.read(_PIECE):
        parser.feed(data)
        yield from found
        found.clear()
    parser.feed(b"", final=True)
    yield from found


class Alternatives:
    """The alternatives of a part, and the one to read: the first that Excel understands, else the fallback."""

    def __init__(self) -> None:
        self.skipping = 0
        """The depth of an alternative that is left out, 0 outside of one."""
        self._namespaces: dict[str, str] = {}
        self._chosen: dict[int, bool] = {}

    def declare(self, prefix: str | None, uri: str | None) -> None:
        """Note a prefix, which ``Requires`` refers to."""
        if prefix and len(self._namespaces) < _MOST_PREFIXES:
            self._namespaces[prefix] = uri or ""

    def start(self, uri: str, local: str, attributes: list[str], depth: int) -> bool:
        """Take note of an element at a depth; return whether it is one of the markup of alternatives."""
        if self.skipping or uri != _COMPATIBILITY:
            return False
        if local == "AlternateContent":
            self._chosen[depth] = False
            return True
        if local not in ("Choice", "Fallback") or depth - 1 not in self._chosen:
            return False
        if self._chosen[depth - 1] or (local == "Choice" and not self._is_understood(attributes)):
            self.skipping = depth
        else:
            self._chosen[depth - 1] = True
        return True

    def end(self, depth: int) -> None:
        """Take note of the end of the element at a depth."""
        self._chosen.pop(depth, None)
        if self.skipping == depth:
            self.skipping = 0

    def _is_understood(self, attributes: list[str]) -> bool:
        required = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("Requires", "").split()
        return bool(required) and all(self._namespaces.get(prefix, "").startswith(_UNDERSTOOD) for prefix in required)
