"""Reads ``.xls`` and ``.xlsb`` by python-calamine, and any workbook of a folder that asks for it (``reader: calamine``).

It is also the one that says what a file under a workbook's name is, if it is no workbook at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgdatahub.errors import CorruptError, EmptyFileError, FileChangedError, NotAWorkbookError, ReadError
from pgdatahub.plugins.specs import hookimpl

if TYPE_CHECKING:
    from pgdatahub.model.flow import SourceFile, Workbook


@hookimpl(trylast=True)
def pgdatahub_read(source: SourceFile) -> Workbook | None:
    """Open a workbook by its content, whatever its name; refuse a file that is named like one and is not."""
    # Here, so that listing plugins does not import a reader's machinery.
    from pgdatahub.readers.calamine.workbook import CalamineWorkbook
    from pgdatahub.readers.detect import WORKBOOK_SUFFIXES, Format, detect

    try:
        with source.open() as file:
            content = detect(file)
    except FileNotFoundError as error:
        raise FileChangedError("the file is not there any more") from error
    except OSError as error:
        raise ReadError(f"the file cannot be read: {error.strerror or error}") from error
    asked_for = source.options.reader == "calamine"
    if content.format in (Format.XLS, Format.XLSB) or (asked_for and content.format in (Format.XLSX, Format.ODS)):
        return CalamineWorkbook(source, content.format)
    if content.format in (Format.XLSX, Format.ODS) or source.suffix not in WORKBOOK_SUFFIXES:
        return None
    if content.format is Format.EMPTY:
        raise EmptyFileError("the file is empty: it has no bytes", hint="copy or download it again")
    if content.format is Format.DAMAGED_ZIP:
        raise CorruptError(f"the workbook is {content.looks_like}", hint="copy or download it again")
    if content.format is Format.OLD_XLS:
        raise ReadError(f"the file is {content.looks_like}, which is too old to be read", hint=content.advice)
    raise NotAWorkbookError(f"the file is no workbook but {content.looks_like}", hint=content.advice)
