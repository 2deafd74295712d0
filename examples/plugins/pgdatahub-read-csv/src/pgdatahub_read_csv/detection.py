"""Dialect of a CSV file: its encoding, delimiter and quoting."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from itertools import islice
from typing import Any, BinaryIO, Final, TextIO

from pgdatahub import SourceFile
from pgdatahub.errors import ReadError

ENCODING_VARIABLE: Final = "PGDATAHUB_CSV_ENCODING"
SAMPLE_CHARACTERS = 1 << 15  # clevercsv takes 0.1 s for so many
BLOCK_BYTES = 1 << 20
DELIMITERS: Final = [",", ";", "\t", "|"]
NO_DELIMITER: Final = "\x1f"  # of a file with one column; no text has it
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Dialect of a CSV file.

    Attributes:
        encoding: As Python names it.
        dialect: Keyword arguments of :func:`csv.reader`.
        notices: What a person should know about how this was found out.
    """

    encoding: str
    dialect: dict[str, Any]
    notices: tuple[str, ...] = ()

    def open(self, source: SourceFile) -> TextIO:
        """Open the file as text; its lines keep their ends, which :mod:`csv` needs to tell a newline in quotes."""
        return TextIOWrapper(source.open(), self.encoding, newline="")


def detect(source: SourceFile) -> Form:
    """Detect the dialect of a file.

    Raises:
        ReadError: The file is not text.
    """
    encoding, notices = _detect_encoding(source)
    with source.open() as file, TextIOWrapper(file, encoding, newline="") as lines:
        try:
            sample = lines.read(SAMPLE_CHARACTERS)
        except UnicodeError as error:
            raise ReadError(f"the file is not {encoding}: {error}", hint=f"correct {ENCODING_VARIABLE}") from error
    if "\0" in sample:
        raise ReadError("the file is no text: it has NUL characters", hint="is it UTF-16 without a byte order mark?")
    return Form(encoding=encoding, dialect=_detect_dialect(sample), notices=notices)


def _detect_encoding(source: SourceFile) -> tuple[str, tuple[str, ...]]:
    """Return the encoding: what the file's mark says, else UTF-8 if all of it is, else a guess and a notice of it."""
    with source.open() as file:
        beginning = file.read(4)
        for mark, encoding in _MARKS:
            if beginning.startswith(mark):
                return encoding, ()
        if _is_utf8(file):
            return "utf-8", ()
        file.seek(0)
        foreign = (line for line in iter(partial(file.readline, BLOCK_BYTES), b"") if not line.isascii())
        sample = list(islice(foreign, 200))
    # Here, since every command imports every plugin, also those that read nothing.
    import chardet

    given = os.environ.get(ENCODING_VARIABLE)
    era = chardet.EncodingEra.MODERN_WEB  # not those of mainframes and DOS, which short texts may look like
    guess = given or chardet.detect(b"".join(sample), encoding_era=era)["encoding"]
    try:
        shown = sample[0].decode(guess or "").strip()
    except (LookupError, UnicodeError) as error:
        raise ReadError(
            f"the file is neither UTF-8 nor {guess or 'in an encoding that can be told'}",
            hint=f"set {ENCODING_VARIABLE}",
        ) from error
    notice = (
        f'the file is not UTF-8 and was taken for {guess}: is "{shown[:60]}" right? {ENCODING_VARIABLE} sets another'
    )
    return str(guess), () if given else (notice,)


def _is_utf8(file: BinaryIO) -> bool:
    # Not a sample alone: the first umlaut may be in the last row. This reads some hundred megabytes a second.
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in iter(partial(file.read, BLOCK_BYTES), b""):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _detect_dialect(sample: str) -> dict[str, Any]:
    import clevercsv

    if len(sample) == SAMPLE_CHARACTERS:
        sample = sample[: sample.rfind("\n") + 1] or sample
    try:
        found = clevercsv.Sniffer().sniff(sample, delimiters=DELIMITERS)
    except clevercsv.Error:
        found = None
    return {
        "delimiter": (found and found.delimiter) or NO_DELIMITER,
        "quotechar": (found and found.quotechar) or '"',
        # A quote within quotes is doubled (RFC 4180), whether the sample has one or not; anything else in them is refused.
        "doublequote": True,
        "strict": True,
    }
