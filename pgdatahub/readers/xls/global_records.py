"""The records of a workbook itself: its sheets, shared strings, number formats, names and date system."""

from __future__ import annotations

from struct import unpack_from
from types import SimpleNamespace
from typing import Any, Final

from xlrd.formatting import Format

from pgdatahub.readers.xls.code_pages import decode, encoding_of
from pgdatahub.readers.xls.name_records import NameRecords
from pgdatahub.readers.xls.record_stream import RecordStream
from pgdatahub.readers.xls.strings import StringReader, TruncatedTextError, read_string

BIFF5: Final = 50
_BIFF8: Final = 80
_WORKSHEET: Final = 0
_SMALLEST_STRING: Final = 3


class PasswordNeededError(Exception):
    """The records are encrypted."""


class _Formats(dict[int, Any]):
    """Number formats by number; xlrd gives up a format that the file does not define, and its built-in list has gaps."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: int) -> Any:
        return Format(key, 0, None)


class GlobalRecords(RecordStream):
    """The records of a workbook itself.

    Args:
        trusts_empty: A formula whose result is an empty text has been computed.
    """

    def __init__(self, *, trusts_empty: bool) -> None:
        super().__init__()
        self.trusts_empty = trusts_empty
        self.names = NameRecords()
        self._sharedstrings: list[str] = []
        # As attributes, since xlrd puts its own functions of these names into the class when it opens a workbook.
        self.handle_format = self._read_format
        self.handle_xf = self._read_xf
        self.xf_epilogue = self._end_xf

    def initialise_format_info(self) -> None:
        """Forget formats; each sheet of an Excel 4 workbook has its own."""
        super().initialise_format_info()
        self.format_map = _Formats()
        self.codes: dict[int, str] = {}

    def derive_encoding(self) -> str:
        """Return the encoding of texts that are not Unicode."""
        self.encoding: str = "utf_16_le" if self.biff_version >= _BIFF8 else encoding_of(self.codepage)
        return self.encoding

    def handle_writeaccess(self, _data: bytes) -> None:
        """Skip the name of the user who saved the workbook."""

    def handle_datemode(self, data: bytes) -> None:
        """Note the date system."""
        self.datemode = data[0] & 1 if data else 0

    def handle_filepass(self, _data: bytes) -> None:
        """Refuse encrypted records.

        Raises:
            PasswordNeededError: Always.
        """
        raise PasswordNeededError

    def handle_boundsheet(self, data: bytes) -> None:
        """List a sheet."""
        if self.biff_version == 45:
            super().handle_boundsheet(data)
            return
        place, visibility, kind = unpack_from("<IBB", data)
        is_worksheet = kind & 0x0F == _WORKSHEET
        self.names.listed.append(len(self._sheet_names) if is_worksheet else None)
        if not is_worksheet:
            return  # macros, charts and modules have no cells
        self._sheet_names.append(self._short_text(data, 6))
        self._sh_abs_posn.append(self.base + place)
        self._sheet_visibility.append(visibility)

    def handle_sst(self, data: bytes) -> None:
        """Read the shared strings."""
        parts = self.with_continuations(data)
        count = int.from_bytes(data[4:8], "little")
        size = sum(map(len, parts))
        if count > size // _SMALLEST_STRING:
            # Some programs write wrong counts; there cannot be more strings than bytes for them.
            count = size // _SMALLEST_STRING + 1
        strings = StringReader(parts, 8)
        found = self._sharedstrings
        try:
            found.extend(strings.shared() for _ in range(count))
        except TruncatedTextError:
            return  # a cell that uses a string that is missing is refused

    def _read_format(self, data: bytes, rectype: int = 0x041E) -> None:
        version = self.biff_version
        if version >= BIFF5:
            number, offset = unpack_from("<H", data)[0], 2
        else:
            number, offset = self.actualfmtcount, 0 if version <= 30 or rectype == 0x1E else 2
        self.actualfmtcount += 1
        text = read_string([data], offset) if version >= _BIFF8 else self._short_text(data, offset)
        self.codes[number] = text
        self.format_map[number] = Format(number, 0, text)

    def _short_text(self, data: bytes, offset: int) -> str:
        if self.biff_version >= _BIFF8:
            return read_string([data], offset, 1)
        return decode(data[offset + 1 : offset + 1 + data[offset]], self.derive_encoding())

    def _read_xf(self, data: bytes) -> None:
        version = self.biff_version
        number = unpack_from("<H", data, 2)[0] if version >= BIFF5 else data[2] & 0x3F if version <= 21 else data[1]
        self.xf_list.append(SimpleNamespace(format_key=number, xf_index=len(self.xf_list)))
        self.xfcount += 1

    def _end_xf(self) -> None:
        self._xf_epilogue_done = 1

    def shared_string(self, index: int) -> str | None:
        """Return a shared string, None if the workbook does not have it."""
        known: list[str] = self._sharedstrings
        return known[index] if index < len(known) else None
