"""The plugin: finds ``.csv`` files, and reads each as a workbook with one sheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from typing import TextIO

from pgdatahub import Batch, Config, SheetInfo, SourceFile, discover, hookimpl
from pgdatahub.errors import ReadError
from pgdatahub_read_csv.detection import Form, detect
from pgdatahub_read_csv.values import as_value

SUFFIXES = frozenset({".csv", ".tsv"})
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a workbook with the suffix .csv is another reader's


@hookimpl
def pgdatahub_discover(config: Config) -> Iterable[SourceFile]:
    """Find the files below the data root; the built-in plugin finds the workbooks."""
    return discover(config, SUFFIXES)


@hookimpl
def pgdatahub_read(source: SourceFile) -> CsvWorkbook | None:
    """Open a CSV file; decline everything else by returning None. Hooks may leave out parameters they do not need."""
    if source.suffix not in SUFFIXES:
        return None
    with source.open() as file:
        if file.read(4) in WORKBOOKS:
            return None
    return CsvWorkbook(source, detect(source))


class CsvWorkbook:
    """Workbook of a CSV file: a list with one sheet, which opens by its position, and a method to close it."""

    def __init__(self, source: SourceFile, form: Form) -> None:
        # The one sheet has no name of its own, so it goes by the name that the folder's settings ask for.
        name = source.options.sheet[0] if source.options.sheet else source.name
        self.sheets = (SheetInfo(name=name),)
        self._form = form
        self._lines = form.open(source)

    def open(self, position: int) -> CsvSheet:
        """Return the sheet at a position; this workbook has one."""
        return CsvSheet(self.sheets[position].name, self._form, self._lines)

    def close(self) -> None:
        """Give back the file. pgdatahub calls this whatever happens."""
        self._lines.close()


class CsvSheet:
    """The rows of the file, some at a time."""

    def __init__(self, name: str, form: Form, lines: TextIO) -> None:
        self.name = name
        self.hidden_columns: frozenset[int] = frozenset()
        self.notices = form.notices  # shown to the user with the file's result
        self._rows = csv.reader(lines, **form.dialect)

    def batches(self, max_rows: int) -> Iterator[Batch]:
        """Yield at most ``max_rows`` rows at a time: columns of equally many cells, None where a row is short."""
        first = 1
        while rows := self._take(max_rows):
            columns = ([as_value(text) for text in texts] for texts in zip_longest(*rows, fillvalue=""))
            yield Batch(rows=range(first, first + len(rows)), columns=dict(enumerate(columns)))
            first += len(rows)

    def _take(self, max_rows: int) -> list[list[str]]:
        try:
            return list(islice(self._rows, max_rows))
        except (csv.Error, UnicodeError) as error:
            # An error of pgdatahub's own costs this file and no other, and is shown without a traceback.
            raise ReadError(
                f"the file goes on otherwise than it begins: {error}", where=f"line {self._rows.line_num}"
            ) from error
