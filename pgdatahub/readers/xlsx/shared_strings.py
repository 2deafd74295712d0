"""Shared strings of a workbook, as fields of ``COPY``, in memory up to a limit and then on disk."""

from __future__ import annotations

import mmap
import re
import tempfile
from array import array
from collections.abc import Callable, Sequence
from typing import Protocol

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.markup import GuardedParser, Stream
from pgdatahub.readers.xlsx.cell_text import copy_texts, has_asides, is_sound, resolve_texts
from pgdatahub.readers.xlsx.outer_space import XML_SPACE, preserves_space, trim

_PIECE = 1024 * 1024
_LONG = 1024
_LONG_BYTES = 32 * 1024 * 1024
# UTF-8 without a DTD or a namespace prefix; the parser reads any other beginning.
BEGINNING = re.compile(
    rb'(?:\xef\xbb\xbf)?(?:<\?xml version="1.0"(?: encoding="(?:UTF-8|utf-8)")?[^<>]*\?>)?\s*<sst(?: [^<>]*)?>'
)
_START, _END = b"<si><t>", b"</t></si>"
_CONTROLS = bytes({*range(32)} - {9, 10, 13})  # controls that XML does not allow
# A plain string; any other string; the rest of the piece.
_STRINGS = re.compile(
    rb'\s*(?:<si><t(?:( xml:space="preserve")|)>([^<\x00-\x08\x0b\x0c\x0e-\x1f]*)</t></si>'
    rb"|(<si>[\s\S]*?</si>)|([\s\S]+))"
)


class IndexSet(Protocol):
    """Indexes of strings."""

    def __len__(self) -> int:
        """Return the number of indexes."""

    def __contains__(self, index: object, /) -> bool:
        """Return whether the set has an index."""


class StringTable(Protocol):
    """Shared strings by index, as fields of ``COPY``."""

    def __len__(self) -> int:
        """Return the number of strings."""

    @property
    def lookup(self) -> Callable[[int], bytes]:
        """The function that returns the string of an index and raises IndexError beyond the last index."""

    @property
    def cleaned(self) -> IndexSet:
        """Indexes of strings from which characters were removed that PostgreSQL cannot store."""

    def close(self) -> None:
        """Free the memory and the temporary file."""


class LongStrings:
    """Strings from a function that copies them; cells of one long string get the same object.

    Args:
        get: The function: index → string.
    """

    def __init__(self, get: Callable[[int], bytes]) -> None:
        self._get = get
        self._known: dict[int, bytes] = {}
        self._bytes = 0

    def __call__(self, index: int) -> bytes:
        """Return the string of an index."""
        found = self._known.get(index)
        if found is None:
            found = self._get(index)
            if len(found) > _LONG:
                if self._bytes > _LONG_BYTES:
                    self.clear()
                self._known[index] = found
                self._bytes += len(found)
        return found

    def clear(self) -> None:
        """Forget the strings."""
        self._known.clear()
        self._bytes = 0


class SharedStrings:
    """Shared strings by index.

    Args:
        limits: The limits of the workbook; ``strings_in_memory`` is the number of bytes that stay in memory.
    """

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.strings_in_memory
        self._texts: list[bytes] = []
        self._bytes = 0
        self._spill: _Spill | None = None
        self._long = LongStrings(self._get)
        self.cleaned: set[int] = set()
        """Indexes of strings from which characters were removed that PostgreSQL cannot store."""

    def __len__(self) -> int:
        return len(self._texts) + (len(self._spill) if self._spill else 0)

    @property
    def lookup(self) -> Callable[[int], bytes]:
        """The function that returns the string of an index and raises IndexError beyond the last index."""
        return self._texts.__getitem__ if self._spill is None else self._long

    def extend(self, texts: Sequence[bytes]) -> None:
        """Add strings in UTF-8 with XML's references resolved."""
        first = len(self)
        self.add(copy_texts(texts, lambda index: self.cleaned.add(first + index)))

    def add(self, texts: Sequence[bytes]) -> None:
        """Add strings that are already fields of ``COPY``."""
        if self._spill is None and self._bytes <= self._limit:
            self._texts.extend(texts)
            self._bytes += sum(map(len, texts))
            return
        if self._spill is None:
            self._spill = _Spill()
        self._spill.extend(texts)

    def close(self) -> None:
        """Free the memory and the temporary file."""
        self._texts = []
        self._long.clear()
        if self._spill is not None:
            self._spill.close()
            self._spill = None

    def _get(self, index: int) -> bytes:
        known = len(self._texts)
        if index < known or self._spill is None:
            return self._texts[index]
        return self._spill.get(index - known)


class _Spill:
    """Strings on disk, in a file without a name, which the system deletes when the process ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="pgdatahub-")  # noqa: SIM115 - lives as long as the workbook
        self._offsets = array("Q", (0,))
        self._map: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def extend(self, texts: Sequence[bytes]) -> None:
        end = self._offsets[-1]
        for text in texts:
            end += len(text)
            self._offsets.append(end)
        self._file.write(b"".join(texts))

    def get(self, index: int) -> bytes:
        if self._map is None:
            self._file.flush()
            # If all strings are empty, the file is empty, and an empty file cannot be mapped.
            if not self._offsets[-1]:
                self._file.write(b"\0")
                self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map[self._offsets[index] : self._offsets[index + 1]]

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None
        self._file.close()


def read_shared_strings(stream: Stream, limits: Limits) -> SharedStrings:
    """Read the shared strings part.

    Rich text becomes the text of its runs; phonetic guides are left out.

    Raises:
        CorruptError: The part is damaged, or a string is too long.
    """
    strings = SharedStrings(limits)
    parser = StringParser(stream.name, limits)
    head = stream.read(_PIECE)
    match = BEGINNING.match(head)
    if match is None:
        _read_safely(stream, head, parser, strings)
        return strings
    parser.feed(match[0])
    buffer, ended = head[match.end() :], False
    while not ended:
        data = stream.read(_PIECE)
        ended = not data
        buffer += data
        if has_asides(buffer):
            break
        cut = buffer.rfind(b"<si>")
        if cut > 0:
            piece, buffer = buffer[:cut], buffer[cut:]
            strings.extend(_read_piece(piece, parser, limits))
        if len(buffer) > limits.token_bytes:
            break
    _read_safely(stream, buffer, parser, strings)
    return strings


def _read_safely(stream: Stream, data: bytes, parser: StringParser, strings: SharedStrings) -> None:
    """Read the rest of the part, from ``data`` on, with the parser."""
    while data:
        parser.feed(data)
        strings.extend(parser.take())
        data = stream.read(_PIECE)
    parser.feed(b"", final=True)
    strings.extend(parser.take())


def _read_piece(piece: bytes, parser: StringParser, limits: Limits) -> Sequence[bytes]:
    """Return the strings of a piece that has whole strings only."""
    if not is_sound(piece):
        parser.feed(piece)
        return parser.take()
    texts = _split_plain(piece)
    if texts is not None and max(map(len, texts)) <= limits.cell_bytes:
        resolved = resolve_texts(texts)
        return resolved if parser.preserves_space else trim(resolved)
    kept, plain, others, rest = zip(*_STRINGS.findall(piece), strict=True)
    if max(map(len, plain)) > limits.cell_bytes:
        parser.feed(piece)
        return parser.take()
    resolved = resolve_texts(plain)
    if not parser.preserves_space:
        resolved = [text if keeps else text.strip(b" \t\r\n") for text, keeps in zip(resolved, kept, strict=True)]
    if not any(others) and not rest[-1]:
        return resolved
    texts = []
    start = 0
    for index, other in enumerate(map(b"".join, zip(others, rest, strict=True))):
        if other:
            texts.extend(resolved[start:index])
            parser.feed(other)
            texts.extend(parser.take())
            start = index + 1
    texts.extend(resolved[start:])
    return texts


def _split_plain(piece: bytes) -> list[bytes] | None:
    """Return the strings of a piece that has plain strings only; None for any other piece."""
    if not (piece.startswith(_START) and piece.endswith(_END)) or piece.translate(None, _CONTROLS) != piece:
        return None
    texts = piece[len(_START) : -len(_END)].split(_END + _START)
    # Exactly four tags for each string.
    return texts if piece.count(b"<") == 4 * len(texts) else None


class StringParser(GuardedParser):
    """Parser of shared strings, based on expat."""

    def __init__(self, part: str, limits: Limits) -> None:
        found: list[bytes] = []
        pieces: list[str] = []
        path: list[str] = []
        length = 0
        wanted = trims = False
        begun = 0
        self.preserves_space = False
        """``<sst>`` has ``xml:space="preserve"``, so outer white space is part of every text."""

        def start(name: str, attributes: list[str]) -> None:
            nonlocal length, wanted, trims, begun
            local = name.rpartition(" ")[2]
            inside = path[-1] if path else ""
            path.append(local)
            depth = len(path)
            if depth == 1:
                self.preserves_space = preserves_space(attributes)
            if depth == 2 and local == "si":
                pieces.clear()
                length = 0
            elif inside == "t" or (local == "si" and "si" in path[:-1]):
                raise CorruptError(
                    f"a shared string of the part {part} has <{local[:40]}> inside <{inside}>", hint=DAMAGED
                )
            wanted = local == "t" and path[1:-1] in (["si"], ["si", "r"])
            trims = wanted and not (self.preserves_space or preserves_space(attributes))
            begun = len(pieces)
            if depth > limits.depth:
                raise CorruptError(f"the part {part} nests elements more than {limits.depth} deep")

        def end(_name: str) -> None:
            nonlocal wanted, trims
            if trims:
                pieces[begun:] = ["".join(pieces[begun:]).strip(XML_SPACE)]
            wanted = trims = False
            if path.pop() == "si" and len(path) == 1:
                found.append("".join(pieces).encode())

        def text(data: str) -> None:
            nonlocal length
            if wanted:
                length += len(data)
                if length > limits.cell_bytes:
                    raise CorruptError(f"a shared string has more than {limits.cell_bytes:,} bytes")
                pieces.append(data)

        super().__init__(part, limits, start=start, end=end, text=text)
        self._found = found
        self._path = path

    @property
    def between_items(self) -> bool:
        """True if the parser is inside ``<sst>`` and outside of its child elements."""
        return len(self._path) == 1

    def take(self) -> list[bytes]:
        """Return the strings found since the last call."""
        found = self._found[:]
        self._found.clear()
        return found
