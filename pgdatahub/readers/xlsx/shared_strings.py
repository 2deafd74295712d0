"""The shared strings part of a workbook: its pieces by patterns, and by a parser where those do not fit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pgdatahub.errors import CorruptError
from pgdatahub.readers.advice import DAMAGED
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import GuardedParser, Stream
from pgdatahub.readers.xlsx.cell_text import has_asides, is_sound, resolve_texts
from pgdatahub.readers.xlsx.outer_space import XML_SPACE, preserves_space, trim
from pgdatahub.readers.xlsx.string_table import SharedStrings

_PIECE = 1024 * 1024
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
