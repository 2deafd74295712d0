"""The plugin: finds ``.csv`` and ``.tsv`` files, also packed by gzip, and reads each as a workbook with one sheet."""

from __future__ import annotations

from collections.abc import Iterable

from pgdatahub import Config, SheetInfo, SourceFile, discover, hookimpl
from pgdatahub.errors import EmptyFileError, NotAWorkbookError
from pgdatahub_read_csv.content import Content, other_text
from pgdatahub_read_csv.dialect import Dialect, detect_dialect
from pgdatahub_read_csv.encoding import detect_encoding
from pgdatahub_read_csv.sheet import CsvSheet

SUFFIXES = frozenset({".csv", ".tsv", ".csv.gz", ".tsv.gz"})
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a workbook with the suffix .csv is another reader's


@hookimpl
def pgdatahub_discover(config: Config) -> Iterable[SourceFile]:
    """Find the files below the data root; the built-in plugin finds the workbooks."""
    return discover(config, SUFFIXES)


@hookimpl
def pgdatahub_read(source: SourceFile) -> CsvWorkbook | None:
    """Open a CSV file; decline everything else by returning None. Hooks may leave out parameters they do not need."""
    if not source.name.lower().endswith(tuple(SUFFIXES)):
        return None
    content = Content(source)
    with content.open() as file:
        beginning = file.read(512)
    if beginning.startswith(WORKBOOKS):
        return None
    if not beginning:
        raise EmptyFileError("the file has no bytes", hint="copy or download it again")
    if (kind := other_text(beginning)) is not None:
        raise NotAWorkbookError(
            f"the file is not a CSV file; it is {kind}",
            hint="ask its sender for a CSV file or a workbook, or move the file out of the folder",
        )
    encoding = detect_encoding(content)
    return CsvWorkbook(content, encoding.name, detect_dialect(content, encoding.name), encoding.notices)


class CsvWorkbook:
    """Workbook of a CSV file: a list with one sheet, which opens by its position, and a method to close it.

    Args:
        content: The bytes of the file.
        encoding: Their encoding, as Python names it.
        dialect: The delimiter and the quoting.
        notices: Notices about the encoding.
    """

    def __init__(self, content: Content, encoding: str, dialect: Dialect, notices: tuple[str, ...]) -> None:
        # The one sheet has no name of its own, so it goes by the name that the folder's settings ask for.
        wanted = content.source.options.sheet
        self.sheets = (SheetInfo(name=wanted[0] if wanted else content.source.name),)
        self._content = content
        self._encoding = encoding
        self._dialect = dialect
        self._notices = (*notices, *dialect.notices)
        self._sheet: CsvSheet | None = None

    def open(self, position: int) -> CsvSheet:
        """Return the sheet at a position; this workbook has one."""
        name = self.sheets[position].name
        self.close()
        self._sheet = CsvSheet(name, self._content, self._encoding, self._dialect, self._notices)
        return self._sheet

    def close(self) -> None:
        """Close the file. pgdatahub calls this method in any case."""
        if self._sheet is not None:
            self._sheet.close()
            self._sheet = None
