"""Rows of a CSV file, in bounded memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, Protocol, TextIO

from pgdatahub import Batch
from pgdatahub.errors import ReadError
from pgdatahub_read_csv.content import Content
from pgdatahub_read_csv.dialect import Dialect, undecodable
from pgdatahub_read_csv.remarks import Remarks
from pgdatahub_read_csv.values import as_values

MAX_ROW: Final = 16 << 20
"""Characters of a row, as in a workbook."""
MAX_CELLS: Final = 16_384
"""Cells of a row, as in a workbook."""
BATCH_CHARACTERS: Final = 8 << 20
"""Characters of a batch, beyond which it ends before it has all rows that it may have."""


class Reader(Protocol):
    """A reader of :mod:`csv`."""

    @property
    def line_num(self) -> int:
        """The number of lines that were read."""

    def __iter__(self) -> Iterator[list[str]]:
        """Return the iterator over the rows."""


class CsvSheet:
    """The rows of the file, some at a time.

    Args:
        name: The name of the sheet.
        content: The bytes of the file.
        encoding: Their encoding.
        dialect: The delimiter and the quoting.
        notices: Notices that are known before the file is read.
    """

    def __init__(
        self, name: str, content: Content, encoding: str, dialect: Dialect, notices: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.hidden_columns: frozenset[int] = frozenset()
        self._content = content
        self._encoding = encoding
        self._dialect = dialect
        self._notices = notices
        self._remarks = Remarks()
        self._file = content.open_text(encoding)
        self._pending = 0
        """Characters of the row in work."""
        self._taken = 0
        """Characters of the batch in work."""
        self._line = dialect.lines_before
        """The last line of the last row."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices to the user with the file's result; complete after the last batch."""
        return (*self._notices, *self._remarks.notices())

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield at most ``max_rows`` rows at a time: columns of equally many cells, None where a row is short.

        Raises:
            ReadError: A row cannot be read; the error has its number, and its line if the numbers differ.
        """
        # The limit is the module's, and applies to all its readers: raise it, never lower it.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))
        reader = csv.reader(self._lines(self._file), **self._dialect.parameters)
        first = 1
        while some := self._take(reader, first, max_rows):
            self._remarks.widths(first, some)
            columns = {}
            for position, texts in enumerate(zip_longest(*some, fillvalue="")):
                values = as_values(texts)
                if values is not None:
                    columns[position] = values
                    self._remarks.column(position, first, values)
            yield Batch(rows=range(first, first + len(some)), columns=columns)
            first += len(some)

    def _lines(self, file: TextIO) -> Iterator[str]:
        """Yield lines of bounded length."""
        for _ in range(self._dialect.lines_before):
            file.readline(MAX_ROW)
        # One call a line: readline() without a limit would hold a whole file without line ends.
        for line in iter(lambda: file.readline(MAX_ROW + 1), ""):
            self._pending += len(line)
            if self._pending > MAX_ROW:
                raise _UnfitError(
                    f"the row has more than {MAX_ROW:,} characters", "check whether a quote is opened and never closed"
                )
            if "\0" in line:
                raise _UnfitError("the row has a NUL character, as in a damaged file", "write the file again")
            yield line

    def _take(self, reader: Reader, first: int, max_rows: int) -> list[list[str]]:
        """Return the next rows; ``first`` is the number of the first."""
        some: list[list[str]] = []
        widest = self._taken = 0
        try:
            for row in reader:
                widest = max(widest, len(row))
                if widest > MAX_CELLS:
                    raise _UnfitError(f"the row has {widest:,} cells, more than {MAX_CELLS:,}", "check the delimiter")
                some.append(row)
                self._taken += self._pending
                self._pending = 0
                self._line = reader.line_num + self._dialect.lines_before
                # Short rows are filled up to the widest one, so cells count as characters too.
                if len(some) == max_rows or max(self._taken, widest * len(some)) > BATCH_CHARACTERS:
                    break
        except UnicodeError as error:
            raise undecodable(self._content, self._encoding) from error
        except (_UnfitError, csv.Error) as error:
            number, line = first + len(some), self._line + 1
            message, hint = (
                (str(error), error.hint)
                if isinstance(error, _UnfitError)
                else (
                    f"the quoting is invalid: {error}",
                    "a quote within quotes is doubled; quote: none takes quotes as text",
                )
            )
            where = f"row {number}" if line == number else f"row {number} (line {line})"
            raise ReadError(message, where=where, hint=hint) from error
        return some


class _UnfitError(Exception):
    """A row that cannot be loaded.

    Args:
        message: The reason.
        hint: How to fix it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
