"""Delimiter and quoting of a CSV file."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Any, Final

from pgdatahub.errors import ReadError
from pgdatahub_read_csv.content import Content
from pgdatahub_read_csv.encoding import first_undecodable

SAMPLE_CHARACTERS: Final = 1 << 15  # clevercsv takes 0.1 s for so many
DELIMITERS: Final = [",", ";", "\t", "|"]
NO_DELIMITER: Final = "\x1f"  # of a file with one column; no text has it
NAMES: Final = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "space"}
_SEPARATOR: Final = re.compile('"?sep=(.)"?\r?\n', re.IGNORECASE)  # Excel's own line, which is not a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The delimiter and the quoting of a file.

    Attributes:
        delimiter: One character.
        quote: The character around cells; None if cells have none.
        lines_before: Lines before the first row: that of Excel with the delimiter.
        notices: Notices to the user about a doubtful delimiter.
    """

    delimiter: str
    quote: str | None = '"'
    lines_before: int = 0
    notices: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of :func:`csv.reader`."""
        if self.quote is None:
            return {"delimiter": self.delimiter, "quoting": csv.QUOTE_NONE, "quotechar": None}
        # A quote within quotes is doubled (RFC 4180), whether a sample has one or not; anything else in them is refused.
        return {"delimiter": self.delimiter, "quotechar": self.quote, "doublequote": True, "strict": True}


def detect_dialect(content: Content, encoding: str) -> Dialect:
    """Return the dialect: as the folder's settings say, or found in the beginning of the file.

    Raises:
        ReadError: The beginning is not text.
    """
    try:
        with content.open_text(encoding) as lines:
            sample = lines.read(SAMPLE_CHARACTERS)
    except UnicodeError as error:
        raise undecodable(content, encoding) from error
    if "\0" in sample:
        line = sample.count("\n", 0, sample.index("\0")) + 1
        raise ReadError(
            "the file is not text: it has a NUL character",
            where=f"line {line}",
            hint="if it is UTF-16 without a byte order mark, set encoding: utf-16-le for its folder",
        )
    options = content.source.options
    separator = _SEPARATOR.match(sample)
    lines_before = 0 if separator is None else 1
    if len(sample) == SAMPLE_CHARACTERS:
        sample = sample[: sample.rfind("\n") + 1] or sample
    body = sample if separator is None else sample[separator.end() :]
    tabbed = content.source.name.lower().endswith((".tsv", ".tsv.gz"))
    delimiter = options.delimiter or (separator[1] if separator else "\t" if tabbed else None)
    quote = '"' if options.quote is None else None if options.quote == "none" else options.quote
    if delimiter is None:
        found = _sniff(body)
        delimiter = found[0]
        if options.quote is None:
            quote = found[1]
    return Dialect(
        delimiter=delimiter, quote=quote, lines_before=lines_before, notices=_doubt(body, delimiter, tabbed=tabbed)
    )


def undecodable(content: Content, encoding: str) -> ReadError:
    """Return the error for a file that is not text in its encoding, with the line."""
    line, reason = first_undecodable(content, encoding) or (None, f"it is not {encoding}")
    where = None if line is None else f"line {line}"
    return ReadError(f"the file cannot be decoded: {reason}", where=where, hint="set encoding: for its folder")


def _sniff(sample: str) -> tuple[str, str]:
    if not any(delimiter in sample for delimiter in DELIMITERS):
        return NO_DELIMITER, '"'
    # Here, since every command imports every plugin, also those that read nothing.
    import clevercsv

    try:
        found = clevercsv.Sniffer().sniff(sample, delimiters=DELIMITERS)
    except clevercsv.Error:
        found = None
    if found is None or not found.delimiter:
        return NO_DELIMITER, '"'
    return found.delimiter, found.quotechar or '"'


def _doubt(sample: str, delimiter: str, *, tabbed: bool) -> tuple[str, ...]:
    """Return a notice if no line has the delimiter and each line has another one equally often."""
    lines = [line for line in sample.splitlines() if line.strip()][:100]
    if not lines or delimiter == NO_DELIMITER or any(delimiter in line for line in lines):
        return ()
    for other in DELIMITERS:
        counts = {line.count(other) for line in lines}
        if len(counts) == 1 and counts != {0}:
            source = "the suffix .tsv means" if tabbed else "the folder has"
            name = NAMES.get(delimiter, delimiter)
            return (
                (
                    f"no line has the delimiter {name}, which {source}, and each has the same number of {NAMES[other]}s:"
                    f" delimiter: {NAMES[other]} would split the lines"
                ),
            )
    return ()
