"""The shared strings of a binary workbook."""

from __future__ import annotations

from typing import Final

from pgdatahub.errors import CorruptError
from pgdatahub.readers.limits import Limits
from pgdatahub.readers.packages.markup import Stream
from pgdatahub.readers.xlsb import records
from pgdatahub.readers.xlsb.records import decode_text, read_records
from pgdatahub.readers.xlsb.texts import copy_texts
from pgdatahub.readers.xlsx.string_table import SharedStrings

_AT_A_TIME: Final = 5_000
_TEXT_AT: Final = 5
"""Index of a string's characters: behind one byte of flags and the number of characters (MS-XLSB 2.5.122)."""


def read_shared_strings(stream: Stream, limits: Limits) -> SharedStrings:
    """Read the shared strings part; rich text is its text, phonetic guides are left out.

    Raises:
        CorruptError: The part is damaged, or a string is too long.
    """
    strings = SharedStrings(limits)
    try:
        _read(stream, limits, strings)
    except BaseException:
        strings.close()
        raise
    return strings


def _read(stream: Stream, limits: Limits, strings: SharedStrings) -> None:
    texts: list[str] = []
    length = 0
    for _, payload in read_records(stream, limits, records.BEGIN_STRINGS, (records.STRING_ITEM,)):
        end = _TEXT_AT + 2 * int.from_bytes(payload[1:_TEXT_AT], "little")
        if len(payload) < max(end, _TEXT_AT):
            number = len(strings) + len(texts)
            raise CorruptError(f"the shared string {number:,} of the part {stream.name} is cut off")
        if end > 2 * limits.cell_bytes:
            raise CorruptError(f"a shared string has more than {limits.cell_bytes:,} bytes")
        texts.append(decode_text(payload[_TEXT_AT:end]))
        length += end
        if len(texts) >= _AT_A_TIME or length > limits.token_bytes:
            _add(strings, texts)
            texts, length = [], 0
    _add(strings, texts)


def _add(strings: SharedStrings, texts: list[str]) -> None:
    first = len(strings)
    strings.add(copy_texts(texts, lambda index: strings.cleaned.add(first + index)))
