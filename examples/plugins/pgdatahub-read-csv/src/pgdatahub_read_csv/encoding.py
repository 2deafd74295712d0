"""Encoding of a CSV file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO, Final

from pgdatahub.errors import ReadError
from pgdatahub_read_csv.content import BLOCK_BYTES, Content

SAMPLE_LINES: Final = 200
"""Lines that are not ASCII, by which an encoding is guessed."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MANY_BYTES: Final = re.compile("gb|big5|euc|jis|cp9[345]|johab|iso.?2022|hz", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """The encoding of a file.

    Attributes:
        name: As Python names it.
        notices: Notices to the user about a guess or a contradiction.
    """

    name: str
    notices: tuple[str, ...] = ()


def detect_encoding(content: Content) -> Encoding:
    """Return the encoding: that of the file's mark, UTF-8 if all of it is, that of the folder's settings, or a guess.

    Raises:
        ReadError: The encoding cannot be told, or the file has several.
    """
    given = content.source.options.encoding
    with content.open() as file:
        beginning = file.read(4)
    marked = next((encoding for mark, encoding in _MARKS if beginning.startswith(mark)), None)
    if marked is not None:
        return Encoding(name=marked, notices=_contradiction(marked, given))
    if given is not None:
        return _given(content, given)
    broken = first_undecodable(content, "utf-8")
    if broken is None:
        return Encoding(name="utf-8")
    with content.open() as file:
        foreign = list(islice(_foreign_lines(file), SAMPLE_LINES))
    return _guess([line for _, line in foreign], broken)


def first_undecodable(content: Content, encoding: str) -> tuple[int, str] | None:
    """Return the line (from 1) and the reason of the first bytes that are not text in an encoding; None if all are.

    A sample is not enough: the first umlaut may be in the last row. UTF-8 is checked at some hundred megabytes a second.
    """
    line = 1
    with content.open() as file:
        if encoding in ("utf-16", "utf-32"):  # a later block has no mark that tells the order of bytes
            big = file.read(2) in (codecs.BOM_UTF16_BE, b"\0\0")
            file.seek(0)
            encoding = f"{encoding}-{'be' if big else 'le'}"
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for block in iter(partial(file.read, BLOCK_BYTES), b""):
                line += decoder.decode(block).count("\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, "ignore")
            found = error.object[error.start : error.end][:4].hex(" ").upper()
            return line + before.count("\n"), f"the bytes {found} are not {encoding} ({error.reason})"
        except UnicodeError as error:  # UTF-16 without its mark
            return line, f"it is not {encoding} ({error})"
    return None


def _contradiction(marked: str, given: str | None) -> tuple[str, ...]:
    name = marked.removesuffix("-sig")
    if given is None or given.startswith(name):
        return ()
    return (f"the file begins with the mark of {name} and was read as such; the folder has encoding: {given}",)


def _given(content: Content, given: str) -> Encoding:
    """Return the encoding of the settings, or UTF-8 if the file is valid UTF-8 beyond ASCII, which is hardly ever by chance."""
    if given.startswith(("utf", "ascii")) or _MANY_BYTES.search(given) or first_undecodable(content, "utf-8"):
        return Encoding(name=given)
    with content.open() as file:
        first = next(_foreign_lines(file), None)
    if first is None:
        return Encoding(name=given)
    shown = first[1].decode("utf-8", "replace").strip()[:60]
    return Encoding(
        name="utf-8",
        notices=(
            f'the file is valid UTF-8 ("{shown}" in line {first[0]}) and was read as such; its folder has encoding: {given}',
        ),
    )


def _foreign_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not ASCII, each with its number, in pieces if they are long."""
    number = 1
    for line in iter(partial(file.readline, BLOCK_BYTES), b""):
        if not line.isascii():
            yield number, line
        number += line.endswith(b"\n")


def _guess(foreign: list[bytes], broken: tuple[int, str]) -> Encoding:
    # Here, since every command imports every plugin, also those that read nothing.
    import chardet

    line, reason = broken
    era = chardet.EncodingEra.MODERN_WEB  # not those of mainframes and DOS, which short texts may look like
    guess = chardet.detect(b"".join(foreign), encoding_era=era)["encoding"] or ""
    valid = sum(map(_is_utf8, foreign))
    # A short text in an encoding of several bytes may happen to be valid UTF-8; in one of Windows' it hardly ever is.
    if valid > (len(foreign) // 2 if _MANY_BYTES.search(guess) else 0):
        raise ReadError(
            f"the file mixes encodings: {valid} of {len(foreign)} lines are UTF-8, and {reason}",
            where=f"line {line}",
            hint="correct the line, or set encoding: for its folder",
        )
    try:
        shown = foreign[0].decode(guess).strip()
    except (LookupError, UnicodeError, IndexError) as error:
        raise ReadError(
            f"the file is neither UTF-8 nor {guess or 'in an encoding that can be told'}: {reason}",
            where=f"line {line}",
            hint="set encoding: for its folder",
        ) from error
    return Encoding(
        name=guess,
        notices=(f'the file is not UTF-8 and was taken for {guess}: is "{shown[:60]}" right? encoding: sets another',),
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
